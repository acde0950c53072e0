#include "image/resize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "image/output_space.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;

template <class Sample>
Image noise(int width, int height, int channels) {
  Image image{width, height, channels, {}, {}};
  Random random(3);
  std::vector<Sample> samples(image.count());
  for (auto& sample : samples)
    if constexpr (std::is_same_v<Sample, float>)
      sample = float(random.uniform());
    else
      sample = Sample(random.bits());
  image.samples = std::move(samples);
  return image;
}

double srgb_light(double v) {
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

/// Every pixel from all the picture's, by the formula, in double.
std::vector<double> oracle(const Image& image, int width, int height,
                           const std::function<double(double)>& light,
                           const std::function<double(double)>& encode) {
  const std::vector<float> samples = to_float(image);
  const double sx = double(image.width) / width, sy = double(image.height) / height;
  const auto weight = [](int place, int i, double scale) {
    return lanczos3((place - ((i + 0.5) * scale - 0.5)) / std::max(scale, 1.0));
  };
  const int channels = image.channels, colours = channels >= 3 ? 3 : 1;
  std::vector<double> result;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::vector<double> sum(size_t(channels), 0.0);
      double all = 0;
      for (int v = 0; v < image.height; ++v)
        for (int u = 0; u < image.width; ++u) {
          const double w = weight(u, x, sx) * weight(v, y, sy);
          const float* pixel = samples.data() + (size_t(v) * image.width + u) * channels;
          const double alpha = channels == colours ? 1 : double(pixel[colours]);
          all += w;
          for (int c = 0; c < colours; ++c) sum[size_t(c)] += w * alpha * light(double(pixel[c]));
          if (channels > colours) sum[size_t(colours)] += w * alpha;
        }
      const double alpha = channels == colours ? all : sum.back();
      for (int c = 0; c < colours; ++c)
        result.push_back(encode(std::clamp(alpha > 0 ? sum[size_t(c)] / alpha : 0, 0.0, 1.0)));
      if (channels > colours) result.push_back(std::clamp(alpha / all, 0.0, 1.0));
    }
  return result;
}

void expect_like_oracle(const Image& image, int width, int height, double tolerance,
                        OutputSpace space = OutputSpace::srgb) {
  const auto light = [&](double v) {
    const Curve curve = colours_of(space).curve;
    if (const auto* gamma = std::get_if<GammaCurve>(&curve)) return std::pow(v, gamma->exponent);
    return srgb_light(v);
  };
  const auto encoded = [&](double v) { return encode(colours_of(space).curve, v); };
  const std::vector<double> expected = oracle(image, width, height, light, encoded);
  for (const int threads : {1, 3}) {
    const Image made = resized(image, width, height, SampleMeaning::colours, threads);
    ASSERT_EQ(made.samples.index(), image.samples.index());
    const std::vector<float> values = to_float(made);
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(double(values[i]), expected[i], tolerance) << i << " of " << image.channels;
  }
}

TEST(Resize, IsTheFormulaWhateverTheSizesChannelsAndSamples) {
  // Half a step, and what floats lose where the curve is steep.
  const double of_16 = 1.2 / 65535, of_8 = 0.51 / 255;
  expect_like_oracle(noise<uint16_t>(61, 47, 3), 20, 13, of_16);
  expect_like_oracle(noise<uint16_t>(23, 31, 1), 40, 70, of_16);
  expect_like_oracle(noise<uint16_t>(70, 90, 3), 1, 1, of_16);
  expect_like_oracle(noise<uint8_t>(37, 41, 3), 30, 33, of_8);
  expect_like_oracle(noise<float>(37, 41, 3), 30, 33, of_16);
}

TEST(Resize, AlphaWeighsColours) {
  // A small alpha makes its colours coarse.
  Image image = noise<uint16_t>(30, 30, 4);
  auto& samples = std::get<std::vector<uint16_t>>(image.samples);
  for (size_t i = 3; i < samples.size(); i += 4) samples[i] = uint16_t(40000 + samples[i] % 20000);
  expect_like_oracle(image, 11, 12, 1.2 / 65535);
  // What is behind full transparency does not shine through.
  for (size_t i = 0; i < samples.size(); i += 4) {
    const bool is_left = i / 4 % 30 < 15;
    samples[i] = samples[i + 1] = samples[i + 2] = is_left ? 65535 : 1000;
    samples[i + 3] = is_left ? 0 : 65535;
  }
  const Image made = resized(image, 15, 15);
  const auto& small = std::get<std::vector<uint16_t>>(made.samples);
  for (size_t i = 0; i < small.size(); i += 4) {
    if (small[i + 3] > 600) {  // below, there is hardly any light to tell
      EXPECT_NEAR(small[i], 1000, 2);
    }
  }
}

TEST(Resize, LightIsThatOfTheProfile) {
  Image image = noise<uint16_t>(41, 33, 3);
  for (const auto space : {OutputSpace::adobe_rgb, OutputSpace::display_p3}) {
    image.metadata.icc = profile_of(space, 3);
    // A profile's numbers have 16 bits after the point.
    expect_like_oracle(image, 17, 12, 1e-4, space);
  }
}

TEST(Resize, ACheckerboardBecomesHalfItsLight) {
  Image image{64, 64, 1, {}, {}};
  std::vector<uint16_t> samples(image.count());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = (i + i / 64) % 2 == 0 ? 0 : 65535;
  image.samples = samples;
  const Image made = resized(image, 31, 29);
  for (const uint16_t sample : std::get<std::vector<uint16_t>>(made.samples)) {
    // The edge's own rows weigh a little more than their share.
    EXPECT_NEAR(sample / 65535.0, 0.7354, 0.02);
  }
  const Image values = resized(image, 31, 29, SampleMeaning::values);
  EXPECT_NEAR(std::get<std::vector<uint16_t>>(values.samples)[31 * 15 + 15] / 65535.0, 0.5, 0.01);
}

/// Rings that become finer than the small picture can show leave nothing but their mean.
TEST(Resize, WhatIsTooFineDoesNotAlias) {
  constexpr int size = 512;
  Image image{size, size, 1, {}, {}};
  std::vector<float> samples(image.count());
  const auto place = [&](size_t i) {
    const double x = double(i % size) - size / 2, y = double(i / size) - size / 2;
    return std::hypot(x, y);
  };
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = float(0.5 + 0.45 * std::cos(std::numbers::pi * std::pow(place(i), 2) / size));
  image.samples = samples;
  const Image made = resized(image, size / 4, size / 4, SampleMeaning::values);
  const auto& small = std::get<std::vector<float>>(made.samples);
  double worst = 0;
  for (int y = 8; y < size / 4 - 8; ++y)
    for (int x = 8; x < size / 4 - 8; ++x) {
      // Along each side size / r pixels a wave; the small picture shows those of 8 and more.
      const double r = std::max(std::abs(4 * x - size / 2), std::abs(4 * y - size / 2));
      if (r > 1.4 * size / 8) worst = std::max(worst, std::abs(double(small[y * 128 + x]) - 0.5));
    }
  EXPECT_LT(worst, 0.02);
}

TEST(Resize, FlatStaysFlatAndTheSameSizeTheSame) {
  Image image{50, 40, 3, std::vector<uint8_t>(6000, 77), {}};
  image.metadata.orientation = 6;
  for (const auto& [w, h] : {std::array{7, 90}, std::array{50, 40}, std::array{100, 3}}) {
    const Image made = resized(image, w, h);
    EXPECT_EQ(made.width, w);
    EXPECT_EQ(made.height, h);
    EXPECT_EQ(made.metadata.orientation, 6);
    EXPECT_THAT(std::get<std::vector<uint8_t>>(made.samples), testing::Each(77));
  }
}

TEST(Resize, SizesKeepTheRatio) {
  EXPECT_THAT(size_as_wanted(4000, 3000, LongestSide{2048}), ElementsAre(2048, 1536));
  EXPECT_THAT(size_as_wanted(3000, 4000, LongestSide{2048}), ElementsAre(1536, 2048));
  EXPECT_THAT(size_as_wanted(1000, 700, LongestSide{2048}), ElementsAre(1000, 700));
  EXPECT_THAT(size_as_wanted(1001, 701, ShareOfSize{0.5}), ElementsAre(501, 351));
  EXPECT_THAT(size_as_wanted(1000, 700, ShareOfSize{2}), ElementsAre(2000, 1400));
  EXPECT_THAT(size_as_wanted(4000, 3000, WithinSize{1920, 1080}), ElementsAre(1440, 1080));
  EXPECT_THAT(size_as_wanted(400, 300, WithinSize{1920, 1080}), ElementsAre(400, 300));
  EXPECT_THAT(size_as_wanted(4000, 1, LongestSide{10}), ElementsAre(10, 1));
}

}  // namespace
}  // namespace hyperconv
