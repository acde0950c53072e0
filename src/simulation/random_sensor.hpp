// Cameras drawn at random, as a network in training meets them.
#pragma once

#include <vector>

#include "base/random.hpp"
#include "simulation/lens.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {

/// What is drawn from. A share of 0 draws nothing. Light is in units of black to white.
struct SensorRange {
  double clean_share = 0.1;  ///< without noise but the rounding
  double least_shot = 1e-4;  ///< shot variance is log-uniform between these two
  double most_shot = 1.6e-2;
  /// ln read = slope * ln shot + intercept, with a deviation: natural logarithms of variances.
  double read_slope = 2.18, read_intercept = 1.20, read_spread = 0.26;
  double least_exposure = 0.3;  ///< half are darkened by a log-uniform factor down to this
  std::vector<int> bits = {10, 12, 14};

  double row_share = 0;         ///< with row noise
  double most_row_noise = 0.5;  ///< its deviation, of the read noise's, uniform up to this
  double defect_share = 0;      ///< with hot and dead pixels
  double least_defects = 1e-5, most_defects = 1e-3;  ///< shares of hot pixels, log-uniform; dead
                                                     ///< ones are a fifth of them
  double black_share = 0;                            ///< with a black level that is off
  double most_black_steps = 0.5;                     ///< by up to so many steps of the file ...
  double most_black_noise = 0.25;  ///< ... and so many deviations of the read noise, either way
  double cut_share = 0;            ///< of files that hold nothing below black
  double green_share = 0;          ///< with two greens that differ
  double green_spread = 0.01;      ///< deviation of their ratio
  double saturation_share = 0;     ///< with colours that saturate below the file's white
  double least_saturation = 0.9;   ///< each uniform from this to 1
  double lens_share = 0;           ///< behind a lens that blurs and shifts
  double most_blur = 0.6;          ///< deviation in pixels, each colour's uniform up to this
  double most_shift = 0.6;         ///< of red and blue against green, in pixels
  double lamp_share = 0;           ///< in light of another colour than random_camera's daylight
  double least_kelvin = 2200, most_kelvin = 10000;  ///< its temperature: 1 / kelvin is uniform
  double tint_spread = 10;                          ///< deviation of its tint (LightColour)

  /// How an estimate of the noise errs: deviations of the logarithms of shot and read. 0: not at
  /// all. An estimator is asked to be within 15 % on photos with even places, which two deviations
  /// of 0.07 are; the read variance hides under the shot noise of all but the darkest places and
  /// comes out half as well.
  double told_shot_error = 0, told_read_error = 0;
};

/// The defaults above: Brooks et al. 2019, without anything else that sensors do. What recipes
/// without the key `sensors` mean.
SensorRange plain_sensors();

/// Sensors as they are: shot variance over all of ISO (5e-6, a large sensor at ISO 100, to 2e-2, a
/// phone at its highest), read noise on the line of 433 published camera profiles with their
/// spread, 10 to 16 bits, all defects and lenses, from candles to blue sky, estimated noise.
SensorRange all_sensors();

struct RandomSensor {
  SimulatedCamera camera;
  SensorSettings settings;
  /// Applied to the scene: the clean picture has its blur and shifts too, since a network shall
  /// not sharpen and cannot know the lens.
  Lens lens;
  /// What a network is told of the noise: the settings' profile, the file's rounding (a variance of
  /// a twelfth of a step squared) as a part of read, times the estimator's error. Row noise is not
  /// in it: it is estimated apart.
  NoiseProfile told;
};

/// Draws colours as random_camera() does, then a sensor, and last the light.
RandomSensor draw_sensor(const SensorRange& range, Random& random);

}  // namespace hyperconv
