#include "pipeline/input.hpp"

#include <algorithm>
#include <fstream>
#include <string_view>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "hyperconv/image.hpp"
#include "image/codec.hpp"
#include "image/jpeg.hpp"
#include "image/png.hpp"
#include "image/tiff.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Fewer where the file is shorter, or cannot be read.
std::string first_bytes(const fs::path& path, size_t count) {
  std::string start(count, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), std::streamsize(count));
  start.resize(size_t(file.gcount()));
  return start;
}

bool starts_with(const fs::path& path, std::string_view magic) {
  return first_bytes(path, magic.size()) == magic;
}

bool is_headerless(const fs::path& path) {
  const std::string ending = lower_ending(path);
  return ending == ".raw" || ending == ".bin";
}

// The cameras' own endings, of those that LibRaw knows the ones that occur.
constexpr std::string_view endings[] = {
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq",
    ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".png",
    ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f", ".bin"};

}  // namespace

FileKind file_kind(const fs::path& path) {
  const bool is_camera_ending = may_be_mosaic(path) && lower_ending(path) != ".png";
  const std::string start = first_bytes(path, 26);
  const Bytes bytes(reinterpret_cast<const uint8_t*>(start.data()), start.size());
  if (is_jpeg(bytes)) return FileKind::photo;
  if (is_png(bytes)) {
    // The byte behind width, height and depth says what a pixel is; 0: one sample.
    constexpr size_t colour_type = 25;
    const bool is_grey = start.size() > colour_type && start[colour_type] == 0;
    return is_grey ? FileKind::mosaic : FileKind::photo;
  }
  if (is_tiff(bytes))
    return is_camera_ending || is_camera_tiff(read_file(path)) ? FileKind::mosaic : FileKind::photo;
  return is_writable_image(path) ? FileKind::photo : FileKind::mosaic;
}

Mosaic read_mosaic(const fs::path& path, const MosaicFormat& format) {
  if (format.width > 0 && is_headerless(path)) return read_headerless(path, format);
  if (starts_with(path, "\x89PNG")) return read_mosaic_png(path, format);
  if (starts_with(path, "\xff\xd8\xff"))
    fail("{}: is a JPEG photo; a camera RAW file or a mosaic is needed to develop", path.string());
  try {
    return read_camera_file(path);
  } catch (const Error& error) {
    if (!is_headerless(path)) throw;
    fail("{}; if it is a headerless mosaic, say --raw-size WxH", error.what());
  }
}

bool may_be_mosaic(const fs::path& path) {
  return std::find(std::begin(endings), std::end(endings), lower_ending(path)) != std::end(endings);
}

}  // namespace hyperconv
