// The little of TIFF 6.0 that DNG and EXIF need: directories and a few types.
//
// By hand, because libtiff 4.5 cannot write these files: it takes rationals as floats, those of
// tags told to it by TIFFMergeFieldInfo too (1/3 becomes 11184811/33554432, an exposure of 1/250 s
// 8589935/2147483648), its EXIF directory refuses tags that it does not know, and its directory
// stands behind the samples, so that a file could not be written in one pass. exiv2 would need the
// whole file in memory.
#pragma once

#include <algorithm>
#include <bit>
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

/// Where the parts of a TIFF file lie, one behind the other, at even offsets.
class TiffPlaces {
 public:
  /// From `start` on; what stands at [kept_at, kept_at + kept_size) has its place already.
  explicit TiffPlaces(uint32_t start, uint32_t kept_at = 0, uint32_t kept_size = 0)
      : next_(start), kept_at_(kept_at), kept_end_(kept_at + kept_size), end_(start) {
    if (kept_size > 0) end_ = std::max(end_, kept_end_);
  }
  uint32_t take(uint32_t size);
  /// Behind all parts.
  uint32_t end() const { return end_; }

 private:
  uint32_t next_, kept_at_, kept_end_, end_;
};

/// A directory of tags, put together in any order and written in theirs.
class TiffDirectory {
 public:
  explicit TiffDirectory(std::endian order = std::endian::little) : order_(order) {}

  void ascii(uint16_t tag, const std::string& text);
  void bytes(uint16_t tag, const std::vector<uint8_t>& values);
  void undefined(uint16_t tag, const std::string& values);
  void shorts(uint16_t tag, const std::vector<uint16_t>& values);
  void longs(uint16_t tag, const std::vector<uint32_t>& values);
  void rationals(uint16_t tag, std::span<const double> values);
  void signed_rationals(uint16_t tag, std::span<const double> values);
  void doubles(uint16_t tag, std::span<const double> values);
  /// A value as another file of this byte order holds it; a tag that is there already stays.
  void verbatim(uint16_t tag, uint16_t type, uint32_t count, std::vector<uint8_t> value);
  /// Another number in place of a tag's only LONG.
  void replace_long(uint16_t tag, uint32_t value) { replace_longs(tag, {value}); }
  /// Other numbers in place of as many LONGs, before or after they have their place.
  void replace_longs(uint16_t tag, const std::vector<uint32_t>& values);
  /// The tag's value, of more than four bytes, shall stand at this offset of the file.
  void keep_at(uint16_t tag, uint32_t offset);

  bool empty() const { return entries_.empty(); }
  bool has(uint16_t tag) const;
  /// Bytes of the directory with all its values.
  uint32_t size() const;

  /// Takes places for the directory, whose offset is returned, and for its values behind it.
  uint32_t place(TiffPlaces& places);
  /// The same with the values before it: a file that is cut off has lost its directory.
  uint32_t place_last(TiffPlaces& places);
  /// Writes both there, into a file that is long enough.
  void write_into(std::vector<uint8_t>& file) const;

  /// Appends the directory to a file of which `out` holds all bytes so far.
  void append_to(std::vector<uint8_t>& out) const;

 private:
  struct Entry {
    uint16_t tag = 0, type = 0;
    uint32_t count = 0;
    std::vector<uint8_t> value;
    uint32_t place = 0;
    bool is_kept = false;  ///< at its place
  };
  Entry& add(uint16_t tag, uint16_t type, size_t count);
  Entry& existing(uint16_t tag);
  void place_values(TiffPlaces& places);
  void put(std::vector<uint8_t>& out, uint64_t value, int size) const;

  std::endian order_;
  std::vector<Entry> entries_;  // sorted by tag
  uint32_t place_ = 0;
};

}  // namespace hyperconv
