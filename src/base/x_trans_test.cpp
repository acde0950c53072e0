#include "base/x_trans.hpp"

#include <gtest/gtest.h>

namespace hyperconv {
namespace {

TEST(XTrans, TwoAreEqualWhereEverySampleHasTheSameColour) {
  constexpr int side = XTrans::side;
  const auto same_colours = [](const XTrans& a, const XTrans& b) {
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        if (a.colour(y, x) != b.colour(y, x)) return false;
    return true;
  };
  for (int a = 0; a < side * side; ++a)
    for (int b = 0; b < side * side; ++b) {
      const XTrans one{a / side, a % side}, other{b / side, b % side};
      EXPECT_EQ(one == other, same_colours(one, other))
          << one.row << "," << one.column << " and " << other.row << "," << other.column;
    }
}

}  // namespace
}  // namespace hyperconv
