// Noise that is added to clean photos for scoring a denoiser: Gaussian, of one strength or of one
// that changes over the frame as VDN's authors published it, or as simulated cameras have it.
#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/tensor.hpp"

namespace hyperconv {

enum class NoiseCase {
  even,  ///< the same everywhere
  /// The three tests of Yue et al. 2019 (arXiv 1908.11314), deviations from 10 to 75 of 255, after
  /// github.com/zsyOAOA/VDNet: MATLAB's peaks(); sin(x) + cos(y) for x from 1 to 10 and y from 1 to
  /// 20; a mixture of Gaussians, one in each of 8x8 cells. Each is made at 256x256 and stretched to
  /// the photo. The mixture is drawn with our own random numbers: the published one hangs on
  /// numpy's.
  case1,
  case2,
  case3,
  /// A random camera's, on its way to a JPEG: simulation/photo_noise.hpp.
  camera,
  /// A phone's in little light, demosaicked and no more: shot variance log-uniform from 2e-3 to
  /// 2e-2, Malvar's demosaicking, as SIDD's pictures were made.
  phone
};

struct SyntheticNoise {
  NoiseCase kind = NoiseCase::even;
  double sigma = 25;  ///< of 255, for `even`
};

/// "case1", "camera", "25". Throws Error that says what is known.
SyntheticNoise synthetic_noise_from_string(const std::string& text);
std::string to_string(const SyntheticNoise& noise);

/// Deviations [height * width], 1 = white, of the Gaussian ones. `seed` draws case 3's mixture.
std::vector<float> deviation_map(const SyntheticNoise& noise, int64_t height, int64_t width,
                                 uint64_t seed);

/// [1,3,h,w] with noise of these deviations, each channel's its own; not cut to [0,1].
Tensor with_noise(const Tensor& photo, const std::vector<float>& deviations, Random& random);

/// A photo, encoded sRGB [1,3,h,w] with even sides of 22 or more, with and without noise. Photo
/// `index` always gets the same for the same seed. What a camera gives is in steps of 1/255; its
/// `clean` went through the same JPEG.
struct NoisyAndClean {
  Tensor noisy, clean;
};
NoisyAndClean with_noise(const Tensor& photo, const SyntheticNoise& noise, uint64_t seed,
                         uint64_t index);

}  // namespace hyperconv
