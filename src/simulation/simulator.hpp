// A camera that was never built: turns an sRGB photo into what a Bayer sensor would have recorded.
// After Brooks et al. 2019, "Unprocessing images for learned raw denoising" (CVPR, arXiv
// 1811.11127).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "image/image.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// A sensor's colours under one light.
struct SimulatedCamera {
  Matrix3 xyz_to_camera{};                       ///< XYZ (D65) -> camera RGB, as in a DNG
  std::array<double, 3> white_balance{1, 1, 1};  ///< multipliers that make grey grey, G = 1
};

/// One fixed camera, for reproducible files: an Olympus E-M10's matrix in daylight (D65).
SimulatedCamera standard_camera();

/// One fixed phone: a Nexus 6P's matrix in daylight (D65).
SimulatedCamera phone_camera();

/// A random mix of the four published camera matrices of Brooks et al. (Nexus 6P, Sony A7R, Olympus
/// E-M10, Sony RX100 IV: the cameras of the Darmstadt data set) and random red (1.9..2.4) and blue
/// (1.5..1.9) gains.
SimulatedCamera random_camera(Random& random);

struct SensorSettings {
  ColourFilters cfa = Cfa::rggb;
  int bits = 12;        ///< 10..16; white level 2^bits - 1
  NoiseProfile noise;   ///< zeros: no noise but the rounding
  double exposure = 1;  ///< scene brightness before the sensor; 1: the photo's white saturates; > 0
  /// Level of no light, below white; nothing: 2^bits / 64.
  std::optional<int> black = std::nullopt;

  // What real sensors do beside that, in units of light (1 = from black to white). Neither the
  // file nor the clean picture knows of any of it: the one says what it would say of a sensor
  // without, the other is what a developer should make of it.
  double row_noise = 0;                          ///< deviation of an offset that each row gets
  double black_error = 0;                        ///< true level of no light minus the file's
  bool cuts_at_black = false;                    ///< the file holds nothing below its black level
  double green_imbalance = 0;                    ///< gain of green in red's rows over blue's, - 1
  std::array<double, 3> saturation = {1, 1, 1};  ///< where each colour stops to rise; (0, 1]
  double hot_share = 0;   ///< of pixels that show some light of their own at least
  double dead_share = 0;  ///< of pixels that show none
};

/// What the values of `simulate --iso` are of.
enum class SensorKind { full_frame, aps_c, phone };

/// Shot and read variance at an ISO value, 0: none. For aps_c the shot variance is the median of
/// 433 published camera profiles (2.2e-5, 2.5e-4, 8.6e-4, 2.4e-3 at ISO 100, 1600, 6400, 25600;
/// straight between and beyond in logarithms); a full-frame sensor's larger pixels have half of it,
/// a phone's 8 times as much (at ISO 6400: 4.3e-4, 8.6e-4, 6.9e-3; published ones: Sony A7S II
/// 4e-4, phones 4e-3 to 9e-3). Read is median_read_noise().
NoiseProfile noise_at_iso(double iso, SensorKind kind);

/// The read variance of the same profiles for a given shot variance: through their medians (2.2e-8,
/// 7e-7, 3.7e-6, 1.2e-5 at the four shot variances above) in logarithms; 0 for 0.
double median_read_noise(double shot);

/// The read variance on the regression line of Brooks et al., ln read = 2.18 ln shot + 1.20; 0 for
/// 0. Far too small below a shot variance of 1e-3.
double typical_read_noise(double shot);

/// Of one shot, drawn before it.
struct SensorNoise {
  struct Defect {
    size_t index = 0;  ///< y * width + x
    float light = 0;   ///< the most that a dead pixel shows, the least that a hot one does
    bool is_hot = false;
  };
  std::vector<float> samples;  ///< standard normal, one a pixel; none where there is no noise
  std::vector<float> rows;     ///< standard normal, one a row; none where there is no row noise
  std::vector<Defect> defects;
};

/// Where the samples' normal numbers come from.
enum class NormalNumbers {
  one_by_one,  ///< Random::normal(), row by row
  table        ///< fill_normal(), several times as fast
};

/// The random part of a shot of height x width pixels. Rows and defects are drawn after the
/// samples. Throws Error when a setting is out of range.
SensorNoise draw_noise(const SensorSettings& settings, int height, int width, NormalNumbers numbers,
                       Random& random);

/// The photo's linear sRGB, [1,3,H,W] in [0,1]; grey is spread over three channels, alpha dropped.
/// `shrink` > 1 averages shrink x shrink pixels in linear light (JPEG artefacts go with it); a last
/// odd row or column is dropped.
Tensor linear_srgb(const Image& photo, int shrink = 1);

/// Clean camera RGB after white balance, [1,3,H,W] in [0,1]: what a developed picture should be
/// before its colours. Inverts the camera's colour matrix; highlights are kept as they are.
Tensor scene_in_camera_colours(const Tensor& linear, const SimulatedCamera& camera);

/// Camera RGB after white balance -> a mosaic: brightened by the exposure, white balance taken back
/// (with Brooks et al.'s care for highlights: a gain below 1 is faded out towards white, so that
/// saturated stays saturated), sampled under the CFA, noise added with variance shot * x + read,
/// black level added, rounded and cut to the sensor's range. Its noise profile, white balance and
/// matrix are recorded. Throws Error when a setting is out of range.
Mosaic expose(const Tensor& camera_rgb, const SimulatedCamera& camera,
              const SensorSettings& settings, const SensorNoise& noise);
/// With noise of draw_noise(..., NormalNumbers::one_by_one, random).
Mosaic expose(const Tensor& camera_rgb, const SimulatedCamera& camera,
              const SensorSettings& settings, Random& random);

/// The same of a sensor that measures all colours at every pixel, each with the noise of its own:
/// light as LinearFrame has it, [1,3,H,W]. Its greens do not differ.
Tensor expose_colours(const Tensor& camera_rgb, const SimulatedCamera& camera,
                      const SensorSettings& settings, const std::array<SensorNoise, 3>& noise);

/// What a perfect developer makes of that mosaic: the sensor's colours without noise and with all
/// three at every pixel, white-balanced and cut at 1 (the level at which the least amplified
/// channel saturates). Equals exposure * camera_rgb but for highlights, which become white.
/// [1,3,H,W].
Tensor clean_camera_rgb(const Tensor& camera_rgb, const SimulatedCamera& camera,
                        const SensorSettings& settings);

/// Both at once for a trainer, without the detour of a Mosaic. `camera_rgb` is a planar patch
/// [3,height,width] of whole cells; `cells` receives what pack_mosaic without a margin makes of
/// expose() with the same noise: with the CFA rggb [4,height/2,width/2], with an X-Trans that
/// begins where the pattern does [36,height/6,width/6] (settings.cfa, no other); `clean`
/// [3,height,width] receives clean_camera_rgb(). Less than a hundred microseconds for 128x128 of
/// rggb.
void expose_patch(std::span<const float> camera_rgb, int height, int width,
                  const SimulatedCamera& camera, const SensorSettings& settings,
                  const SensorNoise& noise, std::span<float> cells, std::span<float> clean);

}  // namespace hyperconv
