#include "training/clipper.hpp"

#include <gtest/gtest.h>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

/// Three parameters: a gradient of norm 3, one of norm 4, and in a group of its own one of norm n.
Gradients gradients(double n) {
  return {torch::full({1}, 3.0f), torch::full({4}, 2.0f), torch::full({1}, float(n))};
}

const std::vector<ClipGroup> groups = {{0, 2, 2}, {2, 1, 10}};

TEST(Clipper, LimitsEachGroupsJointNorm) {
  Clipper clipper(groups, 0);
  EXPECT_EQ(clipper.scales(gradients(20)), (std::vector<double>{0.4, 0.4, 0.5}));
  EXPECT_DOUBLE_EQ(clipper.norm(), std::sqrt(25.0 + 400));
  EXPECT_EQ(clipper.scales(gradients(5)), (std::vector<double>{0.4, 0.4, 1}));
}

TEST(Clipper, LimitsFallToTheMeanNormAndNeverRise) {
  Clipper clipper(groups, 2);
  clipper.scales(gradients(4));
  clipper.scales(gradients(6));
  // The second group's limit is now 5; the first one's stays below its norm.
  EXPECT_EQ(clipper.scales(gradients(10)), (std::vector<double>{0.4, 0.4, 0.5}));
  clipper.scales(gradients(30));
  EXPECT_EQ(clipper.scales(gradients(10)), (std::vector<double>{0.4, 0.4, 0.5}));
}

TEST(Clipper, GoesOnFromItsState) {
  Clipper one(groups, 2), other(groups, 2);
  one.scales(gradients(4));
  other.restore(one.state());
  for (const double n : {6, 10, 3}) EXPECT_EQ(one.scales(gradients(n)), other.scales(gradients(n)));
  EXPECT_THROW(other.restore({1, 2}), Error);
}

}  // namespace
}  // namespace hyperconv
