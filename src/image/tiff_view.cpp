#include "image/tiff_view.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

namespace hyperconv {
namespace {

constexpr size_t most_directories = 64;
constexpr int deepest = 3;
constexpr uint64_t entry_size = 12;

/// Bytes of a value of TIFF's types 1 to 13 or EXIF 3.0's UTF-8; 0: no type of theirs.
size_t size_of(uint16_t type) {
  constexpr uint16_t utf8 = 129;
  if (type == utf8) return 1;
  constexpr std::array<size_t, 14> sizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
  return type < sizes.size() ? sizes[type] : 0;
}

}  // namespace

TiffView::TiffView(std::span<const uint8_t> file) : file_(file) {
  if (file.size() < 8) return;
  const std::string_view start(reinterpret_cast<const char*>(file.data()), 4);
  using namespace std::string_view_literals;
  // TIFF's own start, and those of Olympus' and Panasonic's RAW files, which are TIFF otherwise.
  const auto known = {"II*\0"sv, "MM\0*"sv, "IIRO"sv, "IIRS"sv, "MMOR"sv, "IIU\0"sv};
  if (std::ranges::find(known, start) == known.end()) return;
  little_endian_ = start[0] == 'I';
  read_chain(integer_at(4, 4), 0);
}

uint64_t TiffView::integer(std::span<const uint8_t> bytes) const {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    value = value << 8 | bytes[little_endian_ ? bytes.size() - 1 - i : i];
  return value;
}

uint64_t TiffView::integer_at(uint64_t place, size_t size) const {
  if (place > file_.size() || file_.size() - place < size) return 0;
  return integer(file_.subspan(place, size));
}

TiffView::Directory TiffView::directory_at(uint64_t place) const {
  Directory directory;
  const uint64_t count = integer_at(place, 2);
  if (place == 0 || place + 2 + count * entry_size > file_.size()) return directory;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t entry = place + 2 + i * entry_size;
    const auto type = uint16_t(integer_at(entry + 2, 2));
    const uint64_t size = integer_at(entry + 4, 4) * size_of(type);
    const uint64_t value = size <= 4 ? entry + 8 : integer_at(entry + 8, 4);
    if (value > file_.size() || file_.size() - value < size) continue;
    directory[uint16_t(integer_at(entry, 2))] = {type, file_.subspan(value, size)};
  }
  return directory;
}

void TiffView::read_chain(uint64_t place, int depth) {
  constexpr uint16_t sub_directories = 330;
  while (place != 0 && place < file_.size() && directories_.size() < most_directories &&
         std::find(seen_.begin(), seen_.end(), place) == seen_.end()) {
    seen_.push_back(place);
    const uint64_t count = integer_at(place, 2);
    if (place + 2 + count * entry_size > file_.size()) return;
    Directory directory = directory_at(place);
    const auto below = numbers(directory, sub_directories);
    directories_.push_back(std::move(directory));
    if (depth < deepest)
      for (const double sub : below) read_chain(uint64_t(sub), depth + 1);
    place = integer_at(place + 2 + count * entry_size, 4);
  }
}

double TiffView::number_of(uint16_t type, std::span<const uint8_t> bytes) const {
  const auto half = bytes.size() / 2;
  switch (type) {
    case 5: {  // rational
      const uint64_t denominator = integer(bytes.subspan(half));
      return denominator == 0 ? 0 : double(integer(bytes.first(half))) / double(denominator);
    }
    case 10: {  // signed rational
      const auto denominator = int32_t(integer(bytes.subspan(half)));
      return denominator == 0 ? 0 : double(int32_t(integer(bytes.first(half)))) / denominator;
    }
    case 6:
      return int8_t(integer(bytes));
    case 8:
      return int16_t(integer(bytes));
    case 9:
      return int32_t(integer(bytes));
    case 11:
      return double(std::bit_cast<float>(uint32_t(integer(bytes))));
    case 12:
      return std::bit_cast<double>(integer(bytes));
    default:
      return double(integer(bytes));
  }
}

uint32_t TiffView::count(const Entry& entry) {
  return uint32_t(entry.value.size() / std::max<size_t>(size_of(entry.type), 1));
}

std::vector<double> TiffView::numbers(const Directory& directory, uint16_t tag) const {
  const auto found = directory.find(tag);
  if (found == directory.end()) return {};
  const size_t size = size_of(found->second.type);
  std::vector<double> values;
  for (size_t i = 0; size > 0 && i + size <= found->second.value.size(); i += size)
    values.push_back(number_of(found->second.type, found->second.value.subspan(i, size)));
  return values;
}

std::optional<double> TiffView::number(const Directory& directory, uint16_t tag) const {
  const auto values = numbers(directory, tag);
  return values.empty() ? std::nullopt : std::optional(values[0]);
}

std::span<const uint8_t> TiffView::bytes(const Directory& directory, uint16_t tag) {
  const auto found = directory.find(tag);
  return found == directory.end() ? std::span<const uint8_t>() : found->second.value;
}

const TiffView::Directory* TiffView::sensor() const {
  constexpr uint16_t subfile_type = 254, width = 256, height = 257, photometric = 262;
  constexpr double cfa = 32803, linear_raw = 34892;
  const Directory* largest = nullptr;
  double most = 0;
  for (const Directory& directory : directories_) {
    const double kind = number(directory, photometric).value_or(0);
    if (kind != cfa && kind != linear_raw) continue;
    if (number(directory, subfile_type).value_or(0) != 0) continue;
    const double area =
        number(directory, width).value_or(0) * number(directory, height).value_or(0);
    if (area > most) {
      most = area;
      largest = &directory;
    }
  }
  return largest;
}

}  // namespace hyperconv
