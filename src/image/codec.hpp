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
  std::vector<int> depths;  ///< bits a sample that it can be written with
  int deep;                 ///< with how many pictures of more than 8 are, where nothing is said
  /// The picture in a file that was recognised. Throws Error that begins with `name`. Null where
  /// this build is without the format's library.
  Image (*decode)(const std::string& name, Bytes file);
  /// The file of a picture of 8 bits where options.depth is 8, of floats where it is 32, else of
  /// 16; of any picture where `rounds`. Throws Error likewise; null likewise.
  std::vector<uint8_t> (*encode)(const std::string& name, const Image& image,
                                 const WriteOptions& options);
  std::string_view package = {};  ///< Debian's, of the library, where it is not always there
  bool rounds = false;  ///< `encode` rounds a row at a time, so that no copy has to be made before
};

/// All formats of pictures, in the order in which messages name them.
const std::vector<Codec>& codecs();

/// The format whose ending the path has, in any case; nullptr where none.
const Codec* codec_by_ending(const std::filesystem::path& path);

/// The format that a file's first bytes are of; nullptr where none.
const Codec* codec_by_content(Bytes file);

/// Throws Error naming the file, the format and what to install where this build is without it.
void check_built_in(const std::string& name, const Codec& codec);

/// The picture in a file of any format. Throws Error naming it where it is empty, of none of them,
/// or cannot be decoded.
Image decode_picture(const std::string& name, Bytes file);

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

/// Throws Error naming the file when so many pixels, with as many bytes of work for each beside a
/// picture of 16-bit RGBA, need more memory than there is: for libraries that would take it without
/// asking.
void check_memory(const std::string& name, uint64_t width, uint64_t height, uint64_t bytes_of_work);

/// Throws Error: the bytes are none that this format's library can make a picture of. `reason`: its
/// own words; may be empty. After Ctrl-C, which ends a library's work with an error, too, that.
[[noreturn]] void fail_damaged(const std::string& name, const char* format,
                               std::string_view reason = {});

/// Throws Error: the library did not write the file, for that reason. After Ctrl-C that.
[[noreturn]] void fail_unwritten(const std::string& name, std::string_view reason);

/// 8, 16 or 32 (float).
int bits_of(const Image& image);

/// Of one colour, with alpha or without.
inline bool is_grey(const Image& image) { return image.channels < 3; }
inline bool has_alpha(const Image& image) { return image.channels % 2 == 0; }

/// Bytes in a row of samples.
size_t row_size(const Image& image);

/// Row y in 8 bits, as to_u8 rounds, into as many values as it has.
void round_row(const Image& image, int y, std::span<uint8_t> row);

/// First byte of row y.
uint8_t* row_of(Image& image, int y);
const uint8_t* row_of(const Image& image, int y);

}  // namespace hyperconv
