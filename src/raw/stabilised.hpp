// Noise as a network is told it, and light in which noise is as strong in the shadows as in the
// highlights.
#pragma once

#include <array>
#include <cmath>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// Multipliers of red, green and blue after which the least amplified channel still saturates at 1:
/// the white balance over its least.
std::array<double, 3> balance_gains(const std::array<double, 3>& white_balance);

/// What a network is told of a photo's noise: for red, green and blue the variance shot * x + read
/// of a white-balanced sample x in [0,1] (NoiseProfile, amplified), as (ln shot + 8) / 4 and
/// (ln read + 13) / 6: R's two, G's two, B's two. Held to what training draws, so that nothing a
/// file says leads out of it: shot to [1e-6, 0.1], read to [1e-9, 0.02].
constexpr int noise_condition_size = 6;
std::array<float, noise_condition_size> noise_condition(const NoiseProfile& noise,
                                                        const std::array<double, 3>& gains);

/// A curve after which noise of variance shot * x + read is about equally strong at all x
/// (Anscombe's square root as Foi et al. 2008 generalise it: x + 3/8 shot + read / shot under the
/// root), one for all channels, so that grey stays grey. Maps 0 to 0 and 1 to 1:
///     f(x) = (sqrt(x + t) - sqrt(t)) / (sqrt(1 + t) - sqrt(t)) above 0; its tangent below,
///     t = read / shot + 3/8 shot, held to [1e-4, 1/4]
/// so that noise around black keeps its mean. A network that works in it is trained through the
/// plain inverse: what an exact unbiased one corrects is part of what it learns.
class StabilisingCurve {
 public:
  /// For the noise of the least amplified channel.
  explicit StabilisingCurve(const NoiseProfile& noise);

  float offset() const { return offset_; }  ///< t

  float operator()(float x) const {
    return x < 0 ? x * slope_ : (std::sqrt(x + offset_) - root_) * scale_;
  }
  float inverse(float f) const {
    if (f < 0) return f / slope_;
    const float root = f / scale_ + root_;
    return root * root - offset_;
  }

 private:
  float offset_, root_, scale_, slope_;
};

}  // namespace hyperconv
