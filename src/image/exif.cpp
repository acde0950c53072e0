#include "image/exif.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/fail.hpp"
#include "image/exiv2_guard.hpp"
#include "image/icc.hpp"
#include "image/tiff_view.hpp"
#include "image/tiff_writer.hpp"

namespace hyperconv {
namespace {

constexpr const char* orientation_key = "Exif.Image.Orientation";

constexpr uint16_t tag_exif = 34665, tag_gps = 34853, tag_interoperability = 40965,
                   tag_maker_notes = 37500;

/// A block and what it says.
struct Exif {
  Exiv2::ExifData data;
  Exiv2::ByteOrder order = Exiv2::littleEndian;
  uint32_t notes_at = 0;  ///< where the maker's notes lay in it; 0: not known
};

std::optional<Exif> decode(Bytes bytes) {
  constexpr size_t header = 8;
  if (bytes.size() < header || bytes.size() > std::numeric_limits<uint32_t>::max()) return {};
  try {
    Exif exif;
    exif.order = Exiv2::ExifParser::decode(exif.data, bytes.data(), uint32_t(bytes.size()));
    if (exif.order == Exiv2::invalidByteOrder) return {};
    exif.notes_at = maker_notes_place(bytes);
    return exif;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return {};
  }
}

void add_datum(TiffDirectory& directory, const Exiv2::Exifdatum& datum, Exiv2::ByteOrder order) {
  constexpr int last_of_tiff = 13, undefined = 7, utf8_of_exif = 129;
  if (datum.tag() == tag_exif || datum.tag() == tag_gps || datum.tag() == tag_interoperability)
    return;
  std::vector<uint8_t> value(size_t(datum.size()));
  datum.copy(value.data(), order);
  const int type = datum.typeId();
  const bool is_tiffs = (type >= 1 && type <= last_of_tiff) || type == utf8_of_exif;
  const auto count = uint32_t(is_tiffs ? datum.count() : datum.size());
  directory.verbatim(datum.tag(), uint16_t(is_tiffs ? type : undefined), count, std::move(value));
}

/// The directories of a block.
struct Directories {
  TiffDirectory main, photo, gps, interoperability;

  explicit Directories(const Exif& exif)
      : main(order_of(exif)),
        photo(order_of(exif)),
        gps(order_of(exif)),
        interoperability(order_of(exif)) {
    for (const auto& datum : exif.data) {
      const std::string group = datum.groupName();
      if (group == "Image") add_datum(main, datum, exif.order);
      if (group == "Photo") add_datum(photo, datum, exif.order);
      if (group == "GPSInfo") add_datum(gps, datum, exif.order);
      if (group == "Iop") add_datum(interoperability, datum, exif.order);
    }
    // Their places follow.
    if (!interoperability.empty()) photo.longs(tag_interoperability, {0});
    if (!photo.empty()) main.longs(tag_exif, {0});
    if (!gps.empty()) main.longs(tag_gps, {0});
  }

  static std::endian order_of(const Exif& exif) {
    return exif.order == Exiv2::bigEndian ? std::endian::big : std::endian::little;
  }
};

/// With the maker's notes, of so many bytes, at their old place; anywhere where `notes_size` is 0.
std::vector<uint8_t> laid_out(const Exif& exif, uint32_t notes_size) {
  constexpr uint32_t header = 8;
  Directories parts(exif);
  TiffPlaces places(header, exif.notes_at, notes_size);
  if (notes_size > 0) parts.photo.keep_at(tag_maker_notes, exif.notes_at);
  const uint32_t first = parts.main.place(places);
  if (!parts.photo.empty()) parts.main.replace_long(tag_exif, parts.photo.place(places));
  if (!parts.interoperability.empty())
    parts.photo.replace_long(tag_interoperability, parts.interoperability.place(places));
  if (!parts.gps.empty()) parts.main.replace_long(tag_gps, parts.gps.place(places));
  const bool big = exif.order == Exiv2::bigEndian;
  std::vector<uint8_t> block(places.end());
  const char letter = big ? 'M' : 'I';
  block[0] = block[1] = uint8_t(letter);
  block[big ? 3 : 2] = 42;
  for (uint32_t i = 0; i < 4; ++i) block[4 + i] = uint8_t(first >> (8 * (big ? 3 - i : i)));
  for (const auto* part : {&parts.main, &parts.photo, &parts.interoperability, &parts.gps})
    if (!part->empty()) part->write_into(block);
  return block;
}

std::vector<uint8_t> encode(Exif exif) {
  if (exif.data.empty()) return {};
  // Facts that were put together rather than read have no order yet.
  if (exif.order != Exiv2::bigEndian) exif.order = Exiv2::littleEndian;
  constexpr uint32_t header = 8, in_entry = 4;
  const auto notes = exif.data.findKey(Exiv2::ExifKey("Exif.Photo.MakerNote"));
  const uint64_t size = notes == exif.data.end() ? 0 : uint64_t(notes->size());
  const bool can_stay =
      size > in_entry && exif.notes_at >= header && exif.notes_at + size <= longest_jpeg_exif;
  if (!can_stay) return laid_out(exif, 0);
  auto block = laid_out(exif, uint32_t(size));
  if (block.size() <= longest_jpeg_exif) return block;
  auto shorter = laid_out(exif, 0);
  return shorter.size() <= longest_jpeg_exif ? shorter : block;
}

/// IFD0 tags that describe the photo; the others (strips, DNG's matrices, ...) describe a file.
bool describes_photo(uint16_t tag) {
  constexpr std::array<uint16_t, 25> tags = {
      0x000b,                                  // ProcessingSoftware
      0x010d,                                  // DocumentName
      0x010e,                                  // ImageDescription
      0x010f,                                  // Make
      0x0110,                                  // Model
      0x011d,                                  // PageName
      0x0112,                                  // Orientation
      0x011a,                                  // XResolution
      0x011b,                                  // YResolution
      0x0128,                                  // ResolutionUnit
      0x0131,                                  // Software
      0x0132,                                  // DateTime
      0x013b,                                  // Artist
      0x013c,                                  // HostComputer
      0x882a,                                  // TimeZoneOffset
      0x4746, 0x4749,                          // Rating, RatingPercent
      0x8298,                                  // Copyright
      0x9213,                                  // ImageHistory
      0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,  // XPTitle .. XPSubject
      0xc4a5                                   // PrintImageMatching
  };
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool describes_photo(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Image") return describes_photo(datum.tag());
  // The other groups are other pictures of the file, or what exiv2 reads in the maker's notes.
  // These are written as the bytes they were (Exif.Photo.MakerNote), put together again some are
  // unreadable; and at the place where they were, as many makers count from the block's start.
  return group == "Photo" || group == "GPSInfo" || group == "Iop";
}

void keep_what_describes_photo(Exiv2::ExifData& data) {
  for (auto datum = data.begin(); datum != data.end();)
    datum = describes_photo(*datum) ? std::next(datum) : data.erase(datum);
}

bool says_more_than_orientation(const Exiv2::ExifData& data) {
  return std::any_of(data.begin(), data.end(),
                     [](const auto& datum) { return datum.key() != orientation_key; });
}

/// A tag's value with that index; nothing where it has none.
std::optional<double> number(const Exiv2::ExifData& data, const char* key, long index = 0) {
  const auto found = data.findKey(Exiv2::ExifKey(key));
  if (found == data.end() || found->count() <= index) return {};
  const auto [numerator, denominator] = found->toRational(index);
  if (denominator == 0) return {};
  return double(numerator) / double(denominator);
}

int orientation_of(const Exiv2::ExifData& data) {
  const double value = number(data, orientation_key).value_or(1);
  return value >= 1 && value <= 8 ? int(value) : 1;
}

std::optional<Resolution> resolution_of(const Exiv2::ExifData& data) {
  const auto x = number(data, "Exif.Image.XResolution"), y = number(data, "Exif.Image.YResolution");
  if (!x || !y || !(*x > 0) || !(*y > 0)) return {};
  const int unit = int(number(data, "Exif.Image.ResolutionUnit").value_or(2));
  return Resolution{*x, *y,
                    unit == 3   ? Resolution::Unit::centimetre
                    : unit == 1 ? Resolution::Unit::none
                                : Resolution::Unit::inch};
}

void set_if_there(Exiv2::ExifData& data, const char* key, uint32_t value) {
  const auto found = data.findKey(Exiv2::ExifKey(key));
  if (found != data.end()) *found = value;
}

void set_if_missing(Exiv2::ExifData& data, const char* key, const std::string& text) {
  if (data.findKey(Exiv2::ExifKey(key)) == data.end()) data[key] = text;
}

Exiv2::URational rational(double value) {
  constexpr double steps = 10000;
  return {uint32_t(std::lround(std::min(value, 4e5) * steps)), uint32_t(steps)};
}

void set_resolution(Exiv2::ExifData& data, const Resolution& resolution) {
  // Its own stays, be it another one than the file around it says.
  if (resolution_of(data)) return;
  data["Exif.Image.XResolution"] = rational(resolution.x);
  data["Exif.Image.YResolution"] = rational(resolution.y);
  data["Exif.Image.ResolutionUnit"] = uint16_t(1 + int(resolution.unit));
}

/// PNG's texts that EXIF has tags for.
void set_texts(Exiv2::ExifData& data, const std::map<std::string, std::string>& texts) {
  constexpr std::array<std::pair<const char*, const char*>, 5> tags = {
      {{"Author", "Exif.Image.Artist"},
       {"Copyright", "Exif.Image.Copyright"},
       {"Title", "Exif.Image.DocumentName"},
       {"Description", "Exif.Image.ImageDescription"},
       {"Comment", "Exif.Image.ImageDescription"}}};
  for (const auto& [keyword, key] : tags)
    if (const auto found = texts.find(keyword); found != texts.end())
      set_if_missing(data, key, found->second);
}

/// What the picture's file shall say; no data when there is nothing to say.
Exif collect(const std::string& name, const Image& image, ExifScope scope) {
  const ImageMetadata& metadata = image.metadata;
  std::optional<Exif> exif = Exif{};
  if (scope == ExifScope::all) {
    if (!metadata.exif.empty()) exif = decode(metadata.exif);
    if (!exif) fail("{}: cannot be written, the picture's EXIF is damaged", name);
    keep_what_describes_photo(exif->data);
    set_texts(exif->data, metadata.texts);
  }
  if (metadata.orientation == 1 && !says_more_than_orientation(exif->data)) return {};
  exif->data[orientation_key] = uint16_t(metadata.orientation);
  if (metadata.resolution) set_resolution(exif->data, *metadata.resolution);
  set_if_there(exif->data, "Exif.Photo.PixelXDimension", uint32_t(image.width));
  set_if_there(exif->data, "Exif.Photo.PixelYDimension", uint32_t(image.height));
  return std::move(*exif);
}

/// EXIF 2.32: ColorSpace 1 is sRGB; 65535 something else, which DCF's InteroperabilityIndex "R03"
/// calls Adobe RGB. 2 is what some cameras write for it.
std::optional<ColourSpace> colours_of(const Exiv2::ExifData& data) {
  const int space = int(number(data, "Exif.Photo.ColorSpace").value_or(0));
  if (space == 1) return {};
  const auto index = data.findKey(Exiv2::ExifKey("Exif.Iop.InteroperabilityIndex"));
  if (space == 2 || (index != data.end() && index->toString().starts_with("R03")))
    return adobe_rgb();
  std::array<double, 8> values{};
  for (long i = 0; i < 8; ++i) {
    const auto value = i < 2 ? number(data, "Exif.Image.WhitePoint", i)
                             : number(data, "Exif.Image.PrimaryChromaticities", i - 2);
    if (!value) return {};
    values[size_t(i)] = *value;
  }
  ColourSpace colours{{values[0], values[1]},
                      {values[2], values[3]},
                      {values[4], values[5]},
                      {values[6], values[7]},
                      {},
                      {}};
  constexpr double usual_gamma = 2.2;
  colours.curve = GammaCurve{number(data, "Exif.Photo.0xa500").value_or(usual_gamma)};
  return colours;
}

void note_long_exif(ImageMetadata& metadata) {
  if (metadata.exif.size() > longest_jpeg_exif)
    metadata.notes.push_back(long_exif(metadata.exif.size()));
}

}  // namespace

std::string long_exif(size_t size) {
  return fmt::format(
      "its EXIF of {} bytes is longer than a JPEG holds, which is written without the maker's "
      "notes",
      size);
}

void adopt_exif(ImageMetadata& metadata, std::vector<uint8_t> exif) {
  const auto lock = enter_exiv2();
  const auto decoded = decode(exif);
  metadata.orientation = decoded ? orientation_of(decoded->data) : 1;
  if (decoded && !metadata.resolution) metadata.resolution = resolution_of(decoded->data);
  metadata.exif = decoded ? std::move(exif) : std::vector<uint8_t>();
  note_long_exif(metadata);
}

void adopt_colours_of_exif(ImageMetadata& metadata, int channels) {
  if (!metadata.icc.empty() || metadata.exif.empty() || channels < 3) return;
  const auto lock = enter_exiv2();
  const auto decoded = decode(metadata.exif);
  if (!decoded) return;
  if (const auto space = colours_of(decoded->data)) metadata.icc = profile_of(*space, channels);
}

std::optional<Resolution> exif_resolution(const std::vector<uint8_t>& exif) {
  const auto lock = enter_exiv2();
  const auto decoded = decode(exif);
  return decoded ? resolution_of(decoded->data) : std::nullopt;
}

std::vector<uint8_t> upright_exif(std::vector<uint8_t> exif, bool was_on_its_side) {
  const auto lock = enter_exiv2();
  auto decoded = decode(exif);
  if (!decoded) return exif;
  Exiv2::ExifData& data = decoded->data;
  const auto found = data.findKey(Exiv2::ExifKey(orientation_key));
  if (found != data.end()) *found = uint16_t(1);
  const auto x = data.findKey(Exiv2::ExifKey("Exif.Image.XResolution"));
  const auto y = data.findKey(Exiv2::ExifKey("Exif.Image.YResolution"));
  if (was_on_its_side && x != data.end() && y != data.end()) {
    const auto before = x->getValue();
    x->setValue(&y->value());
    y->setValue(before.get());
  }
  return encode(std::move(*decoded));
}

std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image, ExifScope scope) {
  const auto lock = enter_exiv2();
  return encode(collect(name, image, scope));
}

std::vector<uint8_t> exif_without_notes(const std::vector<uint8_t>& exif) {
  const auto lock = enter_exiv2();
  auto decoded = decode(exif);
  if (!decoded) return exif;
  const auto notes = decoded->data.findKey(Exiv2::ExifKey("Exif.Photo.MakerNote"));
  if (notes != decoded->data.end()) decoded->data.erase(notes);
  return encode(std::move(*decoded));
}

uint32_t maker_notes_place(Bytes file) {
  const TiffView view(file);
  if (view.directories().empty()) return 0;
  const auto photo = view.number(view.directories()[0], tag_exif);
  if (!photo) return 0;
  const auto directory = view.directory_at(uint64_t(*photo));
  const auto notes = TiffView::bytes(directory, tag_maker_notes);
  return notes.empty() ? 0 : uint32_t(notes.data() - file.data());
}

std::vector<uint8_t> photo_exif(Exiv2::ExifData data, Exiv2::ByteOrder order, uint32_t notes_at) {
  keep_what_describes_photo(data);
  return says_more_than_orientation(data) ? encode({std::move(data), order, notes_at})
                                          : std::vector<uint8_t>();
}

void adopt_tiff_exif(ImageMetadata& metadata, Bytes file) {
  if (file.size() < 8 || file.size() > std::numeric_limits<uint32_t>::max()) return;
  const auto lock = enter_exiv2();
  try {
    Exif exif;
    Exiv2::IptcData iptc;
    Exiv2::XmpData xmp;
    exif.order =
        Exiv2::TiffParser::decode(exif.data, iptc, xmp, file.data(), uint32_t(file.size()));
    if (exif.order == Exiv2::invalidByteOrder) return;
    metadata.exif = photo_exif(std::move(exif.data), exif.order, maker_notes_place(file));
    note_long_exif(metadata);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    // What was read so far is what there is.
  }
}

}  // namespace hyperconv
