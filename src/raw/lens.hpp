// What a lens did to a photo, taken back: distortion, vignetting, lateral colour.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Where in the photo as it was taken a corrected pixel's light is found, and what it is multiplied
/// by. The middle of the first pixel is (0,0).
struct LensPlace {
  float x = 0, y = 0, gain = 1;
};
/// For red, green and blue.
using LensPixel = std::array<LensPlace, 3>;

/// What a correction is made of, in words.
struct LensReport {
  std::string source;  ///< "DNG" or "Lensfun"
  std::string name;    ///< the lens, or the opcodes: "Canon EF 50mm f/1.8"
  bool distortion = false, vignetting = false, lateral_colour = false;

  /// "distortion, vignetting and lateral colour"
  std::string corrected() const;
};

/// Immutable, and may be asked by several threads at once.
class LensCorrection {
 public:
  virtual ~LensCorrection() = default;

  /// Of consecutive pixels of the corrected photo's row y from column x on.
  virtual void places(int64_t y, int64_t x, std::span<LensPixel> pixels) const = 0;
  virtual const LensReport& report() const = 0;
};

/// The part of a photo of this size that pixels of a part of the corrected one are made of.
Region needed_for(const LensCorrection& lens, const Region& part, int64_t width, int64_t height);

/// A part of the corrected photo, [1,c,part.height,part.width], c 1 or 3: by Lanczos' filter of
/// three lobes in linear light, each colour at its own place; a single one at green's. `light`
/// holds what is needed_for() it, or more: `held` of the photo, whose size is width x height.
/// Beyond the photo its last rows and columns are repeated.
Tensor corrected(const LensCorrection& lens, const Tensor& light, const Region& held,
                 const Region& part, int64_t width, int64_t height, int threads = 0);

/// By the opcodes that a DNG has for what comes after demosaicing (WarpRectilinear, WarpFisheye,
/// FixVignetteRadial, GainMap): nothing where it has none of them, or a damaged list. What it has
/// besides is left out, and a warning left in the facts.
std::unique_ptr<LensCorrection> lens_of_opcodes(Mosaic& facts);

}  // namespace hyperconv
