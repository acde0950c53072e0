#include "simulation/simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hyperconv/error.hpp"
#include "raw/colour.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

constexpr std::array<Cfa, 4> all_phases = {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg};

Tensor flat(std::array<float, 3> colour, int height, int width) {
  Tensor tensor({1, 3, height, width});
  for (int c = 0; c < 3; ++c)
    std::fill_n(tensor.row(0, c, 0), tensor.shape().plane(), colour[size_t(c)]);
  return tensor;
}

// Colours of its own at each pixel, in [0,1].
Tensor mixture(int height, int width, uint64_t seed) {
  Tensor tensor({1, 3, height, width});
  Random random(seed);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = float(random.uniform());
  return tensor;
}

// IEC 61966-2-1.
double encode_srgb(double x) {
  return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
}

struct Statistics {
  double mean = 0, variance = 0;
  int64_t count = 0;
};

// Of one colour of a mosaic, in [0,1] between black and white.
Statistics statistics(const Mosaic& mosaic, int colour) {
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x) {
      if (cfa_colour(mosaic.cfa, y, x) != colour) continue;
      const double black = mosaic.black[0];
      const double sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      const double value = (sample - black) / (mosaic.white - black);
      sum += value;
      squares += value * value;
      ++count;
    }
  const double mean = sum / double(count);
  return {mean, squares / double(count) - mean * mean, count};
}

TEST(LinearSrgb, DecodesEveryKindOfSample) {
  Image photo{3, 1, 1, std::vector<uint8_t>{0, 128, 255}, {}};
  const Tensor eight = linear_srgb(photo);
  EXPECT_EQ(eight.shape(), (Shape{1, 3, 1, 3}));
  EXPECT_FLOAT_EQ(eight.at(0, 0, 0, 0), 0);
  EXPECT_NEAR(eight.at(0, 1, 0, 1), 0.21586050, 1e-7);
  EXPECT_FLOAT_EQ(eight.at(0, 2, 0, 2), 1);

  photo.samples = std::vector<uint16_t>{0, 128 * 257, 65535};
  const Tensor sixteen = linear_srgb(photo);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  photo.samples = std::vector<float>{-1, 128 / 255.f, nan};
  const Tensor floats = linear_srgb(photo);
  EXPECT_EQ(sixteen.at(0, 0, 0, 1), eight.at(0, 0, 0, 1));
  EXPECT_NEAR(floats.at(0, 0, 0, 1), eight.at(0, 0, 0, 1), 1e-7);
  EXPECT_EQ(floats.at(0, 0, 0, 0), 0);
  EXPECT_EQ(floats.at(0, 0, 0, 2), 0);
}

TEST(LinearSrgb, DropsAlphaAndKeepsColoursApart) {
  const Image photo{1, 1, 4, std::vector<uint8_t>{255, 0, 128, 7}, {}};
  const Tensor linear = linear_srgb(photo);
  EXPECT_EQ(linear.at(0, 0, 0, 0), 1);
  EXPECT_EQ(linear.at(0, 1, 0, 0), 0);
  EXPECT_NEAR(linear.at(0, 2, 0, 0), 0.21586050, 1e-7);
}

TEST(LinearSrgb, ShrinksByTheMeanOfLinearLight) {
  // Black and white mixed half and half is 0.5 in linear light, not the 0.21 of an encoded mean.
  // The fifth column and the third row are dropped.
  const Image photo{5,
                    3,
                    1,
                    std::vector<uint8_t>{0, 255, 255, 255, 9,  //
                                         255, 0, 255, 0, 9,    //
                                         9, 9, 9, 9, 9},
                    {}};
  const Tensor linear = linear_srgb(photo, 2);
  ASSERT_EQ(linear.shape(), (Shape{1, 3, 1, 2}));
  EXPECT_FLOAT_EQ(linear.at(0, 0, 0, 0), 0.5f);
  EXPECT_FLOAT_EQ(linear.at(0, 0, 0, 1), 0.75f);
}

TEST(LinearSrgb, RefusesToShrinkToNothing) {
  const Image photo{3, 2, 1, std::vector<uint8_t>(6), {}};
  EXPECT_THROW(linear_srgb(photo, 3), Error);
  EXPECT_THROW(linear_srgb(photo, 0), Error);
}

TEST(Cameras, SeeDaylightAsRealCamerasDo) {
  // Known daylight multipliers lie between 1.4 and 3 for red and 1 and 2.5 for blue.
  const SimulatedCamera camera = standard_camera();
  EXPECT_THAT(camera.white_balance[0], testing::AllOf(testing::Gt(1.4), testing::Lt(3)));
  EXPECT_EQ(camera.white_balance[1], 1);
  EXPECT_THAT(camera.white_balance[2], testing::AllOf(testing::Gt(1), testing::Lt(2.5)));
}

TEST(Cameras, RandomOnesStayPlausible) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const SimulatedCamera camera = random_camera(random);
    EXPECT_THAT(camera.white_balance[0], testing::AllOf(testing::Ge(1.9), testing::Le(2.4)));
    EXPECT_THAT(camera.white_balance[2], testing::AllOf(testing::Ge(1.5), testing::Le(1.9)));
    // What the camera sees as white is D65: it is grey after the camera's own daylight balance.
    const auto balance = daylight_white_balance(camera.xyz_to_camera);
    const auto white =
        transform(inverse(camera.xyz_to_camera).value(), {1 / balance[0], 1, 1 / balance[2]});
    EXPECT_NEAR(white[0] / white[1], 0.9505, 1e-3);
    EXPECT_NEAR(white[2] / white[1], 1.0890, 1e-3);
    EXPECT_THAT(balance[0], testing::AllOf(testing::Gt(1.4), testing::Lt(3)));
    EXPECT_THAT(balance[2], testing::AllOf(testing::Gt(1), testing::Lt(2.5)));
    // The diagonal dominates: red is red.
    const Matrix3 matrix = srgb_to_camera(camera.xyz_to_camera);
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column)
        if (row != column) {
          EXPECT_GT(matrix[row][row], matrix[row][column]);
        }
  }
}

TEST(Noise, FollowsTheRegressionLine) {
  EXPECT_NEAR(std::log(typical_read_noise(0.012)), 2.18 * std::log(0.012) + 1.20, 1e-12);
  EXPECT_EQ(typical_read_noise(0), 0);
}

TEST(Noise, OfAnIsoValueIsTheMedianOfCameras) {
  const NoiseProfile base = noise_at_iso(100, SensorKind::aps_c);
  EXPECT_NEAR(base.shot, 2.2e-5, 1e-12);
  EXPECT_NEAR(base.read, 2.2e-8, 1e-15);
  const NoiseProfile high = noise_at_iso(25600, SensorKind::aps_c);
  EXPECT_NEAR(high.shot, 2.4e-3, 1e-9);
  EXPECT_NEAR(high.read, 1.2e-5, 1e-12);
  EXPECT_NEAR(noise_at_iso(400, SensorKind::aps_c).shot, std::sqrt(2.2e-5 * 2.5e-4), 1e-12);
  EXPECT_NEAR(noise_at_iso(1600, SensorKind::full_frame).shot, 1.25e-4, 1e-12);
  EXPECT_NEAR(noise_at_iso(1600, SensorKind::phone).shot, 2e-3, 1e-12);
  EXPECT_NEAR(median_read_noise(8.6e-4), 3.7e-6, 1e-13);
  for (const auto kind : {SensorKind::full_frame, SensorKind::aps_c, SensorKind::phone}) {
    EXPECT_EQ(noise_at_iso(0, kind), NoiseProfile{});
    double last = 0;
    for (double iso = 25; iso < 500000; iso *= 1.7) {
      const NoiseProfile noise = noise_at_iso(iso, kind);
      EXPECT_GT(noise.shot, last);
      EXPECT_EQ(noise.read, median_read_noise(noise.shot));
      last = noise.shot;
    }
  }
}

TEST(Expose, DevelopsBackToThePhotosColour) {
  // Without noise, with the exact inverse. 14 bits: half a step is 3e-5; times the balance (2.4)
  // and the matrix (rows' absolute sum below 2.5) 2e-4.
  Random random(1);
  for (const Cfa cfa : all_phases) {
    const SimulatedCamera camera = random_camera(random);
    const Tensor photo = flat({0.30f, 0.42f, 0.36f}, 4, 6);
    SensorSettings settings;
    settings.cfa = cfa;
    settings.bits = 14;
    const Mosaic mosaic = expose(scene_in_camera_colours(photo, camera), camera, settings, random);
    std::array<double, 3> balanced{};
    for (int c = 0; c < 3; ++c)
      balanced[size_t(c)] = statistics(mosaic, c).mean * mosaic.white_balance[size_t(c)];
    const auto colour = transform(camera_to_srgb(*mosaic.xyz_to_camera), balanced);
    for (int c = 0; c < 3; ++c)
      EXPECT_NEAR(colour[size_t(c)], photo.at(0, c, 0, 0), 2e-4) << to_string(cfa) << " " << c;
  }
}

TEST(Expose, PutsEveryColourInItsPlace) {
  const SimulatedCamera camera = {identity3, {1, 1, 1}};
  for (const Cfa cfa : all_phases) {
    SensorSettings settings;
    settings.cfa = cfa;
    Random random(1);
    const Mosaic mosaic = expose(flat({0.2f, 0.4f, 0.6f}, 3, 5), camera, settings, random);
    ASSERT_EQ(mosaic.samples.size(), 15u);
    EXPECT_EQ(mosaic.cfa, cfa);
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 5; ++x) {
        const double value = 0.2 * (1 + cfa_colour(cfa, y, x));
        EXPECT_NEAR(mosaic.samples[size_t(y * 5 + x)], 64 + value * (4095 - 64), 0.5 + 1e-3);
      }
  }
}

TEST(Expose, BlackAndWhiteAreTheSensorsLevels) {
  const SimulatedCamera camera = standard_camera();
  Random random(1);
  for (int bits = 10; bits <= 16; ++bits) {
    SensorSettings settings;
    settings.bits = bits;
    const double white = std::pow(2, bits) - 1;
    const double black = std::pow(2, bits) / 64;
    const Mosaic dark = expose(flat({0, 0, 0}, 4, 4), camera, settings, random);
    EXPECT_THAT(dark.samples, testing::Each(testing::Eq(black)));
    EXPECT_THAT(dark.black, testing::Each(testing::Eq(black)));
    EXPECT_EQ(dark.white, white);
    // Highlight care: white is white in all channels, whatever the balance takes from them.
    const Mosaic bright = expose(flat({1, 1, 1}, 4, 4), camera, settings, random);
    EXPECT_THAT(bright.samples, testing::Each(testing::Eq(white)));
    // Twice the light cuts what was above the half.
    settings.exposure = 2;
    const Mosaic brighter = expose(flat({0.6f, 0.6f, 0.6f}, 4, 4), camera, settings, random);
    EXPECT_THAT(brighter.samples, testing::Each(testing::Eq(white)));
  }
}

TEST(Expose, BlackLevelMayBeGiven) {
  const SimulatedCamera camera = phone_camera();
  Random random(1);
  SensorSettings settings;
  settings.bits = 10;
  settings.black = 63;
  const Mosaic dark = expose(flat({0, 0, 0}, 4, 4), camera, settings, random);
  EXPECT_THAT(dark.samples, testing::Each(63));
  EXPECT_THAT(dark.black, testing::Each(63));
  settings.black = 1023;
  EXPECT_THROW(expose(flat({0, 0, 0}, 4, 4), camera, settings, random), Error);
  settings.black = -1;
  EXPECT_THROW(expose(flat({0, 0, 0}, 4, 4), camera, settings, random), Error);
}

TEST(Expose, HalfTheLightIsHalfTheSignal) {
  const SimulatedCamera camera = standard_camera();
  SensorSettings settings;
  settings.exposure = 0.5;
  Random random(1);
  // Also for the photo's white, which does not saturate any more.
  for (const float value : {0.2f, 1.f}) {
    const Mosaic mosaic = expose(flat({value, value, value}, 4, 4), camera, settings, random);
    for (int c = 0; c < 3; ++c)
      EXPECT_NEAR(statistics(mosaic, c).mean * camera.white_balance[size_t(c)], value / 2, 5e-4);
  }
}

TEST(Expose, NoiseHasTheStatedVariance) {
  const SimulatedCamera camera = {identity3, {2, 1, 1.6}};
  SensorSettings settings;
  settings.bits = 14;
  settings.noise = {0.004, 0.0001};
  Random random(7);
  for (const float value : {0.2f, 0.4f, 0.7f}) {
    const Mosaic mosaic = expose(flat({value, value, value}, 400, 400), camera, settings, random);
    EXPECT_EQ(mosaic.noise, settings.noise);
    for (int c = 0; c < 3; ++c) {
      const double light = value / camera.white_balance[size_t(c)];
      const double step = 1 / (mosaic.white - mosaic.black[0]);
      const double variance = settings.noise.shot * light + settings.noise.read + step * step / 12;
      const Statistics measured = statistics(mosaic, c);
      const double n = double(measured.count);
      EXPECT_NEAR(measured.mean, light, 5 * std::sqrt(variance / n)) << value << " " << c;
      EXPECT_NEAR(measured.variance, variance, 5 * variance * std::sqrt(2 / n))
          << value << " " << c;
    }
  }
}

TEST(Expose, DarkNoiseGoesBelowBlack) {
  SensorSettings settings;
  settings.noise = {0, 0.0001};
  Random random(5);
  const Mosaic mosaic = expose(flat({0, 0, 0}, 300, 300), standard_camera(), settings, random);
  const Statistics measured = statistics(mosaic, 1);
  EXPECT_NEAR(measured.mean, 0, 5 * 0.01 / std::sqrt(double(measured.count)));
}

// Row means of an even picture vary by the row noise and what is left of the pixels'.
TEST(Defects, RowNoiseIsTheSameAlongARow) {
  SensorSettings settings;
  settings.bits = 14;
  settings.noise = {0, 1e-5};
  settings.row_noise = 2e-3;
  Random random(3);
  const SimulatedCamera camera = {identity3, {1, 1, 1}};
  const int height = 2000, width = 64;
  const Mosaic mosaic = expose(flat({0.5f, 0.5f, 0.5f}, height, width), camera, settings, random);
  double sum = 0, squares = 0;
  for (int y = 0; y < height; ++y) {
    double mean = 0;
    for (int x = 0; x < width; ++x)
      mean += (mosaic.samples[size_t(y * width + x)] - mosaic.black[0]) /
              (mosaic.white - mosaic.black[0]) / width;
    sum += mean;
    squares += mean * mean;
  }
  const double variance = squares / height - sum * sum / height / height;
  const double expected = 4e-6 + 1e-5 / width;
  EXPECT_NEAR(variance, expected, 5 * expected * std::sqrt(2.0 / height));
}

TEST(Defects, HotAndDeadPixelsAreAsManyAsTheirShareSays) {
  SensorSettings settings;
  settings.hot_share = 0.01;
  settings.dead_share = 0.005;
  Random random(3);
  const Tensor grey = flat({0.01f, 0.01f, 0.01f}, 200, 200);
  const Mosaic mosaic = expose(grey, {identity3, {1, 1, 1}}, settings, random);
  const auto usual = uint16_t(64 + 0.01 * (4095 - 64) + 0.5);
  int hot = 0, dead = 0;
  for (const uint16_t sample : mosaic.samples) {
    hot += sample > usual ? 1 : 0;
    dead += sample == 64 ? 1 : 0;
  }
  // A few places are drawn twice.
  EXPECT_NEAR(hot, 400, 12);
  EXPECT_NEAR(dead, 200, 8);
}

TEST(Defects, TheFileDoesNotKnowOfItsBlackLevelsError) {
  SensorSettings settings;
  settings.black_error = 10.0 / (4095 - 64);
  Random random(1);
  const Mosaic dark = expose(flat({0, 0, 0}, 4, 4), standard_camera(), settings, random);
  EXPECT_THAT(dark.samples, testing::Each(74));
  EXPECT_THAT(dark.black, testing::Each(64));
}

TEST(Defects, CutAtBlackLeavesNothingBelow) {
  SensorSettings settings;
  settings.noise = {0, 1e-4};
  settings.cuts_at_black = true;
  Random random(1);
  const Mosaic dark = expose(flat({0, 0, 0}, 100, 100), standard_camera(), settings, random);
  EXPECT_THAT(dark.samples, testing::Each(testing::Ge(64)));
  // Half of a normal distribution is cut.
  EXPECT_NEAR(double(std::ranges::count(dark.samples, 64)), 5000, 5 * 50 + 100);
}

TEST(Defects, GreensDiffer) {
  for (const Cfa cfa : all_phases) {
    SensorSettings settings;
    settings.cfa = cfa;
    settings.bits = 16;
    settings.green_imbalance = 0.02;
    Random random(1);
    const Mosaic mosaic =
        expose(flat({0.5f, 0.5f, 0.5f}, 4, 4), {identity3, {1, 1, 1}}, settings, random);
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x) {
        const bool in_reds_row = cfa_colour(cfa, y, 1 - x) == 0;
        const double gain = cfa_colour(cfa, y, x) != 1 ? 1 : in_reds_row ? 1.01 : 0.99;
        const double level = 1024 + 0.5 * gain * (65535 - 1024);
        EXPECT_NEAR(mosaic.samples[size_t(y * 4 + x)], level, 1) << to_string(cfa);
      }
  }
}

TEST(Defects, EachColourSaturatesAtItsLevel) {
  SensorSettings settings;
  settings.saturation = {0.9, 1, 0.95};
  Random random(1);
  const SimulatedCamera camera = {identity3, {1, 1, 1}};
  const Tensor bright = flat({1, 1, 1}, 4, 4);
  const Mosaic mosaic = expose(bright, camera, settings, random);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x) {
      const double level = settings.saturation[size_t(cfa_colour(Cfa::rggb, y, x))];
      EXPECT_NEAR(mosaic.samples[size_t(y * 4 + x)], 64 + level * (4095 - 64), 0.51);
    }
  EXPECT_EQ(mosaic.white, 4095);
  // What should be made of it is white.
  const Tensor clean = clean_camera_rgb(bright, camera, settings);
  for (size_t i = 0; i < clean.size(); ++i) EXPECT_EQ(clean.data()[i], 1);
}

TEST(Expose, IsTheSameForASeedOnEveryMachine) {
  SensorSettings settings;
  settings.noise = {0.006, typical_read_noise(0.006)};
  const auto simulate = [&](uint64_t seed) {
    Random random(seed);
    const SimulatedCamera camera = random_camera(random);
    Image photo{64, 48, 3, std::vector<uint8_t>(64 * 48 * 3), {}};
    for (size_t i = 0; i < photo.count(); ++i)
      std::get<0>(photo.samples)[i] = uint8_t(i * 37 + i / 192);
    const Tensor scene = scene_in_camera_colours(linear_srgb(photo), camera);
    return expose(scene, camera, settings, random).samples;
  };
  EXPECT_EQ(simulate(1), simulate(1));
  EXPECT_NE(simulate(1), simulate(2));
  const std::vector<uint16_t> samples = simulate(1);
  EXPECT_EQ(to_hex(hash_of(std::as_bytes(std::span(samples)))), "690b05bc0994d4df");
}

TEST(Expose, RefusesImpossibleSettings) {
  const Tensor grey = flat({0.5f, 0.5f, 0.5f}, 2, 2);
  const auto attempt = [&](const SensorSettings& settings) {
    Random random(1);
    return expose(grey, standard_camera(), settings, random);
  };
  SensorSettings settings;
  settings.bits = 9;
  EXPECT_THROW(attempt(settings), Error);
  settings = {};
  settings.exposure = 0;
  EXPECT_THROW(attempt(settings), Error);
  settings = {};
  settings.noise.shot = -0.1;
  EXPECT_THROW(attempt(settings), Error);
  settings = {};
  settings.noise.read = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(attempt(settings), Error);
  const auto refuses = [&](auto change) {
    SensorSettings changed;
    change(changed);
    EXPECT_THROW(attempt(changed), Error);
  };
  refuses([](SensorSettings& s) { s.bits = 17; });
  refuses([](SensorSettings& s) { s.row_noise = -1; });
  refuses([](SensorSettings& s) { s.black_error = 1; });
  refuses([](SensorSettings& s) { s.green_imbalance = -1; });
  refuses([](SensorSettings& s) { s.saturation[2] = 0; });
  refuses([](SensorSettings& s) { s.hot_share = 1.5; });
  refuses([](SensorSettings& s) { s.dead_share = -0.1; });
}

SensorSettings sensor_with_everything() {
  SensorSettings settings;
  settings.noise = {0.002, 1e-4};
  settings.row_noise = 0.01;
  settings.black_error = 0.002;
  settings.cuts_at_black = true;
  settings.green_imbalance = 0.02;
  settings.saturation = {0.9, 0.95, 1};
  settings.hot_share = 0.05;
  settings.dead_share = 0.05;
  return settings;
}

TEST(Patch, HasADefectiveSensorsDefectsToo) {
  const int height = 22, width = 18;
  const Tensor scene = mixture(height, width, 11);
  const SimulatedCamera camera = standard_camera();
  const SensorSettings settings = sensor_with_everything();
  Random random(4);
  const SensorNoise noise = draw_noise(settings, height, width, NormalNumbers::table, random);
  EXPECT_EQ(noise.samples.size(), size_t(height * width));
  EXPECT_EQ(noise.rows.size(), size_t(height));
  EXPECT_GT(noise.defects.size(), 30u);
  const Mosaic mosaic = expose(scene, camera, settings, noise);
  std::vector<float> cells(height * width), patch_clean(3 * height * width);
  expose_patch({scene.data(), scene.size()}, height, width, camera, settings, noise, cells,
               patch_clean);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto colour = size_t(cfa_colour(Cfa::rggb, y, x));
      const double value = (mosaic.samples[size_t(y * width + x)] - mosaic.black[0]) /
                           (mosaic.white - mosaic.black[0]) * camera.white_balance[colour];
      const int cell =
          (2 * (y % 2) + x % 2) * (height / 2) * (width / 2) + y / 2 * (width / 2) + x / 2;
      EXPECT_NEAR(cells[size_t(cell)], std::min(value, 1.0), 1e-6);
    }
  SensorSettings none;
  none.noise = settings.noise;
  const Tensor clean = clean_camera_rgb(scene, camera, none);
  EXPECT_THAT(patch_clean, testing::ElementsAreArray(clean.data(), clean.size()));
}

TEST(Patch, IsThePackedMosaicAndItsCleanPicture) {
  const int height = 14, width = 10;
  const Tensor scene = mixture(height, width, 11);
  Random cameras(2);
  const SimulatedCamera camera = random_camera(cameras);
  SensorSettings settings;
  settings.noise = {0.012, typical_read_noise(0.012)};
  settings.exposure = 0.9;
  Random random(4), again(4);
  const Mosaic mosaic = expose(scene, camera, settings, random);
  const Tensor clean = clean_camera_rgb(scene, camera, settings);
  std::vector<float> cells(height * width), patch_clean(3 * height * width);
  expose_patch({scene.data(), scene.size()}, height, width, camera, settings,
               draw_noise(settings, height, width, NormalNumbers::one_by_one, again), cells,
               patch_clean);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int colour = cfa_colour(Cfa::rggb, y, x);
      const double value = (mosaic.samples[size_t(y * width + x)] - mosaic.black[0]) /
                           (mosaic.white - mosaic.black[0]) * camera.white_balance[size_t(colour)];
      const int cell =
          (2 * (y % 2) + x % 2) * (height / 2) * (width / 2) + y / 2 * (width / 2) + x / 2;
      EXPECT_NEAR(cells[size_t(cell)], std::min(value, 1.0), 1e-6);
    }
  EXPECT_THAT(patch_clean, testing::ElementsAreArray(clean.data(), clean.size()));
}

TEST(Patch, CleanIsTheExposedSceneButForHighlights) {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = mixture(20, 20, 9);
  SensorSettings settings;
  settings.exposure = 0.7;
  const Tensor clean = clean_camera_rgb(scene, camera, settings);
  for (size_t i = 0; i < scene.size(); ++i)
    EXPECT_NEAR(clean.data()[i], 0.7f * scene.data()[i], 1e-6);
  settings.exposure = 1.5;
  const Tensor white = clean_camera_rgb(flat({0.8f, 0.8f, 0.8f}, 2, 2), camera, settings);
  for (size_t i = 0; i < white.size(); ++i) EXPECT_EQ(white.data()[i], 1);
}

TEST(Scene, KeepsGreyAndCutsWhatNoCameraSees) {
  const SimulatedCamera camera = standard_camera();
  const Tensor grey = scene_in_camera_colours(flat({0.5f, 0.5f, 0.5f}, 2, 2), camera);
  for (size_t i = 0; i < grey.size(); ++i) EXPECT_NEAR(grey.data()[i], 0.5, 1e-6);
  const Tensor blue = scene_in_camera_colours(flat({0, 0, 1}, 2, 2), camera);
  for (size_t i = 0; i < blue.size(); ++i) EXPECT_THAT(blue.data()[i], testing::Ge(0));
}

TEST(LinearSrgb, UndoesTheCurve) {
  for (int i = 0; i < 256; ++i) {
    const Image photo{1, 1, 1, std::vector<uint8_t>{uint8_t(i)}, {}};
    EXPECT_NEAR(encode_srgb(linear_srgb(photo).at(0, 0, 0, 0)) * 255, i, 1e-3);
  }
}

}  // namespace
}  // namespace hyperconv
