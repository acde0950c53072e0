#include "raw/highlights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

constexpr int side = 96;
constexpr std::array<double, 3> gains = {2, 1, 1.5};

/// Light that grows from left to right, of one warm colour under these gains: in white-balanced
/// light `colour` times 0.4 to 2. Green is clipped first.
constexpr std::array<float, 3> colour = {0.9F, 0.8F, 0.6F};
float brightness(int x) { return 0.4F + 1.6F * float(x) / (side - 1); }

Mosaic ramp(const ColourFilters& cfa) {
  Mosaic mosaic;
  mosaic.width = side;
  mosaic.height = side;
  mosaic.cfa = cfa;
  mosaic.black.fill(200);
  mosaic.white = 16200;
  mosaic.white_balance = gains;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const auto c = size_t(cfa_colour(cfa, y, x));
      const double light = double(brightness(x) * colour[c]) / gains[c];
      mosaic.samples.push_back(uint16_t(200 + 16000 * std::min(light, 1.0)));
    }
  return mosaic;
}

using Row = std::array<std::vector<float>, 3>;

/// A row as a perfect network would give it: cut at 1.
Row cut_row() {
  Row row;
  for (size_t c = 0; c < 3; ++c)
    for (int x = 0; x < side; ++x) row[c].push_back(std::min(brightness(x) * colour[c], 1.F));
  return row;
}

Row restored(const Mosaic& mosaic, HighlightMode mode) {
  Row row = cut_row();
  Highlights(mosaic, mode).restore(side / 2, 0, row[0], row[1], row[2]);
  return row;
}

TEST(Highlights, WhiteIsWhereAllColoursAreClipped) {
  EXPECT_EQ(white_of(HighlightMode::clip, gains), 1);
  EXPECT_EQ(white_of(HighlightMode::blend, gains), 1.5);
  EXPECT_EQ(white_of(HighlightMode::rebuild, gains), 2);
}

TEST(Highlights, WhatIsNotClippedStays) {
  for (const auto mode : {HighlightMode::blend, HighlightMode::rebuild}) {
    const Row row = restored(ramp(Cfa::rggb), mode), before = cut_row();
    for (size_t x = 0; brightness(int(x) + 1) * colour[0] < 0.97F; ++x)
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(row[c][x], before[c][x]) << to_string(mode) << x;
  }
}

TEST(Highlights, RebuiltOnesKeepTheirColour) {
  for (const ColourFilters& cfa :
       {ColourFilters(Cfa::rggb), ColourFilters(Cfa::bggr), ColourFilters(Cfa::grbg),
        ColourFilters(Cfa::gbrg), ColourFilters(XTrans{}), ColourFilters(XTrans{4, 1})}) {
    const Row row = restored(ramp(cfa), HighlightMode::rebuild);
    // Up to where red, the last colour, is clipped as well.
    for (int x = 0; x < side - 2; ++x) {
      const float truth = brightness(x) * colour[1];
      if (brightness(x) * colour[0] > 1.7F) break;
      EXPECT_NEAR(row[0][size_t(x)], brightness(x) * colour[0], 0.02) << x;
      EXPECT_NEAR(row[1][size_t(x)], truth, 0.08F * truth) << x;  // drawn to grey
    }
  }
}

TEST(Highlights, BlendedOnesFadeToWhite) {
  const Row row = restored(ramp(Cfa::rggb), HighlightMode::blend);
  const auto spread = [&](size_t x) {
    return std::max({row[0][x], row[1][x], row[2][x]}) -
           std::min({row[0][x], row[1][x], row[2][x]});
  };
  float most = 0;
  for (size_t x = 0; x < side - 2; ++x) most = std::max(most, spread(x));
  EXPECT_LT(spread(side - 4), 0.25F * most);
  // By the formula, where green alone is clipped: brightness of all, colourfulness when cut.
  for (size_t x = 0; x < side - 2; ++x) {
    const float red = brightness(int(x)) * colour[0], blue = brightness(int(x)) * colour[2];
    if (brightness(int(x)) * colour[1] < 1.02F || red > 1.9F || blue > 1.4F) continue;
    EXPECT_NEAR(row[0][x] + row[1][x] + row[2][x], red + 1 + blue, 0.03F) << x;
  }
}

TEST(Highlights, WhereAllAreClippedItIsWhite) {
  Mosaic mosaic = ramp(Cfa::gbrg);
  mosaic.samples.assign(mosaic.samples.size(), 16200);
  for (const auto mode : {HighlightMode::blend, HighlightMode::rebuild}) {
    Row row;
    row.fill(std::vector<float>(side, 1));
    Highlights(mosaic, mode).restore(0, 0, row[0], row[1], row[2]);
    for (size_t c = 0; c < 3; ++c)
      for (const float value : row[c])
        EXPECT_NEAR(value, white_of(mode, gains), 1e-3) << to_string(mode);
  }
}

}  // namespace
}  // namespace hyperconv
