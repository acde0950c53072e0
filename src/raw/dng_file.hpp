// What a DNG says whatever its picture is: one sensor plane, or three colours at every pixel.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "image/image.hpp"
#include "image/tiff_writer.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

inline constexpr uint16_t photometric_cfa = 32803;
inline constexpr uint16_t photometric_linear_raw = 34892;

/// The kind of a DNG's samples, of 16 bits each.
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

/// Pictures of 8 bits, grey or RGB, for who looks through folders: a thumbnail, and a JPEG.
struct DngPreviews {
  Image thumbnail;
  int width = 0, height = 0, channels = 0;  ///< of the JPEG
  std::vector<uint8_t> jpeg;                ///< with chroma of half the size
};

/// Of linear camera light [1,3,H,W] or [1,1,H,W] as write_linear_dng() takes it, rendered by the
/// facts: sRGB, at most 2048 pixels a side, the thumbnail 256.
DngPreviews previews_of(const Tensor& light, const Mosaic& facts, int threads);

/// All that stands before the samples, which are one strip, uncompressed: layout, camera, colours,
/// orientation and EXIF of the facts, whose size, samples, levels and CFA are not looked at, and
/// the tags that only this kind of picture has.
std::vector<uint8_t> dng_header(const DngLayout& layout, const Mosaic& facts, TiffDirectory tags);

/// A row of a picture, for all samples of which there is room; called from several threads.
using DngRow = std::function<void(int64_t y, uint16_t* samples)>;

/// The same with the samples, into a file that appears whole or not at all. With previews the
/// thumbnail is the file's first picture and the photo itself the first below it (SubIFDs), as DNG
/// recommends it. Throws Error when the file cannot be written.
void write_dng_file(const std::filesystem::path& path, const DngLayout& layout, const Mosaic& facts,
                    TiffDirectory tags, const std::optional<DngPreviews>& previews,
                    const DngRow& row, const DngOptions& options);

}  // namespace hyperconv
