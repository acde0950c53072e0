#include "raw/exif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "image/exif.hpp"
#include "image/exiv2_guard.hpp"
#include "image/tiff_view.hpp"
#include "image/tiff_writer.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

using Exiv2::ExifKey;

bool has(const Exiv2::ExifData& exif, const char* key) {
  return exif.findKey(ExifKey(key)) != exif.end();
}

std::string text_of(const Exiv2::ExifData& exif, const char* key) {
  const auto found = exif.findKey(ExifKey(key));
  return found == exif.end() ? std::string() : found->toString();
}

void set_text(Exiv2::ExifData& exif, const char* key, const std::string& text) {
  if (!text.empty() && !has(exif, key)) exif[key] = text;
}

void set_positive(Exiv2::ExifData& exif, const char* key, double value) {
  if (!(value > 0) || has(exif, key)) return;
  const Fraction fraction = fraction_near(rounded_to_float(value));
  exif[key] = Exiv2::URational(uint32_t(fraction.numerator), uint32_t(fraction.denominator));
}

/// TIFF/EP and DNG keep some of EXIF's tags, and two of their own, in the first directory; a CRW
/// keeps the owner with the maker's tags.
void gather_in_exif(Exiv2::ExifData& exif) {
  constexpr std::array<std::pair<const char*, const char*>, 13> places = {
      {{"Exif.Image.ExposureTime", "Exif.Photo.ExposureTime"},
       {"Exif.Image.FNumber", "Exif.Photo.FNumber"},
       {"Exif.Image.ISOSpeedRatings", "Exif.Photo.ISOSpeedRatings"},
       {"Exif.Image.ExposureProgram", "Exif.Photo.ExposureProgram"},
       {"Exif.Image.ExposureBiasValue", "Exif.Photo.ExposureBiasValue"},
       {"Exif.Image.MeteringMode", "Exif.Photo.MeteringMode"},
       {"Exif.Image.Flash", "Exif.Photo.Flash"},
       {"Exif.Image.FocalLength", "Exif.Photo.FocalLength"},
       {"Exif.Image.DateTimeOriginal", "Exif.Photo.DateTimeOriginal"},
       {"Exif.Image.CameraSerialNumber", "Exif.Photo.BodySerialNumber"},
       {"Exif.Image.LensInfo", "Exif.Photo.LensSpecification"},
       {"Exif.Canon.OwnerName", "Exif.Photo.CameraOwnerName"},
       {"Exif.Canon.SerialNumber", "Exif.Photo.BodySerialNumber"}}};
  for (const auto& [from, to] : places) {
    const auto found = exif.findKey(ExifKey(from));
    if (found == exif.end() || has(exif, to)) continue;
    const std::string_view target = to;
    if (target.ends_with("SerialNumber"))
      exif[to] = found->print(&exif);
    else
      exif[to].setValue(&found->value());
  }
}

/// exiv2 takes a CRW's time for one of the local zone.
void set_dates(Exiv2::ExifData& exif, const std::string& date) {
  for (const char* key :
       {"Exif.Photo.DateTimeOriginal", "Exif.Photo.DateTimeDigitized", "Exif.Image.DateTime"})
    if (has(exif, key)) exif[key] = date;
}

/// The first date that EXIF has.
std::string date_in(const Exiv2::ExifData& exif) {
  for (const char* key :
       {"Exif.Photo.DateTimeOriginal", "Exif.Photo.DateTimeDigitized", "Exif.Image.DateTime"})
    if (const std::string date = text_of(exif, key); is_exif_date(date)) return date;
  return {};
}

/// Where the maker's notes lie in what they count from: the file, or what exiv2 found of them in a
/// file that is no TIFF.
uint32_t notes_place(std::span<const uint8_t> file, const Exiv2::ExifData& exif) {
  if (const uint32_t place = maker_notes_place(file)) return place;
  const auto found = exif.findKey(ExifKey("Exif.MakerNote.Offset"));
  return found == exif.end() ? 0 : uint32_t(std::max<int64_t>(found->toLong(), 0));
}

/// As they stand in a file that is a TIFF: exiv2 would write times another way.
std::vector<uint8_t> iptc_of(std::span<const uint8_t> file) {
  constexpr uint16_t tag_iptc = 33723;
  const TiffView view(file);
  if (view.directories().empty()) return {};
  return iptc_in_tag(TiffView::bytes(view.directories()[0], tag_iptc));
}

void read_with_exiv2(std::span<const uint8_t> file, Mosaic& facts) {
  Exiv2::enableBMFF(true);  // CR3
  const auto image = Exiv2::ImageFactory::open(file.data(), long(file.size()));
  image->readMetadata();
  Exiv2::ExifData& exif = image->exifData();
  gather_in_exif(exif);
  if (is_ciff(file)) set_dates(exif, facts.shot.date_time);
  if (const std::string date = date_in(exif); !date.empty()) facts.shot.date_time = date;
  facts.exif = photo_exif(exif, image->byteOrder(), notes_place(file, exif));
  if (facts.exif.size() > longest_jpeg_exif) facts.warnings.push_back(long_exif(facts.exif.size()));
  const std::string& packet = image->xmpPacket();
  facts.xmp = xmp_in_utf8({packet.begin(), packet.end()});
  facts.iptc = iptc_of(file);
  if (facts.iptc.empty() && !image->iptcData().empty()) {
    const Exiv2::DataBuf iptc = Exiv2::IptcParser::encode(image->iptcData());
    facts.iptc.assign(iptc.pData_, iptc.pData_ + iptc.size_);
  }
}

/// The picture is sRGB whatever the camera would have made of the shot.
void say_srgb(Exiv2::ExifData& exif) {
  exif["Exif.Photo.ColorSpace"] = uint16_t(1);
  if (has(exif, "Exif.Iop.InteroperabilityIndex"))
    exif["Exif.Iop.InteroperabilityIndex"] = std::string("R98");
}

/// In EXIF 2.32 every other space is "uncalibrated", and DCF's index tells Adobe RGB from the rest.
void say_space(Exiv2::ExifData& exif, OutputSpace space, bool linear) {
  if (space == OutputSpace::srgb && !linear) return;
  exif["Exif.Photo.ColorSpace"] = uint16_t(65535);
  const auto index = exif.findKey(ExifKey("Exif.Iop.InteroperabilityIndex"));
  if (space == OutputSpace::adobe_rgb && !linear)
    exif["Exif.Iop.InteroperabilityIndex"] = std::string("R03");
  else if (index != exif.end())
    exif.erase(index);
}

/// What the camera's own program was called keeps its place in EXIF 3.0 (CameraFirmware).
void say_software(Exiv2::ExifData& exif) {
  const std::string firmware = text_of(exif, "Exif.Image.Software");
  if (!firmware.empty() && !firmware.starts_with("hyperconv "))
    set_text(exif, "Exif.Photo.0xa439", firmware);
  exif["Exif.Image.Software"] = std::string(software_name());
}

}  // namespace

const char* software_name() { return "hyperconv " HYPERCONV_VERSION; }

bool is_exif_date(const std::string& date) {
  constexpr std::string_view form = "0000:00:00 00:00:00";
  return std::equal(date.begin(), date.end(), form.begin(), form.end(), [](char c, char wanted) {
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  });
}

bool is_ciff(std::span<const uint8_t> file) {
  constexpr std::string_view start = "HEAPCCDR";
  constexpr size_t place = 6;
  return file.size() >= place + start.size() &&
         std::equal(start.begin(), start.end(), file.begin() + place);
}

double rounded_to_float(double value) { return std::stod(fmt::format("{}", float(value))); }

uint16_t iso_tag(double iso) {
  return uint16_t(std::clamp<long>(std::lround(std::min(iso, 65535.0)), 1, 65535));
}

void read_metadata(std::span<const uint8_t> file, Mosaic& facts) {
  const auto lock = enter_exiv2();
  try {
    read_with_exiv2(file, facts);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    // A format that exiv2 does not know; what LibRaw says of the shot is there.
  }
}

ShotExif exif_of_shot(const Mosaic& mosaic) {
  const Shot& shot = mosaic.shot;
  ShotExif result;
  auto& [exif, order] = result;
  if (!mosaic.exif.empty()) {
    order = Exiv2::ExifParser::decode(exif, mosaic.exif.data(), uint32_t(mosaic.exif.size()));
    if (order == Exiv2::invalidByteOrder) order = Exiv2::littleEndian;
    say_srgb(exif);
  }
  say_software(exif);
  set_text(exif, "Exif.Image.Make", shot.make);
  set_text(exif, "Exif.Image.Model", shot.model);
  set_text(exif, "Exif.Photo.LensModel", shot.lens);
  if (is_exif_date(shot.date_time)) {
    set_text(exif, "Exif.Image.DateTime", shot.date_time);
    set_text(exif, "Exif.Photo.DateTimeOriginal", shot.date_time);
  }
  set_positive(exif, "Exif.Photo.ExposureTime", shot.exposure_seconds);
  set_positive(exif, "Exif.Photo.FNumber", shot.f_number);
  set_positive(exif, "Exif.Photo.FocalLength", shot.focal_length_mm);
  if (!has(exif, "Exif.Photo.ISOSpeedRatings") && shot.iso > 0) {
    exif["Exif.Photo.ISOSpeedRatings"] = iso_tag(shot.iso);
    if (exceeds_iso_tag(shot.iso)) {
      exif["Exif.Photo.SensitivityType"] = recommended_exposure_index;
      exif["Exif.Photo.RecommendedExposureIndex"] = uint32_t(std::min(shot.iso, 4e9));
    }
  }
  return result;
}

std::vector<uint8_t> exif_for_picture(const Mosaic& mosaic, OutputSpace space, bool linear) {
  const auto lock = enter_exiv2();
  ShotExif exif = exif_of_shot(mosaic);
  say_space(exif.data, space, linear);
  return photo_exif(std::move(exif.data), exif.order, maker_notes_place(mosaic.exif));
}

ImageMetadata metadata_for_picture(const Mosaic& mosaic, OutputSpace space, bool linear) {
  constexpr int colours = 3;
  ImageMetadata metadata;
  metadata.icc = linear ? linear_profile_of(space, colours) : profile_of(space, colours);
  metadata.exif = exif_for_picture(mosaic, space, linear);
  metadata.xmp = xmp_without_settings(mosaic.xmp);
  metadata.iptc = mosaic.iptc;
  metadata.orientation = mosaic.orientation;
  return metadata;
}

}  // namespace hyperconv
