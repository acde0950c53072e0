#include "image/xmp.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace hyperconv {
namespace {

/// Of schemas that describe parts of the old file which the new one has not.
bool is_stale(const Exiv2::Xmpdatum& datum) {
  const std::string group = datum.groupName(), name = datum.tagName();
  constexpr std::array<std::string_view, 4> other_parts = {"hdrgm", "Container", "Item",
                                                           "GContainer"};
  if (std::find(other_parts.begin(), other_parts.end(), group) != other_parts.end()) return true;
  if (group == "GCamera" && (name.starts_with("Micro") || name.starts_with("Motion"))) return true;
  return group == "xmp" && name.starts_with("Thumbnails");
}

/// Whether any was there.
template <class Unwanted>
bool erase_if(Exiv2::XmpData& data, const Unwanted& unwanted) {
  const auto before = data.count();
  for (auto datum = data.begin(); datum != data.end();)
    datum = unwanted(*datum) ? data.erase(datum) : std::next(datum);
  return data.count() != before;
}

bool set_if_there(Exiv2::XmpData& data, const char* key, int value) {
  const auto found = data.findKey(Exiv2::XmpKey(key));
  const std::string text = std::to_string(value);
  if (found == data.end() || found->toString() == text) return false;
  found->setValue(text);
  return true;
}

bool bring_up_to_date(Exiv2::XmpData& data, const Image& image) {
  bool changed = erase_if(data, is_stale);
  changed |= set_if_there(data, "Xmp.tiff.Orientation", image.metadata.orientation);
  for (const char* key : {"Xmp.tiff.ImageWidth", "Xmp.exif.PixelXDimension"})
    changed |= set_if_there(data, key, image.width);
  for (const char* key : {"Xmp.tiff.ImageLength", "Xmp.exif.PixelYDimension"})
    changed |= set_if_there(data, key, image.height);
  return changed;
}

/// The packet after `change`, which says whether it made any.
template <class Change>
std::vector<uint8_t> changed(std::vector<uint8_t> packet, const Change& change) {
  if (packet.empty()) return packet;
  const auto lock = enter_exiv2();
  try {
    Exiv2::XmpData data;
    if (Exiv2::XmpParser::decode(data, std::string(packet.begin(), packet.end())) != 0)
      return packet;
    return change(data) ? encoded_xmp(data) : packet;
  } catch (const std::exception&) {
    return packet;
  }
}

}  // namespace

std::vector<uint8_t> encoded_xmp(const Exiv2::XmpData& data) {
  std::string packet;
  if (data.empty() ||
      Exiv2::XmpParser::encode(packet, data, Exiv2::XmpParser::useCompactFormat) != 0)
    return {};
  return {packet.begin(), packet.end()};
}

std::vector<uint8_t> xmp_to_write(const Image& image) {
  return changed(image.metadata.xmp,
                 [&](Exiv2::XmpData& data) { return bring_up_to_date(data, image); });
}

std::vector<uint8_t> xmp_without_settings(std::vector<uint8_t> packet) {
  return changed(std::move(packet), [](Exiv2::XmpData& data) {
    return erase_if(data, [](const auto& datum) { return datum.groupName() == "crs"; });
  });
}

std::vector<uint8_t> iptc_in_resources(Bytes resources) {
  if (resources.empty()) return {};
  const Exiv2::byte* record = nullptr;
  uint32_t header = 0, size = 0;
  std::vector<uint8_t> iptc;
  // Long records are cut into several resources.
  while (Exiv2::Photoshop::locateIptcIrb(resources.data(), long(resources.size()), &record, &header,
                                         &size) == 0) {
    const auto data = resources.subspan(size_t(record - resources.data()) + header);
    const auto whole = data.first(std::min<size_t>(size, data.size()));
    iptc.insert(iptc.end(), whole.begin(), whole.end());
    resources = data.subspan(std::min(data.size(), whole.size() + whole.size() % 2));
    if (resources.empty()) break;
  }
  return iptc;
}

std::vector<uint8_t> resources_with_iptc(const std::vector<uint8_t>& iptc) {
  if (iptc.empty()) return {};
  // Photoshop's file format: signature, number, an empty name, length, data padded to an even one.
  std::vector<uint8_t> bytes = {'8', 'B', 'I', 'M', 4, 4, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(uint8_t(iptc.size() >> shift));
  bytes.insert(bytes.end(), iptc.begin(), iptc.end());
  if (iptc.size() % 2 == 1) bytes.push_back(0);
  return bytes;
}

}  // namespace hyperconv
