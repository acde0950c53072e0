#include "simulation/random_sensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace hyperconv {
namespace {

std::vector<RandomSensor> drawn(const SensorRange& range, int count) {
  std::vector<RandomSensor> sensors;
  for (int i = 0; i < count; ++i) {
    Random random(11, uint64_t(i));
    sensors.push_back(draw_sensor(range, random));
  }
  return sensors;
}

template <class Predicate>
double share(const std::vector<RandomSensor>& sensors, Predicate predicate) {
  return double(std::ranges::count_if(sensors, predicate)) / double(sensors.size());
}

struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double mean = sum / double(values.size());
  return {mean, std::sqrt(squares / double(values.size()) - mean * mean)};
}

// Of 4000 draws a share is within 0.04 (five deviations at a half), a mean within 5 / sqrt(4000)
// of its deviation, a deviation within 6 %.
constexpr int many = 4000;

TEST(RandomSensor, NoiseCoversTheTableOfCameras) {
  const SensorRange range = all_sensors();
  std::vector<double> shots, reads;
  for (const RandomSensor& sensor : drawn(range, many)) {
    const NoiseProfile& noise = sensor.settings.noise;
    if (noise == NoiseProfile{}) continue;
    EXPECT_GE(noise.shot, 5e-6);
    EXPECT_LE(noise.shot, 2e-2);
    shots.push_back(std::log(noise.shot));
    reads.push_back(std::log(noise.read) - (1.23 * std::log(noise.shot) - 3.87));
  }
  EXPECT_NEAR(double(shots.size()) / many, 1 - range.clean_share, 0.04);
  const double width = std::log(2e-2 / 5e-6);
  EXPECT_NEAR(spread(shots).mean, std::log(5e-6) + width / 2, 0.1 * width / std::sqrt(12));
  EXPECT_NEAR(spread(shots).deviation, width / std::sqrt(12), 0.06 * width / std::sqrt(12));
  EXPECT_NEAR(spread(reads).mean, 0, 0.1);
  EXPECT_NEAR(spread(reads).deviation, 1.05, 0.06 * 1.05);
}

TEST(RandomSensor, TellsTheNoiseAsAnEstimatorErrs) {
  std::vector<double> shot, read;
  for (const RandomSensor& sensor : drawn(all_sensors(), many)) {
    const SensorSettings& settings = sensor.settings;
    EXPECT_GT(sensor.told.read, 0);  // of rounding, if of nothing else
    if (settings.noise == NoiseProfile{}) continue;
    const int levels = 1 << settings.bits;
    const double step = 1.0 / (levels - 1 - levels / 64);
    shot.push_back(std::log(sensor.told.shot / settings.noise.shot));
    read.push_back(std::log(sensor.told.read / (settings.noise.read + step * step / 12)));
  }
  EXPECT_NEAR(spread(shot).mean, 0, 0.006);
  EXPECT_NEAR(spread(shot).deviation, 0.07, 0.0045);
  EXPECT_NEAR(spread(read).mean, 0, 0.012);
  EXPECT_NEAR(spread(read).deviation, 0.15, 0.01);
}

TEST(RandomSensor, EachDefectHasItsShare) {
  const SensorRange range = all_sensors();
  const auto sensors = drawn(range, many);
  const auto expect_share = [&](double expected, auto predicate) {
    EXPECT_NEAR(share(sensors, predicate), expected, 0.04);
  };
  // Without noise there is no row noise either.
  expect_share(range.row_share * (1 - range.clean_share),
               [](const RandomSensor& s) { return s.settings.row_noise > 0; });
  expect_share(range.defect_share, [](const RandomSensor& s) { return s.settings.hot_share > 0; });
  expect_share(range.defect_share, [](const RandomSensor& s) { return s.settings.dead_share > 0; });
  expect_share(range.black_share,
               [](const RandomSensor& s) { return s.settings.black_error != 0; });
  expect_share(range.cut_share, [](const RandomSensor& s) { return s.settings.cuts_at_black; });
  expect_share(range.green_share,
               [](const RandomSensor& s) { return s.settings.green_imbalance != 0; });
  expect_share(range.saturation_share,
               [](const RandomSensor& s) { return s.settings.saturation[1] < 1; });
  expect_share(range.lens_share, [](const RandomSensor& s) { return s.lens != Lens{}; });
  for (const int bits : range.bits)
    expect_share(1 / double(range.bits.size()),
                 [&](const RandomSensor& s) { return s.settings.bits == bits; });
  for (const RandomSensor& sensor : sensors) {
    Random random(1);
    EXPECT_NO_THROW(draw_noise(sensor.settings, 2, 2, NormalNumbers::table, random));
    EXPECT_EQ(sensor.lens.shift[1], (std::array<double, 2>{}));  // green stays
  }
}

// random_camera's daylight: red in 1.9 to 2.4, blue in 1.5 to 1.9. Light of 2,200 K has hardly any
// blue; a camera's blue is then amplified by more than 4, and its red hardly at all.
TEST(RandomSensor, SomeStandInTheLightOfLamps) {
  double least_red = 10, most_blue = 0;
  const auto sensors = drawn(all_sensors(), many);
  for (const RandomSensor& sensor : sensors) {
    const auto& [red, green, blue] = sensor.camera.white_balance;
    EXPECT_EQ(green, 1);
    least_red = std::min(least_red, red);
    most_blue = std::max(most_blue, blue);
  }
  EXPECT_LT(least_red, 1.1);
  EXPECT_GT(most_blue, 4);
  EXPECT_LT(most_blue, 20);
  const auto is_daylight = [](const RandomSensor& sensor) {
    const auto& [red, green, blue] = sensor.camera.white_balance;
    return red >= 1.9 && red <= 2.4 && blue >= 1.5 && blue <= 1.9;
  };
  const double daylight = share(sensors, is_daylight);
  EXPECT_GT(daylight, 1 - all_sensors().lamp_share - 0.04);  // some lamps are of its colour
  EXPECT_LT(daylight, 0.8);
  const auto plain = drawn(plain_sensors(), many);
  EXPECT_EQ(share(plain, is_daylight), 1);
}

TEST(RandomSensor, PlainOnesHaveNoiseAndNothingElse) {
  for (const RandomSensor& sensor : drawn(plain_sensors(), 200)) {
    SensorSettings plain{.bits = sensor.settings.bits,
                         .noise = sensor.settings.noise,
                         .exposure = sensor.settings.exposure};
    EXPECT_EQ(sensor.lens, Lens{});
    EXPECT_EQ(sensor.settings.row_noise, plain.row_noise);
    EXPECT_EQ(sensor.settings.black_error, plain.black_error);
    EXPECT_EQ(sensor.settings.cuts_at_black, plain.cuts_at_black);
    EXPECT_EQ(sensor.settings.green_imbalance, plain.green_imbalance);
    EXPECT_EQ(sensor.settings.saturation, plain.saturation);
    EXPECT_EQ(sensor.settings.hot_share, plain.hot_share);
    EXPECT_EQ(sensor.settings.dead_share, plain.dead_share);
    EXPECT_EQ(sensor.told.shot, sensor.settings.noise.shot);
  }
}

}  // namespace
}  // namespace hyperconv
