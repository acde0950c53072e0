#include "pipeline/input.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "image/codec.hpp"
#include "image/png.hpp"
#include "image/tiff.hpp"
#include "raw/decode.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view headerless_endings[] = {".raw", ".bin"};

// The cameras' own endings, of those that LibRaw knows.
constexpr std::string_view camera_endings[] = {
    ".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".cs1", ".dc2", ".dcr",
    ".dcs", ".dng", ".drf", ".eip", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kc2", ".kdc",
    ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".ptx", ".pxn",
    ".qtk", ".raf", ".rdc", ".rw2", ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".sti", ".x3f"};

template <size_t count>
bool is_among(const fs::path& path, const std::string_view (&endings)[count]) {
  return std::find(std::begin(endings), std::end(endings), lower_ending(path)) != std::end(endings);
}

bool is_headerless(const fs::path& path) { return is_among(path, headerless_endings); }

FileKind kind_by_ending(const fs::path& path) {
  return is_writable_image(path) ? FileKind::photo : FileKind::mosaic;
}

/// Whether a sensor's samples are more likely than a photo's: a few above 14 bits are stray.
bool looks_like_mosaic(const Image& image) {
  const auto* samples = std::get_if<std::vector<uint16_t>>(&image.samples);
  if (samples == nullptr) return false;
  constexpr uint16_t most = (1 << 14) - 1;
  constexpr double stray_share = 1e-3;
  const auto above = std::count_if(samples->begin(), samples->end(),
                                   [](uint16_t sample) { return sample > most; });
  return double(above) <= stray_share * double(samples->size());
}

}  // namespace

InputFile::InputFile(fs::path path) : path_(std::move(path)), bytes_(read_file(path_)) {}
InputFile::~InputFile() = default;

bool InputFile::is_grey_png() const {
  // The byte behind width, height and depth says what a pixel is; 0: one sample.
  constexpr size_t colour_type = 25;
  return is_png(bytes_) && bytes_.size() > colour_type && bytes_[colour_type] == 0;
}

const Image& InputFile::decoded() const {
  if (!picture_) picture_ = decode_png(path_.string(), bytes_);
  return *picture_;
}

FileKind InputFile::kind() const {
  if (is_grey_png()) {
    constexpr size_t depth = 24;
    if (bytes_[depth] != 16) return FileKind::photo;
    return looks_like_mosaic(decoded()) ? FileKind::mosaic : FileKind::photo;
  }
  if (is_tiff(bytes_))
    return has_raw_ending(path_) || is_camera_tiff(bytes_) ? FileKind::mosaic : FileKind::photo;
  if (codec_by_content(bytes_) != nullptr) return FileKind::photo;
  return kind_by_ending(path_);
}

bool InputFile::may_be(FileKind wanted) const { return is_grey_png() || kind() == wanted; }

RawFrame InputFile::raw(const MosaicFormat& format) {
  const std::string name = path_.string();
  if (format.width > 0 && is_headerless(path_)) return decode_headerless(name, bytes_, format);
  if (is_png(bytes_)) {
    decoded();
    return mosaic_of_png(name, bytes_, std::move(*std::exchange(picture_, std::nullopt)), format);
  }
  if (const Codec* codec = codec_by_content(bytes_); codec != nullptr && !is_tiff(bytes_))
    fail("{}: is a {} photo; a camera RAW file or a mosaic is needed to develop", name,
         codec->name);
  try {
    return decode_raw_frame(name, std::move(bytes_));
  } catch (const Error& error) {
    const std::string_view line = error.what();
    if (!is_headerless(path_) || line.find("--raw-size") != std::string_view::npos) throw;
    fail("{}; if it is a headerless mosaic, say --raw-size WxH", line);
  }
}

Image InputFile::photo() {
  if (picture_) return std::move(*std::exchange(picture_, std::nullopt));
  const std::string name = path_.string();
  return decode_picture(name, bytes_);
}

FileKind file_kind(const fs::path& path) {
  try {
    return InputFile(path).kind();
  } catch (const Error&) {
    return kind_by_ending(path);
  }
}

Mosaic read_mosaic(const fs::path& path, const MosaicFormat& format) {
  RawFrame frame = InputFile(path).raw(format);
  if (auto* mosaic = std::get_if<Mosaic>(&frame)) return std::move(*mosaic);
  fail("{}: is a frame without a mosaic (linear DNG, sRAW or monochrome); a Bayer mosaic is needed",
       path.string());
}

bool has_raw_ending(const fs::path& path) {
  return is_among(path, camera_endings) || is_headerless(path);
}

bool may_be_mosaic(const fs::path& path) {
  return has_raw_ending(path) || lower_ending(path) == ".png";
}

}  // namespace hyperconv
