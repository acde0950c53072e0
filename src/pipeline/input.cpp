#include "pipeline/input.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string_view>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

std::string lower_ending(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return ending;
}

bool starts_with(const fs::path& path, std::string_view magic) {
  std::string start(magic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(start.data(), std::streamsize(start.size()));
  return start == magic;
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
