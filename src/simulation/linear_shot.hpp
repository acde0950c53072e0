// RAW frames that have three colours at every pixel, or brightness alone, as cameras and programs
// make them.
#pragma once

#include <string>
#include <vector>

#include "raw/mosaic.hpp"
#include "simulation/demosaic.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {

/// How a frame came to what it has at a pixel.
struct LinearShot {
  /// Demosaicking::none: each pixel's three colours are measured, with noise of their own (a
  /// layered sensor, shifted pixels, a frame that the camera made smaller). Else what a demosaicker
  /// makes of a noisy mosaic, whose noise is correlated.
  Demosaicking demosaicking = Demosaicking::none;
  bool is_monochrome =
      false;  ///< a sensor without filters: one brightness, the same in all colours
  /// What light denoising leaves: noise blurred by a Gaussian of this deviation in pixels, 0..1,
  /// and then this share of it. The photo itself stays as sharp as it was.
  double blur = 0, kept = 1;
  /// Rows and columns, 0 or 1, that the frame lost at its beginning since it was demosaicked.
  std::array<int, 2> lost = {0, 0};
  bool cuts_at_black = false;  ///< nothing below black, as files that DNG writers make
};

/// By name, for tables: "measured", "bilinear", "malvar", "ahd", "dht", "denoised"
/// (Malvar's, lightly denoised), "monochrome".
struct NamedLinearShot {
  std::string name;
  LinearShot shot;
};
const std::vector<NamedLinearShot>& named_linear_shots();

/// The frame that this camera makes of white-balanced camera RGB [1,3,H,W], its light as
/// LinearFrame has it, and what is to come out of it: clean_camera_rgb(), of a monochrome one that
/// of its brightness. Both have `lost` rows and columns less. `noise_left`: of the variance that
/// the settings say, what light denoising leaves at the sensor's own samples; 1 without it.
struct LinearTake {
  Tensor light;  ///< [1,3,h,w]; of a monochrome one all colours are alike
  Tensor clean;
  double noise_left = 1;
};
LinearTake take_linear(const Tensor& camera_rgb, const SimulatedCamera& camera,
                       const SensorSettings& settings, const LinearShot& shot,
                       NormalNumbers numbers, Random& random);

/// The same as a frame that can be written and developed, which says the noise that is left.
LinearFrame linear_frame(const LinearTake& take, const SimulatedCamera& camera,
                         const SensorSettings& settings, const LinearShot& shot);

/// What training draws.
struct LinearRange {
  double measured_share = 0.3, monochrome_share = 0.1;  ///< the others are demosaicked, ...
  double libraw_share = 0.4;                            ///< so many of them by AHD or DHT
  double denoised_share = 0.3;  ///< of all; kept and blur are uniform within these
  double least_kept = 0.2, most_blur = 0.8;
  double lost_share = 0.15;  ///< of the demosaicked ones
  double cut_share = 0.5;
};
LinearShot draw_linear_shot(const LinearRange& range, Random& random);

}  // namespace hyperconv
