#include "raw/linear_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "raw/mosaic_noise.hpp"
#include "raw/stabilised.hpp"
#include "raw/white_balance.hpp"
#include "simulation/libraw_demosaic.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;

const SimulatedCamera camera = standard_camera();

constexpr int width = 320, height = 240;

/// The painted scene, which is edges and even places, with the fine texture that photos have: means
/// of 3x3 random numbers.
Tensor painted() {
  Tensor made = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
  Random random(2);
  std::vector<float> grain(size_t((width + 2) * (height + 2)));
  for (float& value : grain) value = float(random.uniform(-1, 1));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      float sum = 0;
      for (int i = 0; i < 9; ++i) sum += grain[size_t((y + i / 3) * (width + 2) + x + i % 3)];
      for (int64_t c = 0; c < 3; ++c) made.row(0, c, y)[x] *= 1 + 0.3f * sum / 9;
    }
  return made;
}

const Tensor& scene() {
  static const Tensor made = painted();
  return made;
}

LinearFrame frame_of(const LinearShot& shot, const NoiseProfile& noise) {
  Random random(3);
  const SensorSettings sensor{.bits = 14, .noise = noise};
  return linear_frame(take_linear(scene(), camera, sensor, shot, NormalNumbers::one_by_one, random),
                      camera, sensor, shot);
}

TEST(DemosaickedFrom, IsWhereTheSensorHadItsSamples) {
  for (const Demosaicking how :
       {Demosaicking::bilinear, Demosaicking::malvar, Demosaicking::ahd, Demosaicking::dht})
    // From ISO 100 on.
    for (const NoiseProfile& noise : {NoiseProfile{2e-5, 2.2e-8}, NoiseProfile{1e-3, 1e-6}})
      for (const std::array<int, 2>& lost :
           {std::array{0, 0}, std::array{0, 1}, std::array{1, 0}, std::array{1, 1}}) {
        const LinearFrame frame = frame_of({.demosaicking = how, .lost = lost}, noise);
        // Of a frame that lost a row, red begins in the second.
        EXPECT_EQ(demosaicked_from(frame.light),
                  ColourFilters(shifted(Cfa::rggb, lost[0], lost[1])))
            << int(how) << " " << noise.shot;
      }
}

Mosaic x_trans_mosaic(const XTrans& pattern, const NoiseProfile& noise) {
  Random random(3);
  const SensorSettings sensor{.cfa = pattern, .bits = 14, .noise = noise};
  return expose(scene(), camera, sensor, random);
}

/// As LibRaw, or plain interpolation (nothing), makes three colours of it.
LinearFrame interpolated(const Mosaic& mosaic, std::optional<LibRawMethod> method) {
  LinearFrame frame;
  frame.facts = mosaic;
  frame.facts.samples.clear();
  frame.facts.noise.reset();
  frame.light = method ? demosaic_with_libraw(mosaic, *method) : bilinear_camera_rgb(mosaic);
  frame.demosaicked_from = demosaicked_from(frame.light);
  return frame;
}

TEST(DemosaickedFrom, FindsXTransInAnyOfItsPhases) {
  for (const auto method :
       {std::optional<LibRawMethod>(), std::optional(LibRawMethod::markesteijn_1),
        std::optional(LibRawMethod::markesteijn_3)})
    for (const NoiseProfile& noise :
         {NoiseProfile{}, NoiseProfile{2e-5, 2.2e-8}, NoiseProfile{4e-3, 2e-5}})
      for (const XTrans& pattern : {XTrans{0, 0}, XTrans{4, 1}, XTrans{5, 2}}) {
        const auto found = interpolated(x_trans_mosaic(pattern, noise), method).demosaicked_from;
        ASSERT_TRUE(found && found->x_trans() != nullptr) << noise.shot;
        EXPECT_EQ(*found->x_trans(), pattern) << noise.shot;
      }
}

TEST(MosaicBehind, TellsTheNoiseOfFramesFromXTransAsTheirMosaic) {
  const Mosaic mosaic = x_trans_mosaic({5, 1}, {4e-3, 2e-5});
  const auto at = [](const NoiseProfile& n) { return n.shot * 0.3 + n.read; };
  for (const auto method :
       {std::optional<LibRawMethod>(), std::optional(LibRawMethod::markesteijn_3)}) {
    const LinearFrame frame = interpolated(mosaic, method);
    ASSERT_TRUE(frame.demosaicked_from);
    EXPECT_EQ(mosaic_behind(frame).cfa, mosaic.cfa);
    // Markesteijn's is in whole steps, and cut at black.
    EXPECT_NEAR(at(noise_of(frame).profile) / at(estimate_noise(mosaic).profile), 1, 0.1);
  }
}

TEST(DemosaickedFrom, IsNothingWhereAllColoursWereMeasured) {
  for (const NoiseProfile& noise : {NoiseProfile{2e-5, 2.2e-8}, NoiseProfile{1.2e-2, 2.2e-4}}) {
    EXPECT_FALSE(demosaicked_from(frame_of({}, {}).light));
    EXPECT_FALSE(demosaicked_from(frame_of({}, noise).light));
    EXPECT_FALSE(demosaicked_from(frame_of({.is_monochrome = true}, noise).light));
    EXPECT_FALSE(demosaicked_from(frame_of({.blur = 0.5, .kept = 0.6}, noise).light));
    EXPECT_TRUE(demosaicked_from(frame_of({.demosaicking = Demosaicking::ahd}, noise).light));
  }
}

TEST(MosaicBehind, HoldsTheSamplesThatWereDemosaicked) {
  Random random(3);
  const SensorSettings sensor{.bits = 14, .noise = {1e-3, 1e-6}};
  const Mosaic mosaic = expose(scene(), camera, sensor, random);
  LinearFrame frame;
  frame.facts = mosaic;
  frame.facts.samples.clear();
  frame.light = bilinear_camera_rgb(mosaic);
  const Mosaic behind = mosaic_behind(frame);
  ASSERT_EQ(behind.cfa, ColourFilters(Cfa::rggb));
  const auto gains = balance_gains(mosaic.white_balance);
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x) {
      const auto light = [&](const Mosaic& m) {
        return (m.samples[size_t(y * m.width + x)] - m.black[0]) / (m.white - m.black[0]);
      };
      // The demosaicker cut balanced light at 1.
      const double most = 1 / gains[size_t(cfa_colour(mosaic.cfa, y, x))];
      // Half a step of 61439.
      ASSERT_NEAR(light(behind), std::min(light(mosaic), most), 1e-5);
    }
}

TEST(MosaicBehind, TellsTheNoiseOfLinearFrames) {
  const NoiseProfile truth{1e-3, 9.6e-7};
  for (const LinearShot& shot : {LinearShot{}, LinearShot{.demosaicking = Demosaicking::bilinear},
                                 LinearShot{.demosaicking = Demosaicking::ahd, .lost = {1, 0}},
                                 LinearShot{.is_monochrome = true}}) {
    LinearFrame frame = frame_of(shot, truth);
    frame.facts.noise.reset();
    const KnownNoise noise = noise_of(frame);
    EXPECT_EQ(noise.source, NoiseSource::estimated);
    // The texture is some of it: a third, as little of the frame is even.
    const auto at = [](const NoiseProfile& n) { return n.shot * 0.3 + n.read; };
    EXPECT_NEAR(at(noise.profile) / at(truth), 1, 0.33) << int(shot.demosaicking);
  }
}

TEST(LinearFrames, AreBalancedAnew) {
  const LinearFrame as_shot = frame_of({}, {});
  LinearFrame frame = as_shot;
  balance_as_wanted(frame, AsShot{});
  EXPECT_EQ(frame.facts.white_balance, as_shot.facts.white_balance);
  balance_as_wanted(frame, LightColour{3200, 0});
  const auto before = balance_gains(as_shot.facts.white_balance);
  const auto after = balance_gains(frame.facts.white_balance);
  EXPECT_GT(after[2] / after[0], 1.5 * before[2] / before[0]);
  for (int64_t c = 0; c < 3; ++c) {
    const double factor = after[size_t(c)] / before[size_t(c)];
    for (int64_t x = 0; x < 320; x += 7)
      ASSERT_NEAR(frame.light.row(0, c, 100)[x], factor * as_shot.light.row(0, c, 100)[x], 1e-5);
  }
}

TEST(LinearFrames, AreCutWhereTheFirstColourSaturates) {
  Tensor light({1, 3, 2, 2});
  std::fill_n(light.data(), light.size(), 0.5f);
  light.row(0, 0, 1)[1] = 1.75f;
  cut_highlights(light);
  EXPECT_EQ(light.row(0, 0, 1)[1], 1);
  EXPECT_EQ(light.row(0, 0, 1)[0], 0.5f);
  EXPECT_FLOAT_EQ(mean_of_colours(light).row(0, 0, 1)[1], 2.f / 3);
}

}  // namespace
}  // namespace hyperconv
