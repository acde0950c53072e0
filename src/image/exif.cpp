#include "image/exif.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/fail.hpp"
#include "image/exiv2_guard.hpp"
#include "image/icc.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

constexpr const char* orientation_key = "Exif.Image.Orientation";

/// A block and what it says.
struct Exif {
  Exiv2::ExifData data;
  Exiv2::ByteOrder order = Exiv2::littleEndian;
};

std::optional<Exif> decode(Bytes bytes) {
  constexpr size_t header = 8;
  if (bytes.size() < header || bytes.size() > std::numeric_limits<uint32_t>::max()) return {};
  try {
    Exif exif;
    exif.order = Exiv2::ExifParser::decode(exif.data, bytes.data(), uint32_t(bytes.size()));
    if (exif.order == Exiv2::invalidByteOrder) return {};
    return exif;
  } catch (const std::exception&) {
    return {};
  }
}

std::vector<uint8_t> encode(const Exif& exif) {
  if (exif.data.empty()) return {};
  Exiv2::Blob blob;
  // Facts that were put together rather than read have no order yet.
  const auto order = exif.order == Exiv2::invalidByteOrder ? Exiv2::littleEndian : exif.order;
  Exiv2::ExifParser::encode(blob, order, exif.data);
  return blob;
}

/// IFD0 tags that describe the photo; the others (strips, DNG's matrices, ...) describe a file.
bool describes_photo(uint16_t tag) {
  constexpr std::array<uint16_t, 22> tags = {
      0x010d,                                  // DocumentName
      0x010e,                                  // ImageDescription
      0x010f,                                  // Make
      0x0110,                                  // Model
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
      0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,  // XPTitle .. XPSubject
      0xc4a5                                   // PrintImageMatching
  };
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool describes_photo(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Image") return describes_photo(datum.tag());
  // The other groups are other pictures of the file, or what exiv2 reads in the maker's notes.
  // These are written as the bytes they were (Exif.Photo.MakerNote): put together again some are
  // unreadable.
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
  data["Exif.Image.XResolution"] = rational(resolution.x);
  data["Exif.Image.YResolution"] = rational(resolution.y);
  data["Exif.Image.ResolutionUnit"] = uint16_t(1 + int(resolution.unit));
}

/// PNG's texts that EXIF has tags for.
void set_texts(Exiv2::ExifData& data, const std::map<std::string, std::string>& texts) {
  constexpr std::array<std::pair<const char*, const char*>, 3> tags = {
      {{"Author", "Exif.Image.Artist"},
       {"Copyright", "Exif.Image.Copyright"},
       {"Description", "Exif.Image.ImageDescription"}}};
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

/// Adds to what a TIFF file says of itself.
void merge(Exiv2::ExifData& own, const Exiv2::ExifData& more) {
  for (const auto& datum : more)
    if (own.findKey(Exiv2::ExifKey(datum.key())) == own.end()) own.add(datum);
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

std::vector<uint8_t> bytes_of(const Exiv2::IptcData& iptc) {
  if (iptc.empty()) return {};
  const Exiv2::DataBuf buffer = Exiv2::IptcParser::encode(iptc);
  return {buffer.pData_, buffer.pData_ + buffer.size_};
}

}  // namespace

void adopt_exif(ImageMetadata& metadata, std::vector<uint8_t> exif) {
  const auto lock = enter_exiv2();
  const auto decoded = decode(exif);
  metadata.orientation = decoded ? orientation_of(decoded->data) : 1;
  if (decoded && !metadata.resolution) metadata.resolution = resolution_of(decoded->data);
  metadata.exif = decoded ? std::move(exif) : std::vector<uint8_t>();
}

void adopt_colours_of_exif(ImageMetadata& metadata, int channels) {
  if (!metadata.icc.empty() || metadata.exif.empty() || channels < 3) return;
  const auto lock = enter_exiv2();
  const auto decoded = decode(metadata.exif);
  if (!decoded) return;
  if (const auto space = colours_of(decoded->data)) metadata.icc = profile_of(*space, channels);
}

std::vector<uint8_t> upright_exif(std::vector<uint8_t> exif) {
  const auto lock = enter_exiv2();
  auto decoded = decode(exif);
  if (!decoded) return exif;
  const auto found = decoded->data.findKey(Exiv2::ExifKey(orientation_key));
  if (found == decoded->data.end()) return exif;
  *found = uint16_t(1);
  try {
    // exiv2 changes the tag in place where it can, and writes a new block where it cannot.
    Exiv2::Blob blob;
    const auto method = Exiv2::ExifParser::encode(blob, exif.data(), uint32_t(exif.size()),
                                                  decoded->order, decoded->data);
    return method == Exiv2::wmNonIntrusive ? exif : blob;
  } catch (const std::exception& error) {
    fail("the orientation in the picture's EXIF cannot be changed ({})", error.what());
  }
}

std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image, ExifScope scope) {
  const auto lock = enter_exiv2();
  const Exif exif = collect(name, image, scope);
  try {
    return encode(exif);
  } catch (const std::exception& error) {
    fail("{}: cannot be written, its EXIF is refused ({})", name, error.what());
  }
}

std::vector<uint8_t> photo_exif(Exiv2::ExifData data, Exiv2::ByteOrder order) {
  keep_what_describes_photo(data);
  return says_more_than_orientation(data) ? encode({std::move(data), order})
                                          : std::vector<uint8_t>();
}

void adopt_tiff_metadata(ImageMetadata& metadata, Bytes file) {
  if (file.size() < 8 || file.size() > std::numeric_limits<uint32_t>::max()) return;
  const auto lock = enter_exiv2();
  try {
    Exif exif;
    Exiv2::IptcData iptc;
    Exiv2::XmpData xmp;
    exif.order =
        Exiv2::TiffParser::decode(exif.data, iptc, xmp, file.data(), uint32_t(file.size()));
    if (exif.order == Exiv2::invalidByteOrder) return;
    metadata.xmp = encoded_xmp(xmp);
    metadata.iptc = bytes_of(iptc);
    metadata.exif = photo_exif(std::move(exif.data), exif.order);
  } catch (const std::exception&) {
    // What was read so far is what there is.
  }
}

std::vector<uint8_t> add_exif_to_tiff(const std::string& name, std::vector<uint8_t> file,
                                      const Image& image, ExifScope scope) {
  const auto lock = enter_exiv2();
  const Exif exif = collect(name, image, scope);
  // The file's own Orientation tag says as much.
  if (!says_more_than_orientation(exif.data)) return file;
  if (file.size() > std::numeric_limits<uint32_t>::max() / 2)
    fail("{}: cannot be written, a TIFF of {} bytes is too large for its EXIF", name, file.size());
  try {
    Exiv2::ExifData data;
    Exiv2::IptcData iptc;
    Exiv2::XmpData xmp;
    const uint32_t size = uint32_t(file.size());
    const auto order = Exiv2::TiffParser::decode(data, iptc, xmp, file.data(), size);
    merge(data, exif.data);
    Exiv2::MemIo io;
    const auto method = Exiv2::TiffParser::encode(io, file.data(), size, order, data, iptc, xmp);
    if (method == Exiv2::wmNonIntrusive) return file;
    const uint8_t* bytes = io.mmap();
    return {bytes, bytes + io.size()};
  } catch (const std::exception& error) {
    fail("{}: cannot be written, its EXIF is refused ({})", name, error.what());
  }
}

}  // namespace hyperconv
