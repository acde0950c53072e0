#include "image/xmp.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <numeric>
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

/// By which a packet names its extension.
constexpr size_t guid_length = 32;

struct UnicodeForm {
  size_t size = 1;  ///< bytes of a unit
  bool big_endian = false;
};

/// By its first letter, '<', which may have a byte order mark before it.
UnicodeForm unicode_form(const std::vector<uint8_t>& text) {
  const auto starts = [&text](std::initializer_list<int> bytes) {
    return text.size() >= bytes.size() && std::equal(bytes.begin(), bytes.end(), text.begin());
  };
  if (starts({0, 0, 0, '<'}) || starts({0, 0, 0xfe, 0xff})) return {4, true};
  if (starts({'<', 0, 0, 0}) || starts({0xff, 0xfe, 0, 0})) return {4, false};
  if (starts({0, '<'}) || starts({0xfe, 0xff})) return {2, true};
  if (starts({'<', 0}) || starts({0xff, 0xfe})) return {2, false};
  return {};
}

void append_utf8(std::vector<uint8_t>& text, uint32_t code) {
  constexpr uint32_t byte_order_mark = 0xfeff;
  if (code == byte_order_mark && text.empty()) return;
  if (code < 0x80) {
    text.push_back(uint8_t(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::array<uint8_t, 4> marks = {0, 0xc0, 0xe0, 0xf0};
  text.push_back(uint8_t(marks[size_t(more)] | code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text.push_back(uint8_t(0x80 | ((code >> (6 * i)) & 0x3f)));
}

/// A packet that says this; empty where it is nothing.
std::vector<uint8_t> encoded_xmp(const Exiv2::XmpData& data) {
  std::string packet;
  if (data.empty() ||
      Exiv2::XmpParser::encode(packet, data, Exiv2::XmpParser::useCompactFormat) != 0)
    return {};
  return {packet.begin(), packet.end()};
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
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return packet;
  }
}

}  // namespace

std::vector<uint8_t> xmp_to_write(const Image& image) {
  return changed(image.metadata.xmp,
                 [&](Exiv2::XmpData& data) { return bring_up_to_date(data, image); });
}

std::vector<uint8_t> xmp_without_settings(std::vector<uint8_t> packet) {
  // Of the RAW file's own samples.
  constexpr std::array<std::string_view, 9> stale = {
      "Xmp.dc.format",           "Xmp.tiff.Compression",     "Xmp.tiff.PhotometricInterpretation",
      "Xmp.tiff.BitsPerSample",  "Xmp.tiff.SamplesPerPixel", "Xmp.tiff.PlanarConfiguration",
      "Xmp.photoshop.ColorMode", "Xmp.exif.ColorSpace",      "Xmp.photoshop.ICCProfile"};
  return changed(std::move(packet), [&](Exiv2::XmpData& data) {
    return erase_if(data, [&](const auto& datum) {
      return datum.groupName() == "crs" || std::ranges::find(stale, datum.key()) != stale.end();
    });
  });
}

std::vector<uint8_t> xmp_with_lens(std::vector<uint8_t> packet, const CorrectedLens& lens) {
  const auto lock = enter_exiv2();
  try {
    Exiv2::XmpData data;
    if (!packet.empty() &&
        Exiv2::XmpParser::decode(data, std::string(packet.begin(), packet.end())) != 0)
      return packet;
    data["Xmp.crs.AlreadyApplied"] = "True";
    data["Xmp.crs.LensProfileEnable"] = "1";
    data["Xmp.crs.LensProfileName"] = lens.name;
    data["Xmp.crs.LensProfileDistortionScale"] = lens.distortion ? "100" : "0";
    data["Xmp.crs.LensProfileVignettingScale"] = lens.vignetting ? "100" : "0";
    data["Xmp.crs.LensProfileChromaticAberrationScale"] = lens.lateral_colour ? "100" : "0";
    return encoded_xmp(data);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return packet;
  }
}

std::vector<uint8_t> xmp_in_utf8(std::vector<uint8_t> packet) {
  const auto form = unicode_form(packet);
  if (form.size == 1) return packet;
  std::vector<uint8_t> text;
  uint32_t high = 0;
  for (size_t i = 0; i + form.size <= packet.size(); i += form.size) {
    uint32_t unit = 0;
    for (size_t k = 0; k < form.size; ++k)
      unit = unit << 8 | packet[i + (form.big_endian ? k : form.size - 1 - k)];
    if (unit >= 0xd800 && unit < 0xdc00) {  // the first of a pair
      high = unit;
      continue;
    }
    if (unit >= 0xdc00 && unit < 0xe000) unit = 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff);
    append_utf8(text, unit);
  }
  return text;
}

std::vector<uint8_t> xmp_with_more(const std::vector<uint8_t>& packet,
                                   const std::vector<uint8_t>& more) {
  if (more.size() <= guid_length) return packet;
  return changed(packet, [&more](Exiv2::XmpData& data) {
    Exiv2::XmpData others;
    const std::string text(more.begin() + guid_length, more.end());
    if (Exiv2::XmpParser::decode(others, text) != 0) return false;
    for (const auto& datum : others)
      if (data.findKey(Exiv2::XmpKey(datum.key())) == data.end()) data.add(datum);
    erase_if(data, [](const auto& datum) { return datum.groupName() == "xmpNote"; });
    return true;
  });
}

std::vector<uint8_t> xmp_with_iptc(const std::vector<uint8_t>& packet,
                                   const std::vector<uint8_t>& iptc) {
  if (iptc.empty()) return packet;
  const auto lock = enter_exiv2();
  try {
    Exiv2::IptcData records;
    Exiv2::XmpData data, others;
    if (Exiv2::IptcParser::decode(records, iptc.data(), uint32_t(iptc.size())) != 0 ||
        Exiv2::XmpParser::decode(data, std::string(packet.begin(), packet.end())) != 0)
      return packet;
    Exiv2::copyIptcToXmp(records, others);
    const auto before = data.count();
    for (const auto& datum : others)
      if (data.findKey(Exiv2::XmpKey(datum.key())) == data.end()) data.add(datum);
    return data.count() == before ? packet : encoded_xmp(data);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return packet;
  }
}

std::vector<uint8_t> joined_xmp(const std::vector<std::vector<uint8_t>>& segments) {
  constexpr size_t header = guid_length + 8;
  constexpr uint64_t longest = uint64_t(1) << 28;
  std::vector<uint8_t> more;
  uint64_t filled = 0;
  for (const auto& segment : segments) {
    if (segment.size() < header) return {};
    const auto number = [&segment](size_t at) {
      return uint64_t(segment[at]) << 24 | uint64_t(segment[at + 1]) << 16 |
             uint64_t(segment[at + 2]) << 8 | segment[at + 3];
    };
    const uint64_t length = number(guid_length), at = number(guid_length + 4);
    const uint64_t part = segment.size() - header;
    if (more.empty()) {
      if (length > longest || length > segments.size() * uint64_t(65535)) return {};
      more.assign(segment.begin(), segment.begin() + guid_length);
      more.resize(guid_length + length);
    }
    // Segments of another extension are nobody's.
    if (!std::equal(segment.begin(), segment.begin() + guid_length, more.begin())) continue;
    if (at + part > more.size() - guid_length) return {};
    std::copy(segment.begin() + header, segment.end(), more.begin() + long(guid_length + at));
    filled += part;
  }
  return filled == more.size() - std::min(more.size(), guid_length) ? more : std::vector<uint8_t>();
}

std::vector<std::vector<uint8_t>> xmp_in_segments(const std::vector<uint8_t>& more, size_t most) {
  std::vector<std::vector<uint8_t>> segments;
  if (more.size() <= guid_length) return segments;
  const size_t room = most - guid_length - 8, length = more.size() - guid_length;
  for (size_t at = 0; at < length; at += room) {
    std::vector<uint8_t> segment(more.begin(), more.begin() + guid_length);
    for (const size_t number : {length, at})
      for (int shift = 24; shift >= 0; shift -= 8) segment.push_back(uint8_t(number >> shift));
    const auto from = more.begin() + long(guid_length + at);
    segment.insert(segment.end(), from, from + long(std::min(room, length - at)));
    segments.push_back(std::move(segment));
  }
  return segments;
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

std::vector<uint8_t> iptc_in_tag(Bytes value) {
  constexpr uint8_t record_start = 0x1c;
  std::vector<uint8_t> iptc(value.begin(), value.end());
  if (iptc.size() >= 4 && iptc[0] != record_start && iptc[3] == record_start)
    for (size_t i = 0; i + 4 <= iptc.size(); i += 4)
      std::reverse(iptc.begin() + long(i), iptc.begin() + long(i) + 4);
  return iptc;
}

std::vector<uint8_t> lasting_resources(Bytes resources) {
  constexpr std::array<uint16_t, 8> unwanted = {
      0x0404, 0x0425,  // IPTC and its digest
      0x0409, 0x040c,  // thumbnails
      0x040f,          // ICC profile
      0x0422, 0x0423,  // EXIF
      0x0424           // XMP
  };
  const auto number = [](Bytes bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), uint64_t(0),
                           [](uint64_t sum, uint8_t byte) { return sum << 8 | byte; });
  };
  std::vector<uint8_t> kept;
  // Signature, number, a name with its length before it, length, data; both padded to even ones.
  while (resources.size() >= 12) {
    const size_t name = (size_t(resources[6]) + 2) / 2 * 2;
    if (resources.size() < 6 + name + 4) break;
    const uint64_t size = number(resources.subspan(6 + name, 4));
    const uint64_t whole = 10 + name + size;
    if (whole > resources.size()) break;
    const auto id = uint16_t(number(resources.subspan(4, 2)));
    if (std::ranges::find(unwanted, id) == unwanted.end()) {
      kept.insert(kept.end(), resources.begin(), resources.begin() + long(whole));
      if (size % 2 == 1) kept.push_back(0);
    }
    resources = resources.subspan(std::min<size_t>(whole + size % 2, resources.size()));
  }
  return kept;
}

std::vector<uint8_t> resources_with_iptc(const std::vector<uint8_t>& iptc,
                                         const std::vector<uint8_t>& others) {
  std::vector<uint8_t> bytes;
  if (!iptc.empty()) {
    // Photoshop's file format: signature, number, an empty name, length, data padded to an even
    // one.
    bytes = {'8', 'B', 'I', 'M', 4, 4, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(uint8_t(iptc.size() >> shift));
    bytes.insert(bytes.end(), iptc.begin(), iptc.end());
    if (iptc.size() % 2 == 1) bytes.push_back(0);
  }
  bytes.insert(bytes.end(), others.begin(), others.end());
  return bytes;
}

}  // namespace hyperconv
