#include "image/grain.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace hyperconv {
namespace {

/// Grey of one brightness with noise of these deviations for each colour, each sample by itself.
Image noisy_card(int side, float grey, const std::array<float, 3>& deviations, uint64_t seed = 1) {
  Random random(seed);
  Image image{side, side, 3, {}, {}};
  std::vector<float> samples;
  for (int i = 0; i < side * side; ++i)
    for (size_t c = 0; c < 3; ++c) samples.push_back(grey + deviations[c] * random.normal());
  image.samples = std::move(samples);
  return image;
}

Tensor planes_of(const Image& image) {
  Tensor planes({1, 3, image.height, image.width});
  const auto& samples = std::get<std::vector<float>>(image.samples);
  for (size_t i = 0; i < samples.size(); ++i)
    planes.data()[i % 3 * samples.size() / 3 + i / 3] = samples[i];
  return planes;
}

Tensor constant(const Shape& shape, float value) {
  Tensor tensor(shape);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = value;
  return tensor;
}

// Luma's deviation is hypot(0.2126, 0.7152, 0.0722) = 0.7496 of a channel's. Blue - luma has a
// deviation of hypot(0.9278, 0.7152, 0.2126) = 1.1906, red - luma of hypot(0.7874, 0.7152, 0.0722)
// = 1.0662: the root of the mean of their squares is 1.1301. The tenth of
// 64 areas of 252 details that has the least: within 5 %.
TEST(Grain, WhiteNoiseHasItsLevelInEachOctave) {
  const Image card = noisy_card(128, 0.4f, {0.05f, 0.05f, 0.05f});
  const Grain grain = grain_between(planes_of(card), constant({1, 3, 128, 128}, 0.4f));
  EXPECT_NEAR(grain.luma.level[1], 0.05 * 0.7496, 0.05 * 0.05);
  EXPECT_NEAR(grain.colour.level[1], 0.05 * 1.1301, 0.05 * 0.05);
  for (const float octave : grain.luma.octave) EXPECT_NEAR(octave, 1, 0.15);
  // The other brightnesses are as the one that was seen.
  for (const float level : grain.luma.level) EXPECT_EQ(level, grain.luma.level[1]);
}

// A difference of neighbours is in the finest octave alone.
TEST(Grain, ACheckerboardIsFine) {
  Tensor board({1, 3, 16, 16});
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 16; ++x) board.at(0, c, y, x) = (x + y) % 2 == 0 ? 0.6f : 0.4f;
  const Grain grain = grain_between(board, constant(board.shape(), 0.5f));
  EXPECT_NEAR(grain.luma.octave[0], std::sqrt(3), 1e-4);
  EXPECT_NEAR(grain.luma.octave[1], 0, 1e-4);
  EXPECT_NEAR(grain.colour.level[2], 0, 1e-6);
}

TEST(Grain, IsByBrightness) {
  Tensor noisy({1, 3, 64, 64}), clean({1, 3, 64, 64});
  Random random(3);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) {
      const bool dark = y < 32;
      const float noise = (dark ? 0.02f : 0.06f) * random.normal();
      for (int c = 0; c < 3; ++c) {
        clean.at(0, c, y, x) = dark ? 0.1f : 0.9f;
        noisy.at(0, c, y, x) = clean.at(0, c, y, x) + noise;
      }
    }
  const Grain grain = grain_between(noisy, clean);
  EXPECT_NEAR(grain.luma.level[0], 0.02, 0.002);
  EXPECT_NEAR(grain.luma.level[3], 0.06, 0.006);
  EXPECT_EQ(grain.luma.level[1], grain.luma.level[0]);  // the nearest that is known
  EXPECT_EQ(grain.luma.level[2], grain.luma.level[3]);
}

// A camera that smooths even places and leaves noise beside detail: an estimate sees the even ones.
TEST(Grain, IsWhatEvenPlacesShow) {
  Tensor noisy({1, 3, 128, 128}), clean = constant({1, 3, 128, 128}, 0.4f);
  Random random(4);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 128; ++x)
        noisy.at(0, c, y, x) = 0.4f + (y < 32 ? 0.01f : 0.04f) * random.normal();
  EXPECT_NEAR(grain_between(noisy, clean).luma.level[1], 0.01 * 0.7496, 0.1 * 0.01);
  EXPECT_NEAR(estimate_grain(noisy).luma.level[1], 0.01 * 0.7496, 0.1 * 0.01);
}

TEST(Grain, NothingDiffersNothing) {
  const Tensor same = constant({1, 3, 32, 32}, 0.3f);
  EXPECT_EQ(grain_between(same, same), Grain{});
  EXPECT_EQ(grain_between(constant({1, 3, 4, 4}, 1), constant({1, 3, 4, 4}, 0)), Grain{});
}

TEST(EstimateGrain, FindsEvenPlacesBesideTexture) {
  Image photo = noisy_card(512, 0.4f, {0.03f, 0.03f, 0.03f});
  auto& samples = std::get<std::vector<float>>(photo.samples);
  for (int y = 0; y < 512; ++y)
    for (int x = 0; x < 400; ++x)
      for (int c = 0; c < 3; ++c)
        samples[size_t(3 * (y * 512 + x) + c)] += (x / 3 + y / 5) % 2 == 0 ? 0.1f : -0.1f;
  const Grain grain = estimate_grain(photo);
  EXPECT_NEAR(grain.luma.level[1] / (0.03 * 0.7496), 1, 0.15);
  EXPECT_NEAR(grain.colour.level[1] / (0.03 * 1.1301), 1, 0.1);
}

// Whatever the noise is: white, as in these, or coarser, whose tenth has a little less.
TEST(EstimateGrain, IsRightWhereNoiseIsAllThatThereIs) {
  for (const float level : {0.01f, 0.05f}) {
    const Grain grain = estimate_grain(noisy_card(512, 0.4f, {level, level, level}));
    EXPECT_NEAR(grain.luma.level[1] / (level * 0.7496), 1, 0.05);
    EXPECT_NEAR(grain.colour.level[1] / (level * 1.1301), 1, 0.05);
  }
}

TEST(EstimateGrain, PhotosThatSayNothingHaveNone) {
  EXPECT_EQ(estimate_grain(noisy_card(8, 0.4f, {0.1f, 0.1f, 0.1f})), Grain{});  // too small
  Image white{64, 64, 3, std::vector<uint8_t>(size_t(64) * 64 * 3, 255), {}};
  EXPECT_EQ(estimate_grain(white), Grain{});
  Image grey{64, 64, 1, std::vector<uint16_t>(size_t(64) * 64, 20000), {}};
  EXPECT_EQ(estimate_grain(grey), Grain{});
}

// Steps of one level, twelve pixels wide: nothing differs within two pixels or within four.
TEST(EstimateGrain, ShadingInWholeLevelsIsNoNoise) {
  std::vector<uint8_t> samples;
  for (int y = 0; y < 192; ++y)
    for (int x = 0; x < 192; ++x) samples.push_back(uint8_t(100 + (x / 12 + y / 12) % 5));
  const Grain grain = estimate_grain(Image{192, 192, 1, samples, {}});
  for (const float level : grain.luma.level) EXPECT_EQ(level, 0);
  for (const float octave : grain.luma.octave) EXPECT_EQ(octave, 1);
}

// Faint noise in single pixels over squares of 4x4 a hundred times as strong.
TEST(EstimateGrain, OfCoarseDetailsThereIsWhatGoesWithFineOnes) {
  Random random(7);
  std::vector<float> samples, row(64);
  for (int y = 0; y < 256; ++y) {
    if (y % 4 == 0)
      for (float& value : row) value = 0.02f * float(random.normal());
    for (int x = 0; x < 256; ++x)
      samples.push_back(0.4f + row[size_t(x / 4)] + 0.0002f * float(random.normal()));
  }
  const Grain grain = estimate_grain(Image{256, 256, 1, samples, {}});
  EXPECT_FLOAT_EQ(grain.luma.octave[0], Grain::least_octave);
  // The finest details alone have 0.0002.
  EXPECT_NEAR(grain.luma.level[1] * Grain::least_octave, 0.0002, 0.0002 * 0.15);
  float squares = 0;
  for (const float octave : grain.luma.octave) squares += octave * octave;
  EXPECT_NEAR(squares / Grain::octaves, 1, 1e-5);
}

// Stripes from edge to edge of a photo whose colours have noise of 0.01.
TEST(EstimateGrain, WhatHasNoColoursIsTexture) {
  Image photo = noisy_card(256, 0.4f, {0.01f, 0.01f, 0.01f});
  auto& samples = std::get<std::vector<float>>(photo.samples);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] += i / 3 % 3 == 0 ? 0.2f : 0;
  const Grain grain = estimate_grain(photo);
  EXPECT_NEAR(grain.luma.level[1] / (2 * 0.01 * 1.1301), 1, 0.1);
  EXPECT_NEAR(grain.colour.level[1] / (0.01 * 1.1301), 1, 0.1);
  // Weak colours bound nothing that is weak.
  Image faint = noisy_card(256, 0.4f, {0.0005f, 0.0005f, 0.0005f});
  auto& values = std::get<std::vector<float>>(faint.samples);
  for (size_t i = 0; i < values.size(); ++i) values[i] += i / 3 % 3 == 0 ? 0.2f : 0;
  EXPECT_NEAR(estimate_grain(faint).luma.level[1], 5.0 / 255, 1e-6);
}

TEST(EstimateGrain, PlacesOfAPatchThatAreCutDoNotCount) {
  Tensor patch({1, 3, 64, 64});
  Random random(6);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x)
        patch.at(0, c, y, x) = y < 32 ? 1 : 0.9f + 0.02f * random.normal();
  EXPECT_NEAR(estimate_grain(patch).luma.level[3], 0.02 * 0.7496, 0.2 * 0.02);
  EXPECT_EQ(estimate_grain(constant({1, 3, 64, 64}, 1)), Grain{});
}

TEST(EstimateGrain, GreyPhotosHaveNoColour) {
  Random random(5);
  Image grey{256, 256, 1, {}, {}};
  std::vector<uint16_t> samples;
  for (int i = 0; i < 256 * 256; ++i) samples.push_back(uint16_t(30000 + 2000 * random.normal()));
  grey.samples = std::move(samples);
  const Grain grain = estimate_grain(grey);
  EXPECT_NEAR(grain.luma.level[1], 2000.0 / 65535, 0.05 * 2000 / 65535);
  for (const float level : grain.colour.level) EXPECT_LT(level, 1e-6);
}

TEST(GrainCondition, StaysInItsRange) {
  Grain wild;
  wild.luma.level = {0, 1e-9f, 5, 1e9f};
  wild.luma.octave = {0, 100, 1};
  for (const float value : grain_condition(wild)) {
    EXPECT_TRUE(std::isfinite(value));
    EXPECT_LT(std::abs(value), 3);
  }
}

}  // namespace
}  // namespace hyperconv
