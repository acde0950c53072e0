#include "raw/mosaic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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

TEST(XTrans, IsSymmetricWhereItSays) {
  constexpr XTrans pattern;
  for (const int axis : {2, 5})
    for (int far = 0; far <= 2; ++far)
      for (int along = 0; along < 6; ++along) {
        EXPECT_EQ(pattern.colour(6 + axis + far, along), pattern.colour(6 + axis - far, along));
        EXPECT_EQ(pattern.colour(along, 6 + axis + far), pattern.colour(along, 6 + axis - far));
      }
}

TEST(XTrans, HasAllColoursInEveryRowAndColumnAndBeginsWhereItSays) {
  const XTrans moved{4, 1};
  for (int i = 0; i < 6; ++i) {
    std::array<int, 3> in_row{}, in_column{};
    for (int j = 0; j < 6; ++j) {
      ++in_row[size_t(moved.colour(i, j))];
      ++in_column[size_t(moved.colour(j, i))];
      EXPECT_EQ(moved.colour(i, j), XTrans{}.colour(i + 4, j + 1));
      EXPECT_EQ(cfa_colour(ColourFilters(moved), i, j), moved.colour(i, j));
    }
    for (const auto& counts : {in_row, in_column})
      EXPECT_GE(*std::min_element(counts.begin(), counts.end()), 1);
  }
}

TEST(ColourFilters, AreOneKindOrTheOther) {
  const ColourFilters bayer = Cfa::grbg, x_trans = XTrans{1, 2};
  EXPECT_EQ(*bayer.bayer(), Cfa::grbg);
  EXPECT_EQ(bayer.x_trans(), nullptr);
  EXPECT_EQ(x_trans.bayer(), nullptr);
  EXPECT_EQ(x_trans.x_trans()->column, 2);
  EXPECT_EQ(to_string(bayer), "grbg");
  EXPECT_EQ(to_string(x_trans), "x-trans");
  EXPECT_FALSE(bayer == x_trans);
  EXPECT_FALSE(x_trans == ColourFilters(XTrans{}));
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
