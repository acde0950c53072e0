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

double psnr_of(const NoisyAndClean& photo) {
  double error = 0;
  for (size_t i = 0; i < photo.clean.size(); ++i)
    error += std::pow(double(photo.noisy.data()[i]) - photo.clean.data()[i], 2);
  return -10 * std::log10(error / double(photo.clean.size()));
}

TEST(SyntheticNoise, APhotoAlwaysGetsTheSame) {
  Tensor photo({1, 3, 48, 64});
  for (size_t i = 0; i < photo.size(); ++i) photo.data()[i] = 0.2f + 0.5f * float(i % 64) / 64;
  for (const char* kind : {"camera", "phone", "case2", "15"}) {
    const SyntheticNoise noise = synthetic_noise_from_string(kind);
    EXPECT_EQ(to_string(noise), kind);
    const auto noisy = [&](uint64_t seed, uint64_t index) {
      const Tensor made = with_noise(photo, noise, seed, index).noisy;
      return std::vector<float>(made.data(), made.data() + made.size());
    };
    EXPECT_EQ(noisy(1, 3), noisy(1, 3));
    EXPECT_NE(noisy(1, 3), noisy(1, 4));
    EXPECT_NE(noisy(1, 3), noisy(2, 3));
  }
}

// A shot variance of 2e-3 gives grey of 0.18 in linear light a deviation of 0.02 to 0.03, once
// encoded and amplified by balance and matrix of 0.03 to 0.1; ten times the variance three times
// that.
TEST(SyntheticNoise, APhonesIsStrong) {
  Tensor grey({1, 3, 128, 128});
  for (size_t i = 0; i < grey.size(); ++i) grey.data()[i] = 0.46f;
  for (uint64_t index = 0; index < 20; ++index) {
    const double quality = psnr_of(with_noise(grey, {NoiseCase::phone}, 1, index));
    EXPECT_GT(quality, 10);
    EXPECT_LT(quality, 30);
  }
}

}  // namespace
}  // namespace hyperconv
