// A photo's noise as it is seen: how strong at each brightness, and how coarse.
//
// That noise shows in a photo's even places, at each brightness by itself, is C. Liu, W. T.
// Freeman, R. Szeliski, S. B. Kang, "Noise Estimation from a Single Image" (CVPR 2006). Its octaves
// are those of an orthonormal Haar transform, in which white noise is equally strong in each.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "base/tensor.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// Standard deviations are of encoded samples in [0,1].
struct Grain {
  static constexpr int brightnesses = 4;  ///< equal ranges of encoded luma (BT.709)
  static constexpr int octaves = 3;       ///< details of 2, 4 and 8 pixels

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

/// Collects the energies of 8x8 blocks.
class GrainMeter {
 public:
  static constexpr int side = 8;
  /// Mean square of the details of each octave.
  using Energies = std::array<double, Grain::octaves>;
  struct Block {
    double brightness = 0;  ///< mean luma of the photo
    Energies luma{}, colour{};
  };

  /// Of three planes' values: R, G and B of 64 pixels each, row by row. Its brightness is their
  /// mean luma.
  static Block block(const std::array<std::array<float, size_t(side) * side>, 3>& rgb);

  void add(const Block& block);
  /// Of what was added: the mean energies at each brightness that has a block; other brightnesses
  /// take the level of their neighbours. Without noise where none has.
  Grain grain() const;

 private:
  struct Sums {
    size_t count = 0;
    Energies luma{}, colour{};
  };
  std::array<Sums, Grain::brightnesses> sums_;
};

/// A grain from the even places among areas of 16x16 pixels: at each brightness the tenth with the
/// least energy, luma's and colours' each for itself. Where noise is all that there is, that tenth
/// has 0.88 of its level (of white noise; a test measures it), which is made good.
class EvenPlaces {
 public:
  static constexpr int side = 2 * GrainMeter::side;
  struct Area {
    double brightness = 0;
    GrainMeter::Energies luma{}, colour{};
  };

  /// Of three planes' values from [top, left] on; brightness is their mean luma.
  static Area area(const Tensor& rgb, int64_t top, int64_t left);

  void add(const Area& area) { areas_.push_back(area); }
  size_t size() const { return areas_.size(); }
  /// Whether some brightness has so many.
  bool has(size_t enough) const;
  /// Of the brightnesses that have at least `enough` areas; others take the level of their
  /// neighbours. Without noise where none has.
  Grain grain(size_t enough) const;
  /// Of those that have ten areas and a two-hundredth of all.
  Grain grain() const { return grain(std::max<size_t>(10, size() / 200)); }

 private:
  std::vector<Area> areas_;
};

/// Estimated from the even places of a photo. Areas of which an eighth is black or white do not
/// count. Grey photos have no colour. Texture that is everywhere is taken for noise.
Grain estimate_grain(const Image& photo);
/// The same of a patch, [1,3,H,W], of whose brightnesses four areas are enough to tell.
Grain estimate_grain(const Tensor& patch);

/// The noise that `noisy` has beyond `clean`, both [1,3,H,W], as estimate_grain() would see it were
/// there nothing else: in the tenth of the areas of each brightness of `clean` that have the least
/// of it. (A JPEG's noise is weaker in even places than beside detail, and an estimate sees the
/// even ones.) Of frames too small for four areas, all blocks of 8x8 that are whole. Without noise
/// where there are none.
Grain grain_between(const Tensor& noisy, const Tensor& clean);

/// Corrects what a network was told, by what it then removes from even places: where that is less
/// than a share of the level, texture was taken for noise, and the level is what the share says.
/// The share is 0.55 for luma and 0.7 for colours of strong noise (a level of 0.03 or more), 0.35
/// and 0.5 of weak noise (0.01 or less), of which networks leave more, and in which a mistake costs
/// less. Of texture alone they were seen to remove less than 0.25 and 0.5 of what they are told.
Grain corrected(const Grain& told, const Grain& removed);

/// What a network is told of it, scaled to about [-2,2]: the logarithms of luma's levels and
/// octaves, then colour's. Levels are held within [1/1024, 0.3], octaves within [0.05, 1.73]: what
/// training shows.
constexpr int grain_condition_size = 2 * (Grain::brightnesses + Grain::octaves);
std::array<float, grain_condition_size> grain_condition(const Grain& grain);

}  // namespace hyperconv
