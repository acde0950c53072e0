// A picture in memory, and its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <variant>
#include <vector>

namespace hyperconv {

/// What travels with the samples from file to file.
struct ImageMetadata {
  std::vector<uint8_t> icc;   ///< ICC profile as embedded; empty: sRGB is meant
  std::vector<uint8_t> exif;  ///< EXIF as a TIFF stream (no "Exif\0\0" before it); may be empty
  int orientation = 1;        ///< EXIF orientation 1..8 still to be applied to the samples; 1: none
};

/// Interleaved samples, rows from the top, `channels` values a pixel: 1 grey, 2 grey+alpha, 3 RGB,
/// 4 RGBA. uint8_t and uint16_t use their whole range, float means 0 = black and 1 = white.
struct Image {
  using Samples = std::variant<std::vector<uint8_t>, std::vector<uint16_t>, std::vector<float>>;

  int width = 0;
  int height = 0;
  int channels = 0;
  Samples samples;
  ImageMetadata metadata;

  /// width * height * channels.
  size_t count() const { return size_t(width) * size_t(height) * size_t(channels); }
};

/// The samples as floats in [0,1] (u8 / 255, u16 / 65535), or a copy where they are floats.
std::vector<float> to_float(const Image& image);

/// The picture with 8-bit or 16-bit samples: clamped to [0,1] and rounded to nearest.
Image to_u8(const Image& image);
Image to_u16(const Image& image);

/// Samples turned so that orientation becomes 1 (its EXIF tag, if any, too).
Image upright(Image image);

/// Reads JPEG, PNG (1..16 bit, palette, grey, alpha) or TIFF (8 and 16 bit, strips and tiles), by
/// content, not by name. Embedded ICC and EXIF are kept where they are sound and the profile fits
/// the channels, else dropped; orientation is reported, not applied. Grey PNGs of 1, 2 or 4 bits
/// are spread over 8, those of 16 keep their values. Throws Error naming the file when it is
/// missing, a directory, empty, truncated, damaged, of another kind (CMYK, floats, a camera's RAW
/// file, which may be a TIFF), larger than 2^29 pixels or longer than 2^20.
Image read_image(const std::filesystem::path& path);

struct WriteOptions {
  int jpeg_quality = 95;  ///< 1..100; 90 and above write 4:4:4 chroma
  int threads = 0;        ///< for JPEG; 0: all the cores that this process may use
};

/// True when write_image knows the ending: .jpg .jpeg .png .tif .tiff, in any case.
bool is_writable_image(const std::filesystem::path& path);

/// Writes by the path's ending. JPEG takes 8 bits, PNG and TIFF keep 8 or 16; floats become 8 bits
/// in JPEG and 16 elsewhere. An empty ICC profile writes sRGB's (for grey: sRGB's curve). The
/// orientation goes into the EXIF, in place of what stood there, and so does the size; thumbnails
/// and tags that tell how another file was stored are left out. The file appears whole or not at
/// all. Throws Error when the ending is unknown, the folder is missing, the disk full, alpha would
/// be lost (JPEG), or the ICC profile is for another number of channels: clear it where colours
/// are changed.
void write_image(const std::filesystem::path& path, const Image& image,
                 const WriteOptions& options = {});

}  // namespace hyperconv
