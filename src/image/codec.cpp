#include "image/codec.hpp"

#include <algorithm>
#include <cctype>
#include <exception>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "image/avif.hpp"
#include "image/brands.hpp"
#include "image/heif.hpp"
#include "image/jpeg.hpp"
#include "image/jxl.hpp"
#include "image/png.hpp"
#include "image/tiff.hpp"

namespace hyperconv {

const std::vector<Codec>& codecs() {
  static const std::vector<Codec> all = {
    {"JPEG",
     {".jpg", ".jpeg", ".jpe", ".jfif"},
     is_jpeg,
     {8},
     8,
     decode_jpeg,
     encode_jpeg,
     {},
     true},
    {"PNG", {".png"}, is_png, {8, 16}, 16, decode_png, encode_png},
    {"TIFF", {".tif", ".tiff"}, is_tiff, {8, 16, 32}, 16, decode_tiff, encode_tiff},
#if HYPERCONV_HAS_JXL
    {"JPEG XL", {".jxl"}, is_jxl, {8, 16}, 16, decode_jxl, encode_jxl, "libjxl-dev"},
#else
    {"JPEG XL", {".jxl"}, is_jxl, {8, 16}, 16, nullptr, nullptr, "libjxl-dev"},
#endif
#if HYPERCONV_HAS_AVIF
    {"AVIF", {".avif"}, is_avif, {8, 10, 12}, 10, decode_avif, encode_avif, "libavif-dev"},
#else
    {"AVIF", {".avif"}, is_avif, {8, 10, 12}, 10, nullptr, nullptr, "libavif-dev"},
#endif
#if HYPERCONV_HAS_HEIF
    {"HEIF",
     {".heic", ".heif", ".hif"},
     is_heif,
     {8, 10, 12},
     10,
     decode_heif,
     encode_heif,
     "libheif-dev"},
#else
    {"HEIF", {".heic", ".heif", ".hif"}, is_heif, {8, 10, 12}, 10, nullptr, nullptr, "libheif-dev"},
#endif
  };
  return all;
}

std::string lower_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char letter) { return char(std::tolower(letter)); });
  return ending;
}

const Codec* codec_by_ending(const std::filesystem::path& path) {
  const std::string ending = lower_ending(path);
  for (const Codec& codec : codecs())
    if (std::find(codec.endings.begin(), codec.endings.end(), ending) != codec.endings.end())
      return &codec;
  return nullptr;
}

const Codec* codec_by_content(Bytes file) {
  for (const Codec& codec : codecs())
    if (codec.recognises(file)) return &codec;
  return nullptr;
}

void check_built_in(const std::string& name, const Codec& codec) {
  if (codec.decode != nullptr) return;
  fail("{}: {} is not built in; install {} and build hyperconv again", name, codec.name,
       codec.package);
}

Image decode_picture(const std::string& name, Bytes file) {
  if (file.empty()) fail("{}: is empty; a {} picture is expected", name, picture_formats());
  const Codec* codec = codec_by_content(file);
  if (codec == nullptr) fail("{}: is not a {} picture", name, picture_formats());
  check_built_in(name, *codec);
  return codec->decode(name, file);
}

void check_size(const std::string& name, uint64_t width, uint64_t height, size_t file_size) {
  if (width == 0 || height == 0)
    fail("{}: is {}x{} pixels; a picture has some", name, width, height);
  if (width > longest_side || height > longest_side || width * height > most_pixels)
    fail("{}: is {}x{} pixels; at most {} million and sides up to {} are read", name, width, height,
         most_pixels / 1000000, longest_side);
  if (width * height / most_pixels_per_byte > file_size)
    fail("{}: is truncated or damaged ({}x{} pixels do not fit in {} bytes)", name, width, height,
         file_size);
}

Image make_image(const std::string& name, uint64_t width, uint64_t height, int channels, int bits,
                 size_t file_size) {
  check_size(name, width, height, file_size);
  Image image;
  image.width = int(width);
  image.height = int(height);
  image.channels = channels;
  try {
    if (bits == 8)
      image.samples = large_vector<uint8_t>(image.count());
    else
      image.samples = large_vector<uint16_t>(image.count());
  } catch (const std::exception&) {
    fail("{}: {}x{} pixels need more memory than there is", name, width, height);
  }
  return image;
}

void check_memory(const std::string& name, uint64_t width, uint64_t height,
                  uint64_t bytes_of_work) {
  constexpr uint64_t picture = 4 * sizeof(uint16_t);
  const int64_t there = available_memory_bytes();
  if (width * height * (picture + bytes_of_work) > uint64_t(std::max<int64_t>(there, 0)))
    fail("{}: {}x{} pixels need more memory than there is", name, width, height);
}

void fail_damaged(const std::string& name, const char* format, std::string_view reason) {
  throw_if_interrupted();
  fail("{}: is a truncated or damaged {}, or of a rare kind{}", name, format,
       reason.empty() ? "" : fmt::format(" ({})", reason));
}

void fail_unwritten(const std::string& name, std::string_view reason) {
  throw_if_interrupted();
  fail("{}: cannot be written{}", name, reason.empty() ? "" : fmt::format(" ({})", reason));
}

int bits_of(const Image& image) {
  return std::visit([](const auto& samples) { return int(sizeof(samples[0]) * 8); }, image.samples);
}

size_t row_size(const Image& image) {
  return size_t(image.width) * size_t(image.channels) * size_t(bits_of(image) / 8);
}

const uint8_t* row_of(const Image& image, int y) {
  return std::visit(
      [&](const auto& samples) {
        return reinterpret_cast<const uint8_t*>(samples.data()) + size_t(y) * row_size(image);
      },
      image.samples);
}

uint8_t* row_of(Image& image, int y) {
  return const_cast<uint8_t*>(row_of(static_cast<const Image&>(image), y));
}

}  // namespace hyperconv
