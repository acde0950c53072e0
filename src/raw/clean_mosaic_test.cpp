#include "raw/clean_mosaic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

/// The light at which a sample of this place and colour would be `share` of the range.
float light_of(const Mosaic& mosaic, int y, int x, double sample) {
  const double darkest = *std::min_element(mosaic.black.begin(), mosaic.black.end());
  const auto& balance = mosaic.white_balance;
  const double least = *std::min_element(balance.begin(), balance.end());
  const double gain = balance[size_t(cfa_colour(mosaic.cfa, y, x))] / least;
  return float((sample - mosaic.black[size_t(2 * (y % 2) + x % 2)]) / (mosaic.white - darkest) *
               gain);
}

/// What a perfect demosaicer would see that removes nothing; other colours are far off.
Tensor own_light(const Mosaic& mosaic) {
  Tensor light({1, 3, mosaic.height, mosaic.width});
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x)
      for (int c = 0; c < 3; ++c) {
        const bool is_its_own = c == cfa_colour(mosaic.cfa, y, x);
        light.row(0, c, y)[x] =
            is_its_own ? light_of(mosaic, y, x,
                                  mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)])
                       : 0.123f;
      }
  return light;
}

TEST(CleanMosaic, TheLightOfAMosaicMakesItAgain) {
  for (const Cfa cfa : {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg})
    for (const auto& [white, factor] : {std::pair(15000.0, 4), {1023.0, 64}, {65535.0, 1}}) {
      Mosaic mosaic = full_mosaic(23, 17, cfa);
      mosaic.white = white;
      for (double& black : mosaic.black) black *= white / 15000;
      for (uint16_t& sample : mosaic.samples) sample = uint16_t(sample * white / 15000);
      const Mosaic made = mosaic_of_light(own_light(mosaic), mosaic);
      EXPECT_EQ(made.white, white * factor);
      EXPECT_EQ(made.cfa, cfa);
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(made.black[i], mosaic.black[i] * factor);
      // Floats of 24 bits, half a level of rounding.
      for (size_t i = 0; i < mosaic.samples.size(); ++i)
        ASSERT_NEAR(made.samples[i], mosaic.samples[i] * factor, 0.51) << i;
    }
}

TEST(CleanMosaic, WhereLightEndsTheOriginalStays) {
  Mosaic mosaic = full_mosaic(8, 2, Cfa::rggb);
  std::fill(mosaic.samples.begin(), mosaic.samples.end(), uint16_t(14000));
  mosaic.samples[2] = 16383;  // above white, as some cameras have it
  Tensor light({1, 3, 2, 8});
  const std::array<float, 5> red = {0.5f, 0.98f, 1, 2, 0.96f};
  for (int i = 0; i < 4; ++i) light.row(0, 0, 0)[2 * i] = red[size_t(i)];
  const Mosaic made = mosaic_of_light(light, mosaic);
  const double range = (15000 - 511.5) * 4, black = 512.25 * 4, own = 14000 * 4;
  const auto clean = [&](double x) { return black + range * x / 2.1234567; };
  EXPECT_NEAR(made.samples[0], clean(0.5), 0.51);
  EXPECT_NEAR(made.samples[2], (clean(0.98) + 16383 * 4) / 2, 1);
  EXPECT_EQ(made.samples[4], own);
  EXPECT_EQ(made.samples[6], own);

  // Where a frame saturates below white, light ends there.
  mosaic.saturated_at = 12000;
  const Mosaic lower = mosaic_of_light(light, mosaic);
  EXPECT_EQ(lower.saturated_at, 48000);
  EXPECT_EQ(lower.samples[2], 65532);
  EXPECT_NEAR(lower.samples[0], clean(0.5), 0.51);
}

TEST(CleanMosaic, NoiseBelowBlackStaysAndNothingWraps) {
  Mosaic mosaic = full_mosaic(8, 2, Cfa::rggb);
  Tensor light({1, 3, 2, 8});
  light.row(0, 0, 0)[0] = -0.01f;
  light.row(0, 0, 0)[2] = -5;
  light.row(0, 0, 0)[4] = std::numeric_limits<float>::quiet_NaN();
  const Mosaic made = mosaic_of_light(light, mosaic);
  EXPECT_NEAR(made.samples[0], 512.25 * 4 - 0.01 * (15000 - 511.5) * 4 / 2.1234567, 0.51);
  EXPECT_EQ(made.samples[2], 0);
  EXPECT_EQ(made.samples[4], 0);
}

}  // namespace
}  // namespace hyperconv
