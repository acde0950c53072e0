// DNG 1.4 (Adobe, "Digital Negative Specification 1.4.0.0", 2012).
#include "raw/dng_file.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <string_view>
#include <utility>

#include "image/exif.hpp"
#include "image/exiv2_guard.hpp"
#include "raw/exif.hpp"
#include "raw/limits.hpp"
#include "raw/matrix3.hpp"

namespace hyperconv {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they are");

constexpr uint16_t tag_strip_offsets = 273;
constexpr uint16_t tag_exif = 34665;
constexpr uint16_t tag_gps = 34853;
constexpr uint16_t tag_maker_notes = 37500;
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

/// What a raw converter is to do with the picture, whatever its samples are.
void add_rendering(TiffDirectory& tags, const Mosaic& facts) {
  if (facts.pixel_aspect != 1)  // DefaultScale
    tags.rationals(50718, std::array{std::max(facts.pixel_aspect, 1.0),
                                     std::max(1 / facts.pixel_aspect, 1.0)});
  if (facts.baseline_exposure != 0)
    tags.signed_rationals(50730, std::array{facts.baseline_exposure});
  const auto& list = facts.later_opcodes;
  if (!list.empty()) tags.verbatim(51022, 7, uint32_t(list.size()), list);
}

void add_camera(TiffDirectory& tags, const Shot& shot) {
  // Make and model come with EXIF, as the camera writes them.
  tags.ascii(305, software_name());
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

/// The directories that EXIF is made of.
struct ExifDirectories {
  TiffDirectory exif, gps;
  uint32_t notes_at = 0, notes_size = 0;  ///< of the maker's notes in `exif`, if they are there
};

/// Adobe's way to keep a maker's notes in a DNG (DNGPrivateData): with the byte order that they are
/// in, and where they lay.
std::vector<uint8_t> adobe_maker_notes(const std::vector<uint8_t>& notes, Exiv2::ByteOrder order,
                                       uint32_t place) {
  const std::string_view start("Adobe\0MakN", 10);
  std::vector<uint8_t> data(start.begin(), start.end());
  const auto size = uint32_t(notes.size() + 6);
  for (int shift = 24; shift >= 0; shift -= 8) data.push_back(uint8_t(size >> shift));
  const char letter = order == Exiv2::bigEndian ? 'M' : 'I';
  data.insert(data.end(), {uint8_t(letter), uint8_t(letter)});
  for (int shift = 24; shift >= 0; shift -= 8) data.push_back(uint8_t(place >> shift));
  data.insert(data.end(), notes.begin(), notes.end());
  return data;
}

void add_datum(TiffDirectory& directory, const Exiv2::Exifdatum& datum) {
  constexpr int last_of_tiff = 13, undefined = 7;
  std::vector<uint8_t> value(size_t(datum.size()));
  datum.copy(value.data(), Exiv2::littleEndian);
  const bool is_tiffs = datum.typeId() >= 1 && datum.typeId() <= last_of_tiff;
  directory.verbatim(datum.tag(), uint16_t(is_tiffs ? int(datum.typeId()) : undefined),
                     uint32_t(is_tiffs ? datum.count() : long(value.size())), std::move(value));
}

/// What pictures say of the shot, into the directories of a DNG; a sensor's picture has no colour
/// space.
ExifDirectories add_exif(TiffDirectory& main, const Mosaic& facts) {
  constexpr uint16_t colour_space = 40961, private_data = 50740;
  constexpr uint16_t pointers[] = {34665, 34853, 40965};
  const auto lock = enter_exiv2();
  const auto [data, order] = exif_of_shot(facts);
  ExifDirectories directories;
  const uint32_t notes_at = maker_notes_place(facts.exif);
  for (const auto& datum : data) {
    const std::string group = datum.groupName();
    if (std::ranges::find(pointers, datum.tag()) != std::end(pointers)) continue;
    if (group == "Image" && datum.tag() != 274) add_datum(main, datum);  // Orientation is the DNG's
    if (group == "GPSInfo") add_datum(directories.gps, datum);
    if (group != "Photo" || datum.tag() == colour_space) continue;
    if (datum.tag() == tag_maker_notes) {
      std::vector<uint8_t> notes(size_t(datum.size()));
      datum.copy(notes.data(), order);
      main.bytes(private_data, adobe_maker_notes(notes, order, notes_at));
      // Most makers' notes are in the byte order of the file around them.
      if (order != Exiv2::littleEndian) continue;
      if (notes.size() > 4) {
        directories.notes_at = notes_at;
        directories.notes_size = uint32_t(notes.size());
      }
    }
    add_datum(directories.exif, datum);
  }
  if (!directories.exif.empty())
    directories.exif.verbatim(36864, 7, 4, {'0', '2', '3', '0'});  // ExifVersion
  return directories;
}

void add_documents(TiffDirectory& main, const Mosaic& facts) {
  const auto bytes = [&main](uint16_t tag, uint16_t type, const std::vector<uint8_t>& value) {
    if (!value.empty()) main.verbatim(tag, type, uint32_t(value.size()), value);
  };
  bytes(700, 1, facts.xmp);
  bytes(33723, 7, facts.iptc);
}

}  // namespace

std::vector<uint8_t> dng_header(const DngLayout& layout, const Mosaic& facts, TiffDirectory tags) {
  assert(layout.width > 0 && layout.height > 0);
  assert(layout.bytes() / 6 <= uint64_t(most_samples));  // offsets are 32 bits wide
  add_layout(tags, layout, facts.orientation);
  add_camera(tags, facts.shot);
  add_rendering(tags, facts);
  if (layout.has_colours()) add_colours(tags, facts);
  tags.bytes(50706, {1, 4, 0, 0});  // DNGVersion
  tags.bytes(50707, {1, 1, 0, 0});  // DNGBackwardVersion: nothing here is newer
  ExifDirectories more = add_exif(tags, facts);
  add_documents(tags, facts);

  if (!more.exif.empty()) tags.longs(tag_exif, {0});
  if (!more.gps.empty()) tags.longs(tag_gps, {0});
  tags.longs(tag_strip_offsets, {0});

  TiffPlaces places(header_size, more.notes_at, more.notes_size);
  if (more.notes_size > 0) more.exif.keep_at(tag_maker_notes, more.notes_at);
  const uint32_t first = tags.place(places);
  if (!more.exif.empty()) tags.replace_long(tag_exif, more.exif.place(places));
  if (!more.gps.empty()) tags.replace_long(tag_gps, more.gps.place(places));
  const uint32_t samples = places.end() + places.end() % 2;
  tags.replace_long(tag_strip_offsets, samples);

  std::vector<uint8_t> out(samples);
  std::ranges::copy(std::array<uint8_t, 4>{'I', 'I', 42, 0}, out.begin());
  for (uint32_t i = 0; i < 4; ++i) out[4 + i] = uint8_t(first >> (8 * i));
  tags.write_into(out);
  if (!more.exif.empty()) more.exif.write_into(out);
  if (!more.gps.empty()) more.gps.write_into(out);
  return out;
}

}  // namespace hyperconv
