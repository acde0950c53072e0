// DNG 1.4 (Adobe, "Digital Negative Specification 1.4.0.0", 2012).
#include "raw/dng_file.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "raw/exif.hpp"
#include "raw/limits.hpp"
#include "raw/matrix3.hpp"

namespace hyperconv {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they are");

constexpr uint16_t tag_strip_offsets = 273;
constexpr uint16_t tag_exif = 34665;
constexpr uint32_t header_size = 8;

void add_layout(TiffDirectory& tags, const DngLayout& layout, int orientation) {
  tags.longs(254, {0});  // NewSubfileType: the photo itself
  tags.longs(256, {uint32_t(layout.width)});
  tags.longs(257, {uint32_t(layout.height)});
  tags.shorts(258, std::vector<uint16_t>(layout.samples_per_pixel, 16));  // BitsPerSample
  tags.shorts(259, {1});                                                  // Compression: none
  tags.shorts(262, {layout.photometric});
  tags.shorts(274, {uint16_t(orientation)});
  tags.shorts(277, {layout.samples_per_pixel});
  tags.longs(278, {uint32_t(layout.height)});  // RowsPerStrip
  tags.longs(279, {uint32_t(layout.bytes())});
  tags.shorts(284, {1});  // PlanarConfiguration
}

void add_camera(TiffDirectory& tags, const Shot& shot) {
  if (!shot.make.empty()) tags.ascii(271, shot.make);
  if (!shot.model.empty()) tags.ascii(272, shot.model);
  tags.ascii(305, software_name());
  if (is_exif_date(shot.date_time)) tags.ascii(306, shot.date_time);
  const bool named_by_model = shot.make.empty() || shot.model.starts_with(shot.make);
  std::string name = named_by_model ? shot.model : shot.make + " " + shot.model;
  tags.ascii(50708, name.empty() ? no_camera : name);  // UniqueCameraModel
}

/// A DNG has to say something about colours. Where they are not known it says linear sRGB, which is
/// what we take them for.
void add_colours(TiffDirectory& tags, const Mosaic& facts) {
  const Matrix3 matrix = facts.xyz_to_camera.value_or(*inverse(xyz_from_srgb));
  std::array<double, 9> rows{};
  for (size_t i = 0; i < 9; ++i) rows[i] = matrix[i / 3][i % 3];
  tags.signed_rationals(50721, rows);  // ColorMatrix1
  tags.shorts(50778, {21});            // CalibrationIlluminant1: D65
  std::array<double, 3> neutral{};
  for (size_t c = 0; c < 3; ++c) neutral[c] = 1 / facts.white_balance[c];
  tags.rationals(50728, neutral);
}

TiffDirectory exif_of(const Shot& shot) {
  TiffDirectory exif;
  const auto positive = [&exif](uint16_t tag, double value) {
    if (value > 0) exif.rationals(tag, std::array{value});
  };
  positive(33434, rounded_to_float(shot.exposure_seconds));
  positive(33437, rounded_to_float(shot.f_number));
  positive(37386, rounded_to_float(shot.focal_length_mm));
  if (shot.iso > 0) exif.shorts(34855, {iso_tag(shot.iso)});
  if (exceeds_iso_tag(shot.iso)) {
    exif.shorts(34864, {recommended_exposure_index});
    exif.longs(34866, {uint32_t(std::min(shot.iso, 4e9))});
  }
  if (is_exif_date(shot.date_time)) exif.ascii(36867, shot.date_time);  // DateTimeOriginal
  if (!shot.lens.empty()) exif.ascii(42036, shot.lens);                 // LensModel
  if (!exif.empty()) exif.undefined(36864, "0230");                     // ExifVersion
  return exif;
}

}  // namespace

std::vector<uint8_t> dng_header(const DngLayout& layout, const Mosaic& facts, TiffDirectory tags) {
  assert(layout.width > 0 && layout.height > 0);
  assert(layout.bytes() / 6 <= uint64_t(most_samples));  // offsets are 32 bits wide
  add_layout(tags, layout, facts.orientation);
  add_camera(tags, facts.shot);
  add_colours(tags, facts);
  tags.bytes(50706, {1, 4, 0, 0});  // DNGVersion
  tags.bytes(50707, {1, 1, 0, 0});  // DNGBackwardVersion: nothing here is newer

  const TiffDirectory exif = exif_of(facts.shot);
  // The offsets are entries themselves, so their size counts before their value is known.
  const uint32_t offset_entries = exif.empty() ? 12 : 24;
  const uint32_t exif_at = header_size + tags.size() + offset_entries;
  if (!exif.empty()) tags.longs(tag_exif, {exif_at});
  tags.longs(tag_strip_offsets, {exif.empty() ? exif_at : exif_at + exif.size()});

  std::vector<uint8_t> out = {'I', 'I', 42, 0, header_size, 0, 0, 0};
  tags.append_to(out);
  if (!exif.empty()) exif.append_to(out);
  return out;
}

}  // namespace hyperconv
