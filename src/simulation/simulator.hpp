// A camera that was never built: turns an sRGB photo into what a Bayer sensor would have recorded.
// After Brooks et al. 2019, "Unprocessing images for learned raw denoising" (CVPR, arXiv
// 1811.11127).
#pragma once

#include <optional>
#include <span>

#include "base/random.hpp"
#include "hyperconv/image.hpp"
#include "hyperconv/mosaic.hpp"
#include "hyperconv/tensor.hpp"

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
  Cfa cfa = Cfa::rggb;
  int bits = 12;        ///< 10..14; white level 2^bits - 1
  NoiseProfile noise;   ///< zeros: no noise but the rounding
  double exposure = 1;  ///< scene brightness before the sensor; 1: the photo's white saturates; > 0
  /// Level of no light, below white; nothing: 2^bits / 64.
  std::optional<int> black = std::nullopt;
};

/// Shot and read variance at an ISO value: shot = 0.012 * iso / 6400, read on the regression line
/// of Brooks et al., ln read = 2.18 ln shot + 1.20.
NoiseProfile noise_at_iso(double iso);

/// The read variance on that line, for a given shot variance; 0 for 0.
double typical_read_noise(double shot);

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
              const SensorSettings& settings, Random& random);

/// What a perfect developer makes of that mosaic: the sensor's colours without noise and with all
/// three at every pixel, white-balanced and cut at 1 (the level at which the least amplified
/// channel saturates). Equals exposure * camera_rgb but for highlights, which become white.
/// [1,3,H,W].
Tensor clean_camera_rgb(const Tensor& camera_rgb, const SimulatedCamera& camera,
                        const SensorSettings& settings);

/// Both at once for a trainer, without the detour of a Mosaic. `camera_rgb` is a planar patch
/// [3,height,width] of even sizes; `cells` [4,height/2,width/2] receives what pack_mosaic without a
/// margin makes of expose() with the CFA rggb (settings.cfa is not looked at) and the same random
/// numbers; `clean` [3,height,width] receives clean_camera_rgb(). A few hundred microseconds for
/// 128x128; allocates nothing.
void expose_patch(std::span<const float> camera_rgb, int height, int width,
                  const SimulatedCamera& camera, const SensorSettings& settings, Random& random,
                  std::span<float> cells, std::span<float> clean);

}  // namespace hyperconv
