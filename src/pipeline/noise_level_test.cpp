#include "pipeline/noise_level.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace hyperconv {
namespace {

/// Independent normal numbers with this deviation around `mean`.
Tensor normal(const Shape& shape, double mean, double sigma, uint64_t seed) {
  Random random(seed);
  Tensor tensor(shape);
  for (size_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = float(mean + sigma * random.normal());
  return tensor;
}

double luma_of(const Tensor& rgb, int64_t y, int64_t x) {
  double luma = 0;
  for (int64_t c = 0; c < 3; ++c) luma += double(luma_weights[size_t(c)]) * rgb.at(0, c, y, x);
  return luma;
}

/// Luma, blue - luma, red - luma, as written down.
std::array<double, 3> components_of(const Tensor& rgb, int64_t y, int64_t x) {
  const double luma = luma_of(rgb, y, x);
  return {luma, rgb.at(0, 2, y, x) - luma, rgb.at(0, 0, y, x) - luma};
}

/// The slow and obvious way: mean luma of the photo, and mean squares of what is added.
struct Local {
  double luma = 0;
  std::array<double, 3> deviation{};
};
Local local_at(const Tensor& photo, const Tensor& added, int64_t y, int64_t x) {
  constexpr double pixels = (2 * local_reach + 1) * (2 * local_reach + 1);
  Local local;
  for (int64_t v = y - local_reach; v <= y + local_reach; ++v)
    for (int64_t u = x - local_reach; u <= x + local_reach; ++u) {
      local.luma += luma_of(photo, v, u) / pixels;
      const auto components = components_of(added, v, u);
      for (size_t c = 0; c < 3; ++c) local.deviation[c] += components[c] * components[c] / pixels;
    }
  for (double& d : local.deviation) d = std::sqrt(d);
  return local;
}

const NoiseLevel ramp({{{0.001f, 0.002f, 0.003f, 0.004f, 0.005f, 0.006f, 0.007f, 0.008f},
                        {0.01f, 0.01f, 0.01f, 0.01f, 0.02f, 0.02f, 0.02f, 0.02f},
                        {0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f}}});

// Sums of 81 floats err by less than 81 roundings.
constexpr double roundings = 81 * 6e-8;

TEST(LocalNoise, IsWhatTheSlowWaySays) {
  const Tensor photo = normal({1, 3, 30, 61}, 0.4, 0.1, 1), added = normal({1, 6, 30, 61}, 0, 1, 2);
  const LocalNoise noise(photo, added);
  LocalNoise::Row row;
  for (const int64_t count : {1, 6, 16, 53}) {
    noise.measure(9, 4, count, row);
    for (int64_t x = 0; x < count; ++x) {
      const Local local = local_at(photo, added, 9, 4 + x);
      ASSERT_NEAR(row.luma[size_t(x)], local.luma, roundings);
      for (size_t c = 0; c < 3; ++c)
        ASSERT_NEAR(row.deviation[c][size_t(x)], local.deviation[c],
                    roundings * local.deviation[c]);
    }
  }
}

// Of the photo more was read than is right of what is added to it.
TEST(LocalNoise, SeesThePhotoWhereItLies) {
  const Tensor photo = normal({1, 3, 40, 50}, 0.4, 0.1, 1), added = normal({1, 3, 20, 30}, 0, 1, 2);
  Tensor same_place(added.shape());
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 20; ++y)
      std::copy_n(photo.row(0, c, y + 7) + 11, 30, same_place.row(0, c, y));
  const LocalNoise apart(photo, added, 7, 11), together(same_place, added);
  LocalNoise::Row a, b;
  apart.measure(9, 5, 17, a);
  together.measure(9, 5, 17, b);
  EXPECT_EQ(a.luma, b.luma);
  EXPECT_EQ(a.deviation, b.deviation);
  EXPECT_EQ(apart.photo_deviation(8, 9), together.photo_deviation(8, 9));
}

TEST(NoiseLevel, IsLinearBetweenBrightnessesAndConstantBeyond) {
  EXPECT_FLOAT_EQ(ramp.at(0, 0), 0.001f);
  EXPECT_FLOAT_EQ(ramp.at(0, 1.5f / 8), 0.002f);
  EXPECT_FLOAT_EQ(ramp.at(0, 2.0f / 8), 0.0025f);
  EXPECT_FLOAT_EQ(ramp.at(1, 4.25f / 8), 0.0175f);
  EXPECT_FLOAT_EQ(ramp.at(0, 0.99f), 0.008f);
  EXPECT_FLOAT_EQ(ramp.at(0, 1.5f), 0.008f);
  EXPECT_FLOAT_EQ(ramp.at(0, -1), 0.001f);
}

TEST(LocalNoise, ShortensWhatIsMoreThanTheLevel) {
  // From black to white, beyond both, and of all strengths around the level.
  Tensor photo({1, 3, 20, 300}), added = normal({1, 3, 20, 300}, 0, 1, 3);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 20; ++y)
      for (int64_t x = 0; x < 300; ++x) {
        photo.at(0, c, y, x) = float(x) / 250 - 0.1f;
        added.at(0, c, y, x) *= 0.02f * float((x / 7) % 10);
      }
  constexpr double times = 1.3;
  constexpr int64_t y = 8, left = 5, count = 290;
  std::array<std::vector<float>, 3> rgb;
  std::array<float*, 3> rows;
  for (size_t c = 0; c < 3; ++c) rows[c] = (rgb[c] = std::vector<float>(count)).data();
  LocalNoise::Row room;
  LocalNoise(photo, added).limited(y, left, count, ramp.times(times), room, rows);
  int shortened = 0, kept = 0;
  for (int64_t x = 0; x < count; ++x) {
    const Local local = local_at(photo, added, y, left + x);
    auto wanted = components_of(added, y, left + x);
    for (size_t c = 0; c < 3; ++c) {
      const double most = times * ramp.at(int(c), float(local.luma));
      const bool is_more = local.deviation[c] > most;
      if (is_more) wanted[c] *= most / local.deviation[c];
      ++(is_more ? shortened : kept);
    }
    const double red = wanted[0] + wanted[2], blue = wanted[0] + wanted[1];
    const double green =
        (wanted[0] - double(luma_weights[0]) * red - double(luma_weights[2]) * blue) /
        double(luma_weights[1]);
    // Values of at most about one, a few dozen roundings.
    ASSERT_NEAR(rgb[0][size_t(x)], red, 1e-5);
    ASSERT_NEAR(rgb[1][size_t(x)], green, 1e-5);
    ASSERT_NEAR(rgb[2][size_t(x)], blue, 1e-5);
  }
  EXPECT_GT(shortened, 100);
  EXPECT_GT(kept, 100);
}

NoiseLevelEstimate estimate_of(const Tensor& photo, const Tensor& added) {
  NoiseLevelEstimate estimate;
  const auto& shape = photo.shape();
  estimate.add(LocalNoise(photo, added), local_reach, local_reach, shape.h - 2 * local_reach,
               shape.w - 2 * local_reach);
  return estimate;
}

// The photo is dark at the left and bright at the right, with noise that grows by brightness; in a
// fifth of its rows texture is taken away with the noise, which the level must not follow.
TEST(NoiseLevelEstimate, IsOfTheNoiseAndNotOfTexture) {
  Tensor photo({1, 3, 200, 400}), added = normal({1, 3, 200, 400}, 0, 1, 4);
  const auto sigma = [](float luma) { return 0.01f + 0.02f * luma; };
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 200; ++y)
      for (int64_t x = 0; x < 400; ++x) {
        photo.at(0, c, y, x) = 0.1f + 0.7f * float(x) / 400;
        added.at(0, c, y, x) *= sigma(photo.at(0, 0, y, x)) * (y % 50 < 10 ? 8.0f : 1.0f);
      }
  const auto level = estimate_of(photo, added).level();
  ASSERT_TRUE(level.has_value());
  // Independent noise in R, G and B: luma's is the root of the sum of the squared weights. A tenth
  // of the deviations of 81 normal numbers lie 10 % or more below the true one.
  const double weight = std::sqrt(0.2126 * 0.2126 + 0.7152 * 0.7152 + 0.0722 * 0.0722);
  for (const float luma : {0.2f, 0.45f, 0.7f})
    EXPECT_NEAR(level->at(0, luma), 0.9 * weight * double(sigma(luma)),
                0.07 * weight * double(sigma(luma)));
  // No place is as dark or as bright as that.
  EXPECT_EQ(level->at(0, 0), level->at(0, 0.05f));
  EXPECT_GT(level->at(0, 0), 0);
}

// Sky to the left, ground to the right: how bright it is, how strong its texture and its grain are,
// both the same in R, G and B, over a tint. All of the grain and a fifth of the texture would be
// taken away, and a little of every channel by itself.
struct Half {
  float brightness, texture, grain;
};
std::optional<NoiseLevel> level_of(const Half& sky, const Half& ground, float tint = 0.01f) {
  const Shape shape{1, 3, 100, 200}, plane{1, 1, 100, 200};
  const Tensor texture = normal(plane, 0, 1, 6), grain = normal(plane, 0, 1, 7);
  Tensor photo(shape), added = normal(shape, 0, 0.001, 8);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < shape.h; ++y)
      for (int64_t x = 0; x < shape.w; ++x) {
        const Half& half = x < shape.w / 2 ? sky : ground;
        const float detail = half.texture * texture.at(0, 0, y, x),
                    noise = half.grain * grain.at(0, 0, y, x);
        photo.at(0, c, y, x) = half.brightness + detail + noise + (c == 2 ? tint : 0);
        added.at(0, c, y, x) -= 0.2f * detail + noise;
      }
  return estimate_of(photo, added).level();
}
float colour_at(const NoiseLevel& level, float luma) {
  return std::max(level.at(1, luma), level.at(2, luma));
}

// The middles of two ranges of brightness.
constexpr float bright = 13.0f / 16, dark = 7.0f / 16;

TEST(NoiseLevelEstimate, TextureFromEdgeToEdgeSaysNothing) {
  const auto level = level_of({dark, 0.05f, 0}, {dark, 0.05f, 0});
  EXPECT_FLOAT_EQ(level->at(0, dark), colour_at(*level, dark));
  EXPECT_LT(level->at(0, dark), 0.002f);
}

TEST(NoiseLevelEstimate, AGreyPhotosLumaIsBelieved) {
  const auto level = level_of({dark, 0.05f, 0}, {dark, 0.05f, 0}, 0);
  EXPECT_NEAR(level->at(0, dark), 0.009f, 0.0007f);
}

TEST(NoiseLevelEstimate, GrainWithoutColourIsSeenWhereAPhotoIsEven) {
  // As above, a tenth of the deviations lie some 10 % below the true one.
  const auto even = level_of({dark, 0, 0.01f}, {dark, 0, 0.01f});
  EXPECT_NEAR(even->at(0, dark), 0.009f, 0.0007f);
  const auto half = level_of({dark, 0, 0.01f}, {dark, 0.05f, 0.01f});
  EXPECT_NEAR(half->at(0, dark), 0.009f, 0.001f);
}

TEST(NoiseLevelEstimate, TextureHasTheNoiseOfOtherBrightnesses) {
  const auto grainy = level_of({bright, 0, 0.01f}, {dark, 0.1f, 0.01f});
  EXPECT_FLOAT_EQ(grainy->at(0, dark), grainy->at(0, bright));
  EXPECT_NEAR(grainy->at(0, bright), 0.009f, 0.0007f);
  // A sky without noise vouches for none.
  const auto clean = level_of({bright, 0, 0}, {dark, 0.1f, 0});
  EXPECT_FLOAT_EQ(clean->at(0, dark), colour_at(*clean, dark));
}

TEST(NoiseLevelEstimate, TextureNeverRaisesTheLevel) {
  // What is taken from the texture is less than the sky's grain, more than colours have.
  const auto level = level_of({bright, 0, 0.02f}, {dark, 0.02f, 0});
  EXPECT_NEAR(level->at(0, dark), 0.9f * 0.2f * 0.02f, 0.0005f);
}

TEST(LocalNoise, KnowsHowMuchThePhotoVaries) {
  const Tensor photo = normal({1, 3, 12, 15}, 0.4, 0.1, 9);
  const LocalNoise noise(photo, photo);
  for (const int64_t y : {4, 7})
    for (const int64_t x : {4, 10}) {
      double mean = 0, squares = 0;
      const auto over_window = [&](const auto& use) {
        for (int64_t v = y - 4; v <= y + 4; ++v)
          for (int64_t u = x - 4; u <= x + 4; ++u) use(luma_of(photo, v, u));
      };
      over_window([&](double luma) { mean += luma / 81; });
      over_window([&](double luma) { squares += (luma - mean) * (luma - mean) / 81; });
      // Lumas near 0.4 are rounded to floats.
      EXPECT_NEAR(noise.photo_deviation(y, x), std::sqrt(squares), 1e-6);
    }
  const Tensor even = normal({1, 3, 9, 9}, 0.3, 0, 1);
  EXPECT_NEAR(LocalNoise(even, even).photo_deviation(4, 4), 0, 1e-6);
}

TEST(NoiseLevelEstimate, OfTooFewPlacesIsNone) {
  EXPECT_FALSE(NoiseLevelEstimate().level().has_value());
  // 4x4 places are looked at; of 5x5 there is enough.
  const Tensor small = normal({1, 3, 24, 24}, 0.45, 0.001, 5);
  EXPECT_FALSE(estimate_of(small, small).level().has_value());
  const Tensor larger = normal({1, 3, 28, 28}, 0.45, 0.001, 5);
  EXPECT_TRUE(estimate_of(larger, larger).level().has_value());
}

}  // namespace
}  // namespace hyperconv
