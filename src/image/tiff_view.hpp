// Reads a TIFF's directories: what LibRaw does not hand on. Every number is the file's own claim,
// so nothing outside the file is touched, whatever it says.
//
// By hand, because libtiff hands numbers on as floats and refuses a directory whose picture it
// cannot decode, and exiv2 copies every value and works for one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace hyperconv {

class TiffView {
 public:
  struct Entry {
    uint16_t type = 0;
    std::span<const uint8_t> value;  ///< all of it, in the file's byte order
  };
  using Directory = std::map<uint16_t, Entry>;

  /// Of a file that is no TIFF there are no directories; of a damaged one those that can be read.
  /// `file` outlives the view.
  explicit TiffView(std::span<const uint8_t> file);

  /// The first directory, those that follow it, and those below them (SubIFDs): 64 at most.
  const std::vector<Directory>& directories() const { return directories_; }

  /// The directory at this offset; empty where there is none.
  Directory directory_at(uint64_t place) const;

  /// The directory of the sensor's own picture: the largest one of CFA or LinearRaw samples that is
  /// no smaller copy; nullptr where there is none.
  const Directory* sensor() const;

  /// The tag's numbers; none where it is missing or is no number.
  std::vector<double> numbers(const Directory& directory, uint16_t tag) const;
  /// The first of them.
  std::optional<double> number(const Directory& directory, uint16_t tag) const;
  /// The tag's bytes as they are.
  static std::span<const uint8_t> bytes(const Directory& directory, uint16_t tag);

  /// How many values of its type an entry holds.
  static uint32_t count(const Entry& entry);

  std::span<const uint8_t> file() const { return file_; }
  bool is_little_endian() const { return little_endian_; }

 private:
  uint64_t integer(std::span<const uint8_t> bytes) const;
  uint64_t integer_at(uint64_t place, size_t size) const;
  double number_of(uint16_t type, std::span<const uint8_t> bytes) const;
  void read_chain(uint64_t place, int depth);

  std::span<const uint8_t> file_;
  bool little_endian_ = true;
  std::vector<uint64_t> seen_;
  std::vector<Directory> directories_;
};

}  // namespace hyperconv
