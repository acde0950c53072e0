// What the readers and writers of the formats have in common, and the table of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

using Bytes = std::span<const uint8_t>;

/// A format of picture files. A new one is a file with these functions and a row in codecs().
struct Codec {
  std::string_view name;
  std::vector<std::string_view> endings;  ///< in lower case; the first is the usual one
  /// Whether a file begins like one.
  bool (*recognises)(Bytes file);
  bool sixteen_bits;  ///< whether it can be written with 16 bits a sample; all take 8
  /// The picture in a file that was recognised. Throws Error that begins with `name`.
  Image (*decode)(const std::string& name, Bytes file);
  /// The file of a picture of 8 bits, or 16 where the format has them. Throws Error likewise.
  std::vector<uint8_t> (*encode)(const std::string& name, const Image& image,
                                 const WriteOptions& options);
};

/// All formats of pictures, in the order in which messages name them.
const std::vector<Codec>& codecs();

/// The format whose ending the path has, in any case; nullptr where none.
const Codec* codec_by_ending(const std::filesystem::path& path);

/// The format that a file's first bytes are of; nullptr where none.
const Codec* codec_by_content(Bytes file);

/// ".jpg" of "A.JPG".
std::string lower_ending(const std::filesystem::path& path);

/// What is read at most: a picture of that size is 3 GiB of 16-bit RGB.
inline constexpr uint64_t most_pixels = uint64_t(1) << 29;
inline constexpr uint64_t longest_side = uint64_t(1) << 20;

/// A file that packs more pixels than this into a byte has lost its samples, or never had them.
/// PNG's deflate reaches 8,256 (one-bit pixels), a run of Zstandard in TIFF 32,768.
inline constexpr uint64_t most_pixels_per_byte = uint64_t(1) << 15;

/// Throws Error naming the file when the header's size is zero, beyond the limits, or more than
/// `file_size` bytes can hold.
void check_size(const std::string& name, uint64_t width, uint64_t height, size_t file_size);

/// A black picture of 8 or 16 bits, for samples to be read into. Throws Error as check_size does,
/// and when there is not the memory for it.
Image make_image(const std::string& name, uint64_t width, uint64_t height, int channels, int bits,
                 size_t file_size);

/// 8, 16 or 32 (float).
int bits_of(const Image& image);

/// Bytes in a row of samples.
size_t row_size(const Image& image);

/// First byte of row y.
uint8_t* row_of(Image& image, int y);
const uint8_t* row_of(const Image& image, int y);

}  // namespace hyperconv
