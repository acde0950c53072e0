#include "scoring/synthetic_noise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/data_testing.hpp"

namespace hyperconv {
namespace {

float at(const std::vector<float>& map, int y, int x) { return map[size_t(y * 256 + x)]; }

TEST(SyntheticNoise, IsNamed) {
  for (const char* name : {"case1", "case2", "case3", "15", "25", "50", "12.5", "0"})
    EXPECT_EQ(to_string(synthetic_noise_from_string(name)), name);
  for (const char* name : {"case4", "", "-1", "256", "25x", "nan"})
    EXPECT_THAT(error_of([&] { synthetic_noise_from_string(name); }),
                testing::HasSubstr("case1, case2, case3"));
}

TEST(SyntheticNoise, GoesFrom10To75) {
  for (const char* name : {"case1", "case2", "case3"}) {
    const auto map = deviation_map(synthetic_noise_from_string(name), 256, 256, 1);
    const auto [least, most] = std::ranges::minmax(map);
    EXPECT_NEAR(least * 255, 10, 1e-3) << name;
    EXPECT_NEAR(most * 255, 75, 1e-3) << name;
    // Stretched it keeps its shape.
    const auto wide = deviation_map(synthetic_noise_from_string(name), 256, 512, 1);
    EXPECT_NEAR(wide[size_t(100 * 512 + 301)], (3 * at(map, 100, 150) + at(map, 100, 151)) / 4,
                1e-6);
  }
}

// peaks(256) of MATLAB: its summit at about (x, y) = (-0.01, 1.58), its valley at (0.23, -1.63).
TEST(SyntheticNoise, Case1IsPeaks) {
  const auto map = deviation_map({NoiseCase::case1, 0}, 256, 256, 1);
  const auto summit = std::ranges::max_element(map) - map.begin();
  const auto valley = std::ranges::min_element(map) - map.begin();
  EXPECT_NEAR(-3 + 6 * double(summit % 256) / 255, -0.01, 0.02);
  EXPECT_NEAR(-3 + 6 * double(summit / 256) / 255, 1.58, 0.02);
  EXPECT_NEAR(-3 + 6 * double(valley % 256) / 255, 0.23, 0.02);
  EXPECT_NEAR(-3 + 6 * double(valley / 256) / 255, -1.63, 0.02);
}

TEST(SyntheticNoise, Case2IsASumOfWaves) {
  const auto map = deviation_map({NoiseCase::case2, 0}, 256, 256, 1);
  // Rows and columns add up.
  EXPECT_NEAR(at(map, 10, 20) + at(map, 200, 90), at(map, 10, 90) + at(map, 200, 20), 1e-6);
  const double x = 1 + 9.0 * 90 / 255, x0 = 1 + 9.0 * 20 / 255, scale = 65.0 / 255 / 4;
  EXPECT_NEAR(at(map, 10, 90) - at(map, 10, 20), scale * (std::sin(x) - std::sin(x0)), 1e-3);
}

TEST(SyntheticNoise, Case3HangsOnItsSeed) {
  const SyntheticNoise noise{NoiseCase::case3, 0};
  EXPECT_EQ(deviation_map(noise, 40, 50, 1), deviation_map(noise, 40, 50, 1));
  EXPECT_NE(deviation_map(noise, 40, 50, 1), deviation_map(noise, 40, 50, 2));
}

TEST(SyntheticNoise, HasTheDeviationsItIsGiven) {
  Tensor photo({1, 3, 100, 100});
  std::vector<float> deviations(10000, 0.1f);
  std::fill(deviations.begin(), deviations.begin() + 5000, 0.3f);
  Random random(1);
  const Tensor noisy = with_noise(photo, deviations, random);
  double upper = 0, lower = 0;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t x = 0; x < 5000; ++x) {
      upper += std::pow(noisy.row(0, c, 0)[x], 2) / 15000;
      lower += std::pow(noisy.row(0, c, 50)[x], 2) / 15000;
    }
  EXPECT_NEAR(std::sqrt(upper), 0.3, 0.01);
  EXPECT_NEAR(std::sqrt(lower), 0.1, 0.004);
}

}  // namespace
}  // namespace hyperconv
