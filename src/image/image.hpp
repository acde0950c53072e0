// A picture in memory, and its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hyperconv/types.hpp"

namespace hyperconv {

/// How densely a picture is to be printed, or the shape of its pixels.
struct Resolution {
  enum class Unit {
    none,       ///< only the ratio of x to y means something
    inch,       ///< pixels an inch
    centimetre  ///< pixels a centimetre
  };
  double x = 0, y = 0;
  Unit unit = Unit::none;
  bool operator==(const Resolution&) const = default;
};

/// What travels with the samples from file to file.
struct ImageMetadata {
  /// ICC profile: as embedded, or made of what else the file says of its colours (DCF's "R03" in
  /// EXIF, PNG's cICP or gAMA and cHRM, TIFF's primaries); empty: sRGB is meant.
  std::vector<uint8_t> icc;
  std::vector<uint8_t> exif;  ///< EXIF as a TIFF stream (no "Exif\0\0" before it); may be empty
  int orientation = 1;        ///< EXIF orientation 1..8 still to be applied to the samples; 1: none
  std::vector<uint8_t> xmp;   ///< XMP packet (RDF/XML in UTF-8); may be empty
  /// What a JPEG's packet has no room for: 32 letters by which the packet names it, then RDF/XML.
  std::vector<uint8_t> more_xmp;
  std::vector<uint8_t> iptc;  ///< IPTC-IIM records; may be empty
  /// Photoshop's image resources (paths, copyright flag, URL, ...) without IPTC and thumbnails.
  std::vector<uint8_t> photoshop;
  std::optional<Resolution> resolution;
  /// JPEG's comment, under "Comment", and PNG's texts by their keywords, in UTF-8.
  std::map<std::string, std::string> texts;
  /// Of a picture that was read: one line each of what is odd about the file, or left out of it.
  std::vector<std::string> notes;
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

/// A part of the picture, which lies within it, with all of the metadata.
Image part_of(const Image& image, const Region& part);

/// Samples turned so that orientation becomes 1 (its EXIF and XMP tags, if any, too).
Image upright(Image image);

/// The picture with square pixels, where `pixel_aspect` is a pixel's width by its height: wider
/// where that is above 1, higher where it is below, straight between the samples as they are
/// encoded.
Image with_square_pixels(Image image, double pixel_aspect);

/// Reads JPEG, PNG (1..16 bit, palette, grey, alpha), TIFF (8 and 16 bit, strips and tiles) and,
/// where they were there at build time, JPEG XL, AVIF and HEIF, by content, not by name; of a
/// TIFF's pages the first that is not a smaller copy of another. Metadata are kept where they are
/// sound and the profile fits the channels, else dropped; orientation is reported, not applied,
/// but HEIF's, which its library applies. Grey PNGs of 1, 2 or 4 bits are spread over 8, those of
/// 16 keep their values. Throws Error naming the file when it is missing, a directory, empty,
/// truncated, damaged, of another kind (CMYK, floats, HDR, a camera's RAW file, which may be a
/// TIFF), larger than 2^29 pixels or longer than 2^20. docs/formats.md lists every tag that is
/// read, carried or refused.
Image read_image(const std::filesystem::path& path);

struct WriteOptions {
  /// Of JPEG, JPEG XL, AVIF and HEIF, 1..100. 90 and above write JPEG's and AVIF's chroma as 4:4:4;
  /// 100 keeps all samples in JPEG XL, and in AVIF those of as many bits as it has.
  int quality = 95;
  int threads = 0;  ///< 0: all the cores that this process may use
  /// Bits a sample of what the format has: 8 of JPEG; 8 or 16 of PNG, TIFF and JPEG XL; 8, 10 or 12
  /// of AVIF and HEIF; 32, floats as they are, of TIFF. Nothing: 8 of a picture of 8 bits, 10 of
  /// AVIF and HEIF of any other, 16 elsewhere where the format has them.
  std::optional<int> depth = {};
  /// Leaves out EXIF, XMP, IPTC and texts; orientation, resolution and the profile are written, as
  /// the picture would look another without them.
  bool strip_metadata = false;
};

/// True when write_image knows the ending: .jpg .jpeg .png .tif .tiff .jxl .avif .heic .heif, in
/// any case.
bool is_writable_image(const std::filesystem::path& path);

/// Throws Error where write_image would by the name and the options alone: the ending is unknown,
/// the format is not built in, or it has no samples of that depth.
void check_writable(const std::filesystem::path& path, const WriteOptions& options = {});

/// The usual endings of pictures, for messages: ".jpg, .png, ... or .heic".
std::string picture_endings();

/// The formats' names, for messages: "JPEG, PNG, ... or HEIF".
std::string picture_formats();

/// Writes by the path's ending, over what is there, samples of as many bits as options.depth says.
/// An empty ICC profile writes sRGB's (for grey: sRGB's curve). The orientation goes into the EXIF,
/// in place of what stood there, and so do size and resolution; thumbnails and tags that tell how
/// another file was stored are left out, a maker's notes are written byte for byte. The file
/// appears whole or not at all. Throws Error when check_writable does, the folder is missing, the
/// disk full, alpha would be lost (JPEG), or the ICC profile is for another number of channels:
/// clear it where colours are changed.
void write_image(const std::filesystem::path& path, const Image& image,
                 const WriteOptions& options = {});

}  // namespace hyperconv
