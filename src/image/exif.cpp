#include "image/exif.hpp"

#include <algorithm>
#include <array>
#include <exiv2/exiv2.hpp>
#include <limits>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

constexpr const char* orientation_key = "Exif.Image.Orientation";

/// exiv2 keeps state of its own (its XMP toolkit, its log), so it is entered by one at a time.
std::unique_lock<std::mutex> enter_exiv2() {
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
  return lock;
}

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
  Exiv2::ExifParser::encode(blob, exif.order, exif.data);
  return blob;
}

/// IFD0 tags that describe the photo; the others (strips, DNG's matrices, ...) describe a file.
bool describes_photo(uint16_t tag) {
  constexpr std::array<uint16_t, 18> tags = {
      0x010e,                                 // ImageDescription
      0x010f,                                 // Make
      0x0110,                                 // Model
      0x0112,                                 // Orientation
      0x011a,                                 // XResolution
      0x011b,                                 // YResolution
      0x0128,                                 // ResolutionUnit
      0x0131,                                 // Software
      0x0132,                                 // DateTime
      0x013b,                                 // Artist
      0x013c,                                 // HostComputer
      0x4746,                                 // Rating
      0x8298,                                 // Copyright
      0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f  // XPTitle .. XPSubject
  };
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool describes_photo(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Image") return describes_photo(datum.tag());
  const auto begins_with = [&](std::string_view start) { return group.rfind(start, 0) == 0; };
  // Image2.., SubImage1.., SubThumb1.., Thumbnail: other pictures in the same file.
  return !begins_with("Image") && !begins_with("SubImage") && !begins_with("SubThumb") &&
         !begins_with("Thumbnail") && !begins_with("PanasonicRaw");
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

/// What the picture's file shall say; no data when there is nothing to say.
Exif collect(const std::string& name, const Image& image) {
  const ImageMetadata& metadata = image.metadata;
  std::optional<Exif> exif = Exif{};
  if (!metadata.exif.empty()) exif = decode(metadata.exif);
  if (!exif) fail("{}: cannot be written, the picture's EXIF is damaged", name);
  keep_what_describes_photo(exif->data);
  if (metadata.orientation == 1 && !says_more_than_orientation(exif->data)) return {};
  exif->data[orientation_key] = uint16_t(metadata.orientation);
  set_if_there(exif->data, "Exif.Photo.PixelXDimension", uint32_t(image.width));
  set_if_there(exif->data, "Exif.Photo.PixelYDimension", uint32_t(image.height));
  return std::move(*exif);
}

/// Adds to what a TIFF file says of itself.
void merge(Exiv2::ExifData& own, const Exiv2::ExifData& more) {
  for (const auto& datum : more)
    if (own.findKey(Exiv2::ExifKey(datum.key())) == own.end()) own.add(datum);
}

int orientation_of(const Exiv2::ExifData& data) {
  const auto found = data.findKey(Exiv2::ExifKey(orientation_key));
  if (found == data.end() || found->count() == 0) return 1;
  const long value = long(found->toLong());
  return value >= 1 && value <= 8 ? int(value) : 1;
}

}  // namespace

void adopt_exif(ImageMetadata& metadata, std::vector<uint8_t> exif) {
  const auto lock = enter_exiv2();
  const auto decoded = decode(exif);
  metadata.orientation = decoded ? orientation_of(decoded->data) : 1;
  metadata.exif = decoded ? std::move(exif) : std::vector<uint8_t>();
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

std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image) {
  const auto lock = enter_exiv2();
  const Exif exif = collect(name, image);
  try {
    return encode(exif);
  } catch (const std::exception& error) {
    fail("{}: cannot be written, its EXIF is refused ({})", name, error.what());
  }
}

std::vector<uint8_t> exif_of_tiff(Bytes file) {
  const auto lock = enter_exiv2();
  auto exif = decode(file);
  if (!exif) return {};
  keep_what_describes_photo(exif->data);
  if (!says_more_than_orientation(exif->data)) return {};
  try {
    return encode(*exif);
  } catch (const std::exception&) {
    return {};
  }
}

std::vector<uint8_t> add_exif_to_tiff(const std::string& name, std::vector<uint8_t> file,
                                      const Image& image) {
  const auto lock = enter_exiv2();
  const Exif exif = collect(name, image);
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
