#include "simulation/random_sensor.hpp"

#include <algorithm>
#include <cmath>

#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

double log_uniform(double low, double high, Random& random) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

bool happens(double share, Random& random) { return share > 0 && random.uniform() < share; }

NoiseProfile draw_noise_profile(const SensorRange& range, Random& random) {
  const double shot = log_uniform(range.least_shot, range.most_shot, random);
  const double read = std::exp(range.read_slope * std::log(shot) + range.read_intercept);
  return {shot, read * std::exp(range.read_spread * double(random.normal()))};
}

/// From the level of no light to white, in steps of the file.
double steps_of(const SensorSettings& settings) {
  const int levels = 1 << settings.bits;
  return levels - 1 - settings.black.value_or(levels / 64);
}

void draw_offsets(const SensorRange& range, Random& random, SensorSettings& settings) {
  const double read_deviation = std::sqrt(settings.noise.read);
  if (happens(range.row_share, random))
    settings.row_noise = read_deviation * random.uniform(0, range.most_row_noise);
  if (happens(range.black_share, random)) {
    const double most =
        range.most_black_steps / steps_of(settings) + range.most_black_noise * read_deviation;
    settings.black_error = most * random.uniform(-1, 1);
  }
  settings.cuts_at_black = happens(range.cut_share, random);
}

void draw_pixels(const SensorRange& range, Random& random, SensorSettings& settings) {
  constexpr double dead_of_hot = 0.2;
  if (happens(range.defect_share, random)) {
    settings.hot_share = log_uniform(range.least_defects, range.most_defects, random);
    settings.dead_share = dead_of_hot * settings.hot_share;
  }
  if (happens(range.green_share, random))
    settings.green_imbalance = range.green_spread * double(random.normal());
  if (happens(range.saturation_share, random))
    for (double& level : settings.saturation) level = random.uniform(range.least_saturation, 1);
}

Lens draw_lens(const SensorRange& range, Random& random) {
  Lens lens;
  if (!happens(range.lens_share, random)) return lens;
  for (double& blur : lens.blur) blur = random.uniform(0, range.most_blur);
  for (const size_t colour : {0, 2})
    for (double& shift : lens.shift[colour])
      shift = random.uniform(-range.most_shift, range.most_shift);
  return lens;
}

void draw_light(const SensorRange& range, Random& random, SimulatedCamera& camera) {
  if (!happens(range.lamp_share, random)) return;
  constexpr double most_tint = 150;  // of LightColour
  const double kelvin = 1 / random.uniform(1 / range.most_kelvin, 1 / range.least_kelvin);
  const double tint = range.tint_spread * double(random.normal());
  const LightColour light = {kelvin, std::clamp(tint, -most_tint, most_tint)};
  // Daylight stays where the camera does not see this light.
  camera.white_balance =
      balance_of_white(chromaticity(light), camera.xyz_to_camera).value_or(camera.white_balance);
}

NoiseProfile tell(const SensorRange& range, const SensorSettings& settings, Random& random) {
  const double steps = steps_of(settings);
  NoiseProfile told = {settings.noise.shot, settings.noise.read + 1 / (12 * steps * steps)};
  const auto err = [&](double error, double& variance) {
    if (error > 0) variance *= std::exp(error * double(random.normal()));
  };
  err(range.told_shot_error, told.shot);
  err(range.told_read_error, told.read);
  return told;
}

}  // namespace

SensorRange plain_sensors() { return {}; }

SensorRange all_sensors() {
  return {.clean_share = 0.05,
          .least_shot = 5e-6,
          .most_shot = 2e-2,
          .read_slope = 1.23,
          .read_intercept = -3.87,
          .read_spread = 1.05,
          .bits = {10, 12, 14, 16},
          .row_share = 0.3,
          .defect_share = 0.3,
          .black_share = 0.3,
          .cut_share = 0.25,
          .green_share = 0.3,
          .saturation_share = 0.2,
          .lens_share = 0.4,
          .lamp_share = 0.5,
          .told_shot_error = 0.07,
          .told_read_error = 0.15};
}

RandomSensor draw_sensor(const SensorRange& range, Random& random) {
  RandomSensor drawn;
  drawn.camera = random_camera(random);
  SensorSettings& settings = drawn.settings;
  settings.bits = range.bits[size_t(random.below(int64_t(range.bits.size())))];
  if (random.uniform() < 0.5) settings.exposure = log_uniform(range.least_exposure, 1, random);
  if (random.uniform() >= range.clean_share) settings.noise = draw_noise_profile(range, random);
  draw_offsets(range, random, settings);
  draw_pixels(range, random, settings);
  drawn.lens = draw_lens(range, random);
  drawn.told = tell(range, settings, random);
  draw_light(range, random, drawn.camera);
  return drawn;
}

}  // namespace hyperconv
