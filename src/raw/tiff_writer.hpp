// The little of TIFF 6.0 that a DNG needs: one directory and a few types, little-endian.
//
// By hand, because libtiff 4.5 cannot write these files: it takes rationals as floats, those of
// tags told to it by TIFFMergeFieldInfo too (1/3 becomes 11184811/33554432, an exposure of 1/250 s
// 8589935/2147483648), its EXIF directory refuses tags that it does not know, and its directory
// stands behind the samples, so that a file could not be written in one pass. exiv2 would need the
// whole file in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hyperconv {

/// value as num / den, both below 2^31: the simplest fraction within a millionth of a millionth.
struct Fraction {
  int64_t numerator = 0;
  int64_t denominator = 1;
};
Fraction fraction_near(double value);

/// A directory of tags, put together in any order and written in theirs.
class TiffDirectory {
 public:
  void ascii(uint16_t tag, const std::string& text);
  void bytes(uint16_t tag, const std::vector<uint8_t>& values);
  void undefined(uint16_t tag, const std::string& values);
  void shorts(uint16_t tag, const std::vector<uint16_t>& values);
  void longs(uint16_t tag, const std::vector<uint32_t>& values);
  void rationals(uint16_t tag, std::span<const double> values);
  void signed_rationals(uint16_t tag, std::span<const double> values);
  void doubles(uint16_t tag, std::span<const double> values);
  /// A value as another file holds it, little-endian; a tag that is there already stays.
  void verbatim(uint16_t tag, uint16_t type, uint32_t count, std::vector<uint8_t> value);

  bool empty() const { return entries_.empty(); }
  /// Bytes of the directory with all its values.
  uint32_t size() const;
  /// Appends the directory to a file of which `out` holds all bytes so far.
  void append_to(std::vector<uint8_t>& out) const;

 private:
  struct Entry {
    uint16_t tag = 0, type = 0;
    uint32_t count = 0;
    std::vector<uint8_t> value;
  };
  Entry& add(uint16_t tag, uint16_t type, size_t count);

  std::vector<Entry> entries_;  // sorted by tag
};

}  // namespace hyperconv
