// What noise removal took away: how much of it is wanted, and what it looks like.
#pragma once

#include <array>

#include "base/tensor.hpp"
#include "base/threads.hpp"
#include "hyperconv/types.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// Throws Error when a share is not within [0,1].
void check_strength(const DenoiseStrength& strength);

/// What is added to a pixel of what noise removal would add, luma and colour weighted by the
/// strength.
class Blend {
 public:
  explicit Blend(const DenoiseStrength& strength)
      : luma_(float(strength.luma)), colour_(float(strength.colour)) {}

  std::array<float, 3> operator()(const std::array<float, 3>& added) const;
  float grey(const std::array<float, 3>& added) const;

 private:
  float luma_, colour_;
};

/// White of a noise map: deviations are multiplied by this and cut at 1, 16 bits. A sample s of the
/// file stands for a deviation of s / 65535 / 4 of the photo's range (s / 1028 of 255).
inline constexpr float noise_map_scale = 4;

/// In each channel of [1,3,h,w] the root of the mean square over 15x15 pixels, fewer at the edges.
void local_deviation(Tensor& values, Threads& threads);

/// Deviations [1,3,h,w] as a picture of 16 bits; grey: of their luma's noise alone.
Image noise_picture(const Tensor& deviations, bool is_grey);

/// Between a picture with its grain and one without, RGB or grey of 16 bits and one size, which
/// keeps the clean one's metadata.
Image with_some_grain(const Image& grainy, const Image& clean, const DenoiseStrength& strength);

/// The same of linear light [1,3,h,w], or [1,1,h,w], where luma is a quarter of red, half of green
/// and a quarter of blue: no picture has been made of it yet.
Tensor with_some_grain(const Tensor& grainy, const Tensor& clean, const DenoiseStrength& strength);

/// noise_picture() of the local deviation of their difference.
Image removed_between(const Image& grainy, const Image& clean, Threads& threads);

}  // namespace hyperconv
