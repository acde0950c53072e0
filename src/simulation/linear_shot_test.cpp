#include "simulation/linear_shot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "simulation/libraw_demosaic.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

const SimulatedCamera camera = standard_camera();
constexpr NoiseProfile noise{4e-3, 2e-5};

Tensor flat(float level) {
  Tensor scene({1, 3, 96, 128});
  std::fill_n(scene.data(), scene.size(), level);
  return scene;
}

LinearTake shoot(const Tensor& scene, const LinearShot& shot, const NoiseProfile& profile = noise) {
  Random random(5);
  return take_linear(scene, camera, {.bits = 14, .noise = profile}, shot, NormalNumbers::one_by_one,
                     random);
}

/// Of what two colours have beyond the truth, over all pixels.
double covariance(const LinearTake& take, int64_t a, int64_t b) {
  double sum = 0;
  const auto& shape = take.light.shape();
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x)
      sum += double(take.light.row(0, a, y)[x] - take.clean.row(0, a, y)[x]) *
             double(take.light.row(0, b, y)[x] - take.clean.row(0, b, y)[x]);
  return sum / double(shape.plane());
}

TEST(LinearShot, MeasuredColoursHaveNoiseOfTheirOwn) {
  const LinearTake take = shoot(flat(0.3f), {});
  const double least = std::ranges::min(camera.white_balance);
  for (int64_t c = 0; c < 3; ++c) {
    const double gain = camera.white_balance[size_t(c)] / least;
    const double wanted = gain * gain * (noise.shot * 0.3 / gain + noise.read);
    // 12,288 samples: the deviation of their variance is 1.3 %.
    EXPECT_NEAR(covariance(take, c, c) / wanted, 1, 0.05);
    EXPECT_LT(std::abs(covariance(take, c, (c + 1) % 3)), 0.05 * wanted);
  }
}

TEST(LinearShot, DemosaickedColoursAreTheDemosaickers) {
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(128, 96)), camera);
  Random random(5);
  const Mosaic mosaic = expose(scene, camera, {.bits = 14, .noise = noise}, random);
  const LinearTake take = shoot(scene, {.demosaicking = Demosaicking::malvar});
  const Tensor wanted = malvar_camera_rgb(mosaic);
  for (size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(take.light.data()[i], wanted.data()[i]);
}

TEST(LinearShot, AMonochromeSensorHasOneBrightness) {
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(128, 96)), camera);
  const LinearShot shot{.is_monochrome = true};
  const LinearTake take = shoot(scene, shot);
  const LinearFrame frame = linear_frame(take, camera, {.bits = 14, .noise = noise}, shot);
  EXPECT_EQ(frame.light.shape(), (Shape{1, 1, 96, 128}));
  EXPECT_FALSE(frame.facts.xyz_to_camera.has_value());
  for (int64_t x = 0; x < 128; ++x) {
    const float light = frame.light.row(0, 0, 40)[x];
    for (int64_t c = 0; c < 3; ++c) ASSERT_EQ(take.light.row(0, c, 40)[x], light);
    double mean = 0;
    for (int64_t c = 0; c < 3; ++c) mean += double(scene.row(0, c, 40)[x]) / 3;
    ASSERT_NEAR(take.clean.row(0, 0, 40)[x], std::min(mean, 1.0), 1e-6);
  }
}

TEST(LinearShot, DenoisingLeavesWhatItSays) {
  const LinearTake before = shoot(flat(0.3f), {});
  const LinearTake half = shoot(flat(0.3f), {.kept = 0.5});
  EXPECT_NEAR(half.noise_left, 0.25, 1e-4);
  EXPECT_NEAR(covariance(half, 1, 1) / covariance(before, 1, 1), 0.25, 0.01);
  const LinearTake blurred = shoot(flat(0.3f), {.blur = 0.6});
  // A Gaussian of 0.6 pixels leaves a share of sum(w^2)^2 of white noise, about 0.25.
  EXPECT_NEAR(blurred.noise_left, 0.25, 0.05);
  EXPECT_NEAR(covariance(blurred, 1, 1) / covariance(before, 1, 1), blurred.noise_left, 0.02);
}

TEST(LinearShot, LosesRowsAndColumnsAndWhatIsBelowBlack) {
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(128, 96)), camera);
  const LinearTake whole = shoot(scene, {.demosaicking = Demosaicking::bilinear});
  const LinearTake less =
      shoot(scene, {.demosaicking = Demosaicking::bilinear, .lost = {1, 1}, .cuts_at_black = true});
  ASSERT_EQ(less.light.shape(), (Shape{1, 3, 95, 127}));
  bool cut = false;
  for (int64_t y = 0; y < 95; ++y)
    for (int64_t x = 0; x < 127; ++x) {
      const float was = whole.light.row(0, 2, y + 1)[x + 1];
      cut |= was < 0;
      ASSERT_EQ(less.light.row(0, 2, y)[x], std::max(was, 0.f));
      ASSERT_EQ(less.clean.row(0, 2, y)[x], whole.clean.row(0, 2, y + 1)[x + 1]);
    }
  EXPECT_TRUE(cut);
}

TEST(LinearShot, IsDrawnInItsShares) {
  constexpr int count = 4000;
  int monochrome = 0, measured = 0, denoised = 0, cut = 0;
  const LinearRange range;
  for (int i = 0; i < count; ++i) {
    Random random(1, uint64_t(i));
    const LinearShot shot = draw_linear_shot(range, random);
    monochrome += shot.is_monochrome ? 1 : 0;
    measured += !shot.is_monochrome && shot.demosaicking == Demosaicking::none ? 1 : 0;
    denoised += shot.kept < 1 ? 1 : 0;
    cut += shot.cuts_at_black ? 1 : 0;
    EXPECT_FALSE(shot.is_monochrome && shot.demosaicking != Demosaicking::none);
    EXPECT_GE(shot.kept, range.least_kept);
    EXPECT_LE(shot.blur, range.most_blur);
  }
  // Four deviations of a share of a half are 3.2 %.
  const auto share = [&](int n) { return double(n) / count; };
  EXPECT_NEAR(share(monochrome), range.monochrome_share, 0.032);
  EXPECT_NEAR(share(measured), range.measured_share, 0.032);
  EXPECT_NEAR(share(denoised), range.denoised_share, 0.032);
  EXPECT_NEAR(share(cut), range.cut_share, 0.032);
}

}  // namespace
}  // namespace hyperconv
