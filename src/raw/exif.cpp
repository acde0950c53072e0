#include "raw/exif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exiv2/exiv2.hpp>
#include <string_view>

#include "raw/tiff_writer.hpp"

namespace hyperconv {
namespace {

void set_text(Exiv2::ExifData& exif, const char* key, const std::string& text) {
  if (!text.empty()) exif[key] = text;
}

void set_positive(Exiv2::ExifData& exif, const char* key, double value) {
  if (!(value > 0)) return;
  const Fraction fraction = fraction_near(rounded_to_float(value));
  exif[key] = Exiv2::URational(uint32_t(fraction.numerator), uint32_t(fraction.denominator));
}

}  // namespace

const char* software_name() { return "hyperconv " HYPERCONV_VERSION; }

bool is_exif_date(const std::string& date) {
  constexpr std::string_view form = "0000:00:00 00:00:00";
  return std::equal(date.begin(), date.end(), form.begin(), form.end(), [](char c, char wanted) {
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  });
}

double rounded_to_float(double value) { return std::stod(fmt::format("{}", float(value))); }

uint16_t iso_tag(double iso) {
  return uint16_t(std::clamp<long>(std::lround(std::min(iso, 65535.0)), 1, 65535));
}

std::vector<uint8_t> exif_for_picture(const Mosaic& mosaic) {
  const Shot& shot = mosaic.shot;
  Exiv2::ExifData exif;
  exif["Exif.Image.Software"] = std::string(software_name());
  set_text(exif, "Exif.Image.Make", shot.make);
  set_text(exif, "Exif.Image.Model", shot.model);
  set_text(exif, "Exif.Photo.LensModel", shot.lens);
  if (is_exif_date(shot.date_time)) {
    exif["Exif.Image.DateTime"] = shot.date_time;
    exif["Exif.Photo.DateTimeOriginal"] = shot.date_time;
  }
  set_positive(exif, "Exif.Photo.ExposureTime", shot.exposure_seconds);
  set_positive(exif, "Exif.Photo.FNumber", shot.f_number);
  set_positive(exif, "Exif.Photo.FocalLength", shot.focal_length_mm);
  if (shot.iso > 0) exif["Exif.Photo.ISOSpeedRatings"] = iso_tag(shot.iso);
  if (exceeds_iso_tag(shot.iso)) {
    exif["Exif.Photo.SensitivityType"] = recommended_exposure_index;
    exif["Exif.Photo.RecommendedExposureIndex"] = uint32_t(std::min(shot.iso, 4e9));
  }

  Exiv2::Blob stream;
  Exiv2::ExifParser::encode(stream, Exiv2::littleEndian, exif);
  return {stream.begin(), stream.end()};
}

}  // namespace hyperconv
