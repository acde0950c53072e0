#include "raw/sample_check.hpp"

#include <fmt/format.h>
#include <libraw/libraw.h>

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

enum Tag : uint16_t {
  tag_width = 256,
  tag_height = 257,
  tag_bits = 258,
  tag_compression = 259,
  tag_strip_offsets = 273,
  tag_samples_per_pixel = 277,
  tag_rows_per_strip = 278,
  tag_strip_sizes = 279,
  tag_tile_width = 322,
  tag_tile_height = 323,
  tag_tile_offsets = 324,
  tag_tile_sizes = 325,
  tag_sample_format = 339,
  tag_dng_version = 50706,
};

constexpr int uncompressed = 1, jpeg = 7, deflate = 8, old_deflate = 32946, vc5 = 9,
              lossy_jpeg = 34892, jpeg_xl = 52546;

/// A strip or a tile.
struct Segment {
  double offset = 0, size = 0;
};

struct Segments {
  const char* what = "strip";
  std::vector<Segment> list;
  double wanted = 0;  ///< how many the picture's size asks for
};

Segments segments_of(const TiffView& file, const TiffView::Directory& sensor) {
  Segments segments;
  const auto number = [&](uint16_t tag, double otherwise) {
    return file.number(sensor, tag).value_or(otherwise);
  };
  const double width = number(tag_width, 0), height = number(tag_height, 0);
  const bool tiled = sensor.contains(tag_tile_offsets);
  const auto offsets = file.numbers(sensor, tiled ? tag_tile_offsets : tag_strip_offsets);
  const auto sizes = file.numbers(sensor, tiled ? tag_tile_sizes : tag_strip_sizes);
  for (size_t i = 0; i < std::min(offsets.size(), sizes.size()); ++i)
    segments.list.push_back({offsets[i], sizes[i]});
  const double rows = std::max(number(tiled ? tag_tile_height : tag_rows_per_strip, height), 1.0);
  segments.wanted = std::ceil(height / rows);
  if (tiled) {
    segments.what = "tile";
    segments.wanted *= std::ceil(width / std::max(number(tag_tile_width, width), 1.0));
  }
  return segments;
}

/// Whether bytes begin with a JPEG's headers, up to a scan with as much as a sample.
bool begins_like_jpeg(std::span<const uint8_t> bytes) {
  constexpr uint8_t start = 0xd8, scan = 0xda;
  if (bytes.size() < 4 || bytes[0] != 0xff || bytes[1] != start) return false;
  bool has_frame = false;
  for (size_t at = 2; at + 4 <= bytes.size();) {
    const uint8_t marker = bytes[at + 1];
    if (bytes[at] != 0xff) return false;
    if (marker == scan) return has_frame;
    const size_t length = size_t(bytes[at + 2]) << 8 | bytes[at + 3];
    // SOF0 to SOF15, of which three are other markers.
    const bool is_frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (is_frame && at + 9 <= bytes.size())
      has_frame = bytes[at + 4] > 0 && (bytes[at + 5] | bytes[at + 6]) != 0 &&
                  (bytes[at + 7] | bytes[at + 8]) != 0;
    if (length < 2) return false;
    at += 2 + length;
  }
  return false;
}

/// Bytes that the samples take where nothing is compressed.
double plain_size(const TiffView& file, const TiffView::Directory& sensor) {
  const double bits = file.number(sensor, tag_bits).value_or(1);
  return file.number(sensor, tag_width).value_or(0) * file.number(sensor, tag_height).value_or(0) *
         file.number(sensor, tag_samples_per_pixel).value_or(1) * bits / 8;
}

const TiffView::Directory* dng_sensor(const TiffView& file) {
  const auto& directories = file.directories();
  if (directories.empty() || !directories[0].contains(tag_dng_version)) return nullptr;
  return file.sensor();
}

}  // namespace

std::string missing_samples(const TiffView& file) {
  const TiffView::Directory* sensor = dng_sensor(file);
  if (sensor == nullptr) return {};
  const Segments segments = segments_of(file, *sensor);
  if (segments.list.empty()) return "holds no samples, only their description";
  if (double(segments.list.size()) < segments.wanted)
    return fmt::format("has {} {}s of samples where its size asks for {}; a whole file is wanted",
                       segments.list.size(), segments.what, segments.wanted);
  const int compression = int(file.number(*sensor, tag_compression).value_or(uncompressed));
  const auto bytes = file.file();
  const bool is_one_plain = compression == uncompressed && segments.list.size() == 1;
  double sum = 0;
  for (size_t i = 0; i < segments.list.size(); ++i) {
    auto [offset, size] = segments.list[i];
    // Some cameras leave the size of the only strip at 0.
    if (is_one_plain && size == 0) size = std::floor(plain_size(file, *sensor));
    if (!(size > 0) || offset + size > double(bytes.size()))
      return fmt::format("is cut off or damaged: its {} {} of {} is not in the file", segments.what,
                         i + 1, segments.list.size());
    sum += size;
    if ((compression == jpeg || compression == lossy_jpeg) &&
        !begins_like_jpeg(bytes.subspan(size_t(offset), size_t(size))))
      return fmt::format("is damaged: its {} {} of {} is no JPEG", segments.what, i + 1,
                         segments.list.size());
  }
  if (compression == uncompressed && sum < std::floor(plain_size(file, *sensor)))
    return "is cut off or damaged: it has fewer samples than its size asks for";
  return {};
}

std::string unreadable_compression(const TiffView& file) {
  constexpr double floating_point = 3;
  const TiffView::Directory* sensor = dng_sensor(file);
  if (sensor == nullptr) return {};
  const int compression = int(file.number(*sensor, tag_compression).value_or(uncompressed));
  const bool integers = file.number(*sensor, tag_sample_format).value_or(1) != floating_point;
  constexpr int reads_deflate = LIBRAW_MAKE_VERSION(0, 21, 0);
  if ((compression == deflate || compression == old_deflate) && integers &&
      LibRaw::versionNumber() < reads_deflate)
    return fmt::format(
        "its samples are deflate-compressed integers, which LibRaw reads from 0.21 on; this is "
        "LibRaw {}; a DNG converter can write them uncompressed or as lossless JPEG",
        LibRaw::version());
  if (compression == jpeg_xl)
    return fmt::format(
        "its samples are JPEG XL (DNG 1.7), which LibRaw reads from 0.22 on, built with Adobe's "
        "DNG SDK; this is LibRaw {}",
        LibRaw::version());
  if (compression == vc5)
    return fmt::format(
        "its samples are VC-5 (GoPro's GPR), which LibRaw reads where it was built with GoPro's "
        "GPR SDK; this is LibRaw {}",
        LibRaw::version());
  return {};
}

std::string given_up(const Mosaic& mosaic) {
  const auto is_zero = [](uint16_t sample) { return sample == 0; };
  const auto last = std::find_if_not(mosaic.samples.rbegin(), mosaic.samples.rend(), is_zero);
  if (last == mosaic.samples.rend()) return "holds no picture: every sample is 0";
  const int64_t zeros = std::distance(mosaic.samples.rbegin(), last);
  const int64_t rows = zeros / mosaic.width;
  const double black = *std::min_element(mosaic.black.begin(), mosaic.black.end());
  // Where black is not 0 a row of zeros is beyond chance; where it is, cut noise may make a few.
  const int64_t most = black >= 1 ? 2 : std::max(32, mosaic.height / 16);
  if (rows <= most) return {};
  return fmt::format("is damaged: its decoder gave up at row {} of {}", mosaic.height - rows,
                     mosaic.height);
}

}  // namespace hyperconv
