// What a DNG says whatever its picture is: one sensor plane, or three colours at every pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "image/tiff_writer.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

inline constexpr uint16_t photometric_linear_raw = 34892;

/// How a DNG's samples are laid out: 16 bits, uncompressed, row by row in one strip.
struct DngLayout {
  uint16_t photometric = 0;
  uint16_t samples_per_pixel = 1;
  int64_t width = 0, height = 0;

  /// A monochrome picture has none.
  bool has_colours() const {
    return photometric != photometric_linear_raw || samples_per_pixel > 1;
  }
  uint64_t bytes() const { return uint64_t(width) * uint64_t(height) * samples_per_pixel * 2; }
};

/// All that stands before the samples: layout, camera, colours, orientation and EXIF of the facts,
/// whose size, samples, levels and CFA are not looked at, and the tags that only this kind of
/// picture has.
std::vector<uint8_t> dng_header(const DngLayout& layout, const Mosaic& facts, TiffDirectory tags);

}  // namespace hyperconv
