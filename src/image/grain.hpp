// A photo's noise as it is seen: how strong at each brightness, and how coarse.
//
// That noise shows in a photo's even places, at each brightness by itself, is C. Liu, W. T.
// Freeman, R. Szeliski, S. B. Kang, "Noise Estimation from a Single Image" (CVPR 2006). Its octaves
// are those of an orthonormal Haar transform, in which white noise is equally strong in each.
#pragma once

#include <array>

#include "base/tensor.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// Standard deviations are of encoded samples in [0,1].
struct Grain {
  static constexpr int brightnesses = 4;  ///< equal ranges of encoded luma (BT.709)
  static constexpr int octaves = 3;       ///< details of 2, 4 and 8 pixels
  /// What training shows; a network is told nothing beyond.
  static constexpr float least_level = 1.0f / 1024, most_level = 0.3f;
  static constexpr float least_octave = 0.05f, most_octave = 1.73f;

  struct Component {
    std::array<float, brightnesses> level{};  ///< deviation over all octaves, by brightness
    /// Each octave's deviation, of that over all: their squares' mean is 1. All 1: white noise.
    std::array<float, octaves> octave{1, 1, 1};
    bool operator==(const Component&) const = default;
  };
  Component luma;
  Component colour;  ///< the root of the mean square of blue - luma and red - luma
  bool operator==(const Grain&) const = default;
};

/// Estimated from the even places of a photo: of its areas of 16x16 pixels the tenth of each
/// brightness that have the least energy, luma's and colours' each for itself. Where noise is all
/// that there is, that tenth has 0.88 of its level (of white noise; a test measures it), which is
/// made good. A brightness of less than ten areas, or of a two-hundredth of all, takes the level of
/// its neighbour. Areas of which an eighth is black or white do not count. Grey photos have no
/// colour. Texture that is everywhere is taken for noise, but luma's level is 5/255 or twice
/// colours' at the most: a sensor's noise has colours, and texture hardly any. (It says too little
/// where a camera smoothed colours alone, and of toned grain.) Of coarse details only what
/// the finest ones bear out counts: steps of whole grey levels are no noise. Without noise where
/// too little can be seen.
Grain estimate_grain(const Image& photo);
/// The same of a patch, [1,3,H,W], of whose brightnesses four areas are enough to tell.
Grain estimate_grain(const Tensor& patch);

/// The noise that `noisy` has beyond `clean`, both [1,3,H,W], as estimate_grain() would see it were
/// there nothing else: in the tenth of the areas of each brightness of `clean` that have the least
/// of it. (A JPEG's noise is weaker in even places than beside detail, and an estimate sees the
/// even ones.) Of frames too small for four areas, the mean of all blocks of 8x8 that are whole.
/// Without noise where there are none.
Grain grain_between(const Tensor& noisy, const Tensor& clean);

/// What a network is told of it, scaled to about [-2,2]: the logarithms of luma's levels and
/// octaves, then colour's, held to what training shows.
constexpr int grain_condition_size = 2 * (Grain::brightnesses + Grain::octaves);
std::array<float, grain_condition_size> grain_condition(const Grain& grain);

}  // namespace hyperconv
