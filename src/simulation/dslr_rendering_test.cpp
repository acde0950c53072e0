#include "simulation/dslr_rendering.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/integers.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"

namespace hyperconv {
namespace {

Tensor noise_picture(int64_t height, int64_t width) {
  Random random(3);
  Tensor picture({1, 3, height, width});
  for (size_t i = 0; i < picture.size(); ++i) picture.data()[i] = float(random.uniform());
  return picture;
}

double mean_luma(const Tensor& picture, int64_t first, int64_t columns) {
  double sum = 0;
  for (int64_t y = 0; y < picture.shape().h; ++y)
    for (int64_t x = first; x < first + columns; ++x)
      sum += 0.2126 * double(picture.at(0, 0, y, x)) + 0.7152 * double(picture.at(0, 1, y, x)) +
             0.0722 * double(picture.at(0, 2, y, x));
  return sum / double(picture.shape().h * columns);
}

TEST(DslrRendering, WithoutStrengthsNothingChanges) {
  const Tensor picture = noise_picture(13, 7);
  const Tensor same = dslr_rendered(picture, {});
  for (size_t i = 0; i < picture.size(); ++i) EXPECT_EQ(same.data()[i], picture.data()[i]);
  EXPECT_EQ(dslr_reach({}), 0);
  std::vector<uint8_t> samples(3 * 256);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = uint8_t(i * 7);
  const Image photo{16, 16, 3, samples, {}};
  EXPECT_EQ(std::get<std::vector<uint8_t>>(dslr_rendered(photo, {}).samples), samples);
}

TEST(DslrRendering, TheToneCurveRisesEverywhereAndKeepsItsEnds) {
  for (const double contrast : {0.0, 0.35, 1.0}) {
    const DslrRendering rendering{.contrast = contrast};
    float last = -1;
    for (int i = 0; i <= 1000; ++i) {
      const float value = dslr_tone(float(i) / 1000, rendering);
      EXPECT_GT(value, last) << contrast << " " << i;
      last = value;
    }
    EXPECT_EQ(dslr_tone(0, rendering), 0);
    EXPECT_EQ(dslr_tone(0.5f, rendering), 0.5f);
    EXPECT_EQ(dslr_tone(1, rendering), 1);
  }
  EXPECT_LT(dslr_tone(0.25f, {.contrast = 0.35}), 0.25f);
  EXPECT_GT(dslr_tone(0.75f, {.contrast = 0.35}), 0.75f);
}

// The whole photo, and a part of it with its surroundings, mirrored where it ends: odd sizes.
TEST(DslrRendering, APartIsRenderedAsInTheWhole) {
  const DslrRendering rendering = standard_dslr();
  const int reach = dslr_reach(rendering);
  EXPECT_EQ(reach, 24);
  const Tensor whole = noise_picture(61, 47);
  const Tensor rendered = dslr_rendered(whole, rendering);
  for (const auto& [top, left] : {std::pair<int64_t, int64_t>{0, 0}, {17, 11}, {42, 30}}) {
    constexpr int64_t height = 19, width = 17;
    Tensor part({1, 3, height + 2 * reach, width + 2 * reach});
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < part.shape().h; ++y)
        for (int64_t x = 0; x < part.shape().w; ++x)
          part.at(0, c, y, x) =
              whole.at(0, c, mirrored(top + y - reach, 61), mirrored(left + x - reach, 47));
    const Tensor own = dslr_rendered(part, rendering);
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
          EXPECT_NEAR(own.at(0, c, y + reach, x + reach), rendered.at(0, c, top + y, left + x),
                      2e-6)  // vector instructions may add in another order
              << top << " " << left << " " << y << " " << x;
  }
}

TEST(DslrRendering, PicturesSmallerThanTheBlurAreRendered) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {3, 1}, {1, 5}}) {
    const Tensor rendered = dslr_rendered(noise_picture(height, width), standard_dslr());
    for (size_t i = 0; i < rendered.size(); ++i) EXPECT_TRUE(std::isfinite(rendered.data()[i]));
  }
}

/// Left half darker than the right one.
Tensor edge(float dark, float bright) {
  Tensor picture({1, 3, 9, 120});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 9; ++y)
      for (int64_t x = 0; x < 120; ++x) picture.at(0, c, y, x) = x < 60 ? dark : bright;
  return picture;
}

TEST(DslrRendering, LocalContrastPartsNeighboursAndLeavesEvenPlaces) {
  const DslrRendering local{.local_contrast = 0.5, .local_radius = 8};
  const Tensor faint = dslr_rendered(edge(0.48f, 0.52f), local);
  EXPECT_NEAR(mean_luma(faint, 0, 30), 0.48, 1e-5);
  EXPECT_LT(mean_luma(faint, 58, 2), 0.475);
  EXPECT_GT(mean_luma(faint, 60, 2), 0.525);
  // A hundred times the edge has far less than a hundred times the halo.
  const double faint_halo = 0.48 - double(faint.at(0, 1, 4, 59));
  const double strong_halo = 0.3 - double(dslr_rendered(edge(0.3f, 0.7f), local).at(0, 1, 4, 59));
  EXPECT_GT(strong_halo, faint_halo);
  EXPECT_LT(strong_halo, 6 * faint_halo);
}

TEST(DslrRendering, SharpeningReachesThreePixels) {
  const DslrRendering sharp{.sharpening = 1, .sharpening_radius = 0.8};
  const Tensor picture = dslr_rendered(edge(0.4f, 0.6f), sharp);
  EXPECT_LT(picture.at(0, 0, 4, 59), 0.37f);
  EXPECT_GT(picture.at(0, 0, 4, 60), 0.63f);
  EXPECT_NEAR(picture.at(0, 0, 4, 56), 0.4f, 1e-6f);
}

TEST(DslrRendering, SaturationKeepsGreyAndLuma) {
  Tensor picture({1, 3, 1, 2});
  for (int64_t c = 0; c < 3; ++c) picture.at(0, c, 0, 0) = 0.4f;
  picture.at(0, 0, 0, 1) = 0.6f;
  picture.at(0, 1, 0, 1) = 0.4f;
  picture.at(0, 2, 0, 1) = 0.3f;
  const Tensor rendered = dslr_rendered(picture, {.saturation = 0.5});
  for (int64_t c = 0; c < 3; ++c) EXPECT_NEAR(rendered.at(0, c, 0, 0), 0.4f, 1e-6f);
  EXPECT_NEAR(mean_luma(rendered, 1, 1), mean_luma(picture, 1, 1), 1e-6);
  EXPECT_NEAR(rendered.at(0, 0, 0, 1) - rendered.at(0, 2, 0, 1), 1.5f * 0.3f, 1e-6f);
}

TEST(DslrRendering, RefusesWhatCannotBe) {
  const Tensor picture({1, 3, 4, 4});
  EXPECT_THAT(error_of([&] { dslr_rendered(picture, {.contrast = 1.5}); }),
              testing::HasSubstr("1.5"));
  EXPECT_THAT(error_of([&] { dslr_rendered(picture, {.local_contrast = -1}); }),
              testing::HasSubstr("strengths"));
  EXPECT_THAT(error_of([&] { dslr_rendered(picture, {.local_radius = 0}); }),
              testing::HasSubstr("radii"));
}

}  // namespace
}  // namespace hyperconv
