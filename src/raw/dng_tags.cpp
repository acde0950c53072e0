#include "raw/dng_tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "raw/exif.hpp"

namespace hyperconv {
namespace {

constexpr uint16_t tag_first_matrix = 50721, tag_second_matrix = 50722;
constexpr uint16_t tag_first_light = 50778, tag_second_light = 50779;
constexpr uint16_t tag_crop_origin = 50719, tag_crop_size = 50720;
constexpr uint16_t tag_private_data = 50740;

/// A tag is of the camera as a model, of this one camera, of colours, or of the photo's frame.
enum class Kind { model, camera, colours, frame };

struct Known {
  uint16_t tag;
  Kind kind;
};

constexpr std::array<Known, 37> known_tags = {{
    {50708, Kind::model},              // UniqueCameraModel
    {50709, Kind::model},              // LocalizedCameraModel
    {50735, Kind::camera},             // CameraSerialNumber
    {50736, Kind::camera},             // LensInfo
    {tag_private_data, Kind::camera},  // DNGPrivateData: a maker's notes
    {50741, Kind::camera},             // MakerNoteSafety
    {50827, Kind::camera},             // OriginalRawFileName
    {tag_first_matrix, Kind::colours},
    {tag_second_matrix, Kind::colours},
    {50723, Kind::colours},  // CameraCalibration1
    {50724, Kind::colours},  // CameraCalibration2
    {50727, Kind::colours},  // AnalogBalance
    {50734, Kind::colours},  // LinearResponseLimit
    {50739, Kind::colours},  // ShadowScale
    {tag_first_light, Kind::colours},
    {tag_second_light, Kind::colours},
    {50931, Kind::colours},  // CameraCalibrationSignature
    {50932, Kind::colours},  // ProfileCalibrationSignature
    {50934, Kind::colours},  // AsShotProfileName
    {50936, Kind::colours},  // ProfileName
    {50937, Kind::colours},  // ProfileHueSatMapDims
    {50938, Kind::colours},  // ProfileHueSatMapData1
    {50939, Kind::colours},  // ProfileHueSatMapData2
    {50940, Kind::colours},  // ProfileToneCurve
    {50941, Kind::colours},  // ProfileEmbedPolicy
    {50942, Kind::colours},  // ProfileCopyright
    {50964, Kind::colours},  // ForwardMatrix1
    {50965, Kind::colours},  // ForwardMatrix2
    {50981, Kind::colours},  // ProfileLookTableDims
    {50982, Kind::colours},  // ProfileLookTableData
    {51107, Kind::colours},  // ProfileHueSatMapEncoding
    {51108, Kind::colours},  // ProfileLookTableEncoding
    {51109, Kind::colours},  // BaselineExposureOffset
    {51110, Kind::colours},  // DefaultBlackRender
    {tag_crop_origin, Kind::frame},
    {tag_crop_size, Kind::frame},
    {51125, Kind::frame},  // DefaultUserCrop
}};

std::optional<Kind> kind_of(uint16_t tag) {
  const auto found = std::ranges::find(known_tags, tag, &Known::tag);
  return found == known_tags.end() ? std::nullopt : std::optional(found->kind);
}

/// Bytes of one number of a TIFF type; a rational is two numbers.
size_t number_size(uint16_t type) {
  switch (type) {
    case 3:
    case 8:
      return 2;
    case 4:
    case 5:
    case 9:
    case 10:
    case 11:
    case 13:
      return 4;
    case 12:
      return 8;
    default:  // bytes and texts; a type that no TIFF has holds nothing else
      return 1;
  }
}

DngTag little_endian(const TiffView& file, uint16_t tag, const TiffView::Entry& entry) {
  DngTag copy{tag, entry.type, TiffView::count(entry), {entry.value.begin(), entry.value.end()}};
  const size_t size = number_size(entry.type);
  if (!file.is_little_endian())
    for (size_t i = 0; i + size <= copy.value.size(); i += size)
      std::reverse(copy.value.begin() + ptrdiff_t(i), copy.value.begin() + ptrdiff_t(i + size));
  return copy;
}

/// A matrix from XYZ to red, green and blue has nine numbers, which are finite and not all 0.
bool is_matrix(const TiffView& dng, const TiffView::Directory& directory, uint16_t tag) {
  const auto numbers = dng.numbers(directory, tag);
  return numbers.size() == 9 &&
         std::ranges::all_of(numbers, [](double value) { return std::isfinite(value); }) &&
         std::ranges::any_of(numbers, [](double value) { return value != 0; });
}

bool colours_last(const TiffView& dng) {
  constexpr uint16_t tag_planes = 50710;
  const auto& main = dng.directories()[0];
  if (const auto* sensor = dng.sensor()) {
    const auto planes = dng.numbers(*sensor, tag_planes);
    if (!planes.empty() && planes != std::vector<double>{0, 1, 2}) return false;
  }
  if (!is_matrix(dng, main, tag_first_matrix)) return false;
  if (!main.contains(tag_second_matrix)) return true;
  return is_matrix(dng, main, tag_second_matrix) && main.contains(tag_first_light) &&
         main.contains(tag_second_light);
}

/// LibRaw, and we with it, lose the first row or column of an area that starts at an odd one.
bool frame_lasts(const TiffView& dng, const TiffView::Directory& sensor) {
  constexpr uint16_t tag_active_area = 50829;
  const auto area = dng.numbers(sensor, tag_active_area);
  return area.size() < 2 || (std::fmod(area[0], 2) == 0 && std::fmod(area[1], 2) == 0);
}

/// A number of a carried tag of SHORTs, LONGs or RATIONALs; nothing where it has none.
std::optional<double> number_at(const DngTag& tag, size_t index) {
  const auto integer = [&tag](size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size && at + i < tag.value.size(); ++i)
      value |= uint64_t(tag.value[at + i]) << (8 * i);
    return double(value);
  };
  constexpr uint16_t type_short = 3, type_long = 4, type_rational = 5;
  if (index >= tag.count) return std::nullopt;
  if (tag.type == type_short) return integer(2 * index, 2);
  if (tag.type == type_long) return integer(4 * index, 4);
  if (tag.type == type_rational) return integer(8 * index, 4) / integer(8 * index + 4, 4);
  return std::nullopt;
}

bool crop_fits(const std::vector<DngTag>& tags, int64_t width, int64_t height) {
  const auto origin = std::ranges::find(tags, tag_crop_origin, &DngTag::tag);
  const auto size = std::ranges::find(tags, tag_crop_size, &DngTag::tag);
  if (origin == tags.end() || size == tags.end()) return false;
  const std::array<double, 2> sides = {double(width), double(height)};
  for (size_t i = 0; i < 2; ++i) {
    const auto start = number_at(*origin, i), length = number_at(*size, i);
    if (!start || !length || !(*length >= 1) || !(*start + *length <= sides[i])) return false;
  }
  return true;
}

constexpr std::string_view line_start = "denoised by hyperconv ";

}  // namespace

std::vector<DngTag> lasting_dng_tags(const TiffView& dng) {
  constexpr size_t most_bytes = size_t(16) << 20;
  std::vector<DngTag> tags;
  if (dng.directories().empty()) return tags;
  const auto& main = dng.directories()[0];
  const bool keeps_colours = colours_last(dng);
  const auto take = [&](const TiffView::Directory& directory, Kind wanted) {
    for (const auto& [tag, entry] : directory)
      if (kind_of(tag) == wanted && !entry.value.empty() && entry.value.size() <= most_bytes)
        tags.push_back(little_endian(dng, tag, entry));
  };
  take(main, Kind::model);
  take(main, Kind::camera);
  if (keeps_colours) {
    take(main, Kind::colours);
    constexpr uint16_t type_short = 3;
    constexpr uint8_t d65 = 21;
    if (!main.contains(tag_first_light)) tags.push_back({tag_first_light, type_short, 1, {d65, 0}});
  }
  if (const auto* sensor = dng.sensor(); sensor != nullptr && frame_lasts(dng, *sensor))
    take(*sensor, Kind::frame);
  return tags;
}

std::vector<DngTag> impersonal_dng_tags(std::vector<DngTag> tags) {
  std::erase_if(tags, [](const DngTag& tag) { return kind_of(tag.tag) == Kind::camera; });
  return tags;
}

void add_dng_tags(const std::vector<DngTag>& tags, bool has_colours, int64_t width, int64_t height,
                  TiffDirectory& main, TiffDirectory& photo) {
  const bool fits = crop_fits(tags, width, height);
  for (const DngTag& tag : tags) {
    const auto kind = kind_of(tag.tag);
    const bool is_frames = kind == Kind::frame;
    if (!kind || (kind == Kind::colours && !has_colours) || (is_frames && !fits)) continue;
    (is_frames ? photo : main).verbatim(tag.tag, tag.type, tag.count, tag.value);
  }
}

std::optional<NoiseReduction> noise_reduction_in(const TiffView& dng) {
  constexpr uint16_t tag_noise_reduction = 50935, tag_image_history = 0x9213;
  std::optional<double> applied;
  for (const auto& directory : dng.directories())
    if (const auto found = dng.number(directory, tag_noise_reduction);
        found && std::isfinite(*found) && *found >= 0)
      applied = std::clamp(*found, applied.value_or(0.0), 1.0);
  if (!applied) return std::nullopt;
  const auto bytes = TiffView::bytes(dng.directories()[0], tag_image_history);
  const std::string_view history(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return NoiseReduction{*applied, history.find(line_start) != std::string_view::npos};
}

std::string denoised_line(const std::string& how) {
  return fmt::format("denoised by {} ({})", software_name(), how);
}

}  // namespace hyperconv
