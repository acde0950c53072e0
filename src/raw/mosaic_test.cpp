#include "raw/mosaic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hyperconv/error.hpp"
#include "raw/matrix3.hpp"

namespace hyperconv {
namespace {

constexpr std::array all_patterns = {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg};

TEST(Cfa, NameSpellsTheCell) {
  for (const Cfa cfa : all_patterns) {
    std::string cell;
    for (int place = 0; place < 4; ++place) cell += "rgb"[cfa_colour(cfa, place / 2, place % 2)];
    EXPECT_EQ(cell, to_string(cfa));
    EXPECT_EQ(cfa_from_string(cell), cfa);
    const auto [y, x] = red_offset(cfa);
    EXPECT_EQ(cfa_colour(cfa, y, x), 0);
  }
}

TEST(Cfa, ShiftMovesTheOrigin) {
  for (const Cfa cfa : all_patterns)
    for (int dy = -3; dy <= 3; ++dy)
      for (int dx = -3; dx <= 3; ++dx)
        for (int place = 0; place < 4; ++place)
          ASSERT_EQ(cfa_colour(shifted(cfa, dy, dx), place / 2, place % 2),
                    cfa_colour(cfa, place / 2 + dy, place % 2 + dx));
}

TEST(Cfa, UnknownNameListsTheFour) {
  try {
    cfa_from_string("rgbg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("rggb, bggr, grbg and gbrg"));
  }
}

TEST(Matrix3, InverseTimesItselfIsOne) {
  const auto back = inverse(xyz_from_srgb);
  ASSERT_TRUE(back);
  const Matrix3 one = multiply(*back, xyz_from_srgb);
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) EXPECT_NEAR(one[i][j], i == j ? 1 : 0, 1e-12);
  EXPECT_FALSE(inverse(Matrix3{}));
}

}  // namespace
}  // namespace hyperconv
