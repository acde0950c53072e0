#include "image/tiff_writer.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace hyperconv {
namespace {

enum Type : uint16_t {
  type_byte = 1,
  type_ascii = 2,
  type_short = 3,
  type_long = 4,
  type_rational = 5,
  type_undefined = 7,
  type_signed_rational = 10,
  type_double = 12,
};

constexpr uint32_t entry_size = 12;

/// What does not fit into its entry stands behind the directory, at even offsets.
uint32_t size_outside(size_t bytes) { return bytes <= 4 ? 0 : uint32_t(bytes + bytes % 2); }

uint32_t directory_size(size_t entries) { return 2 + uint32_t(entries) * entry_size + 4; }

}  // namespace

Fraction fraction_near(double value) {
  assert(std::isfinite(value));
  constexpr double largest = double(std::numeric_limits<int32_t>::max());
  constexpr double tolerance = 1e-12;
  const double target = std::min(std::abs(value), largest);
  // Continued fraction: each step is the best fraction with a denominator as small.
  double rest = target, num = 1, previous_num = 0, den = 0, previous_den = 1;
  Fraction best{int64_t(std::lround(target)), 1};
  for (int step = 0; step < 40; ++step) {
    const double whole = std::floor(rest);
    const double next_num = whole * num + previous_num, next_den = whole * den + previous_den;
    if (next_num > largest || next_den > largest) break;
    previous_num = std::exchange(num, next_num);
    previous_den = std::exchange(den, next_den);
    best = {int64_t(num), int64_t(den)};
    if (std::abs(num / den - target) <= tolerance * target || rest == whole) break;
    rest = 1 / (rest - whole);
  }
  if (value < 0) best.numerator = -best.numerator;
  return best;
}

uint32_t TiffPlaces::take(uint32_t size) {
  uint32_t at = next_ + next_ % 2;
  if (at < kept_end_ && at + size > kept_at_) at = kept_end_ + kept_end_ % 2;
  next_ = at + size;
  end_ = std::max(end_, next_);
  return at;
}

void TiffDirectory::put(std::vector<uint8_t>& out, uint64_t value, int size) const {
  for (int i = 0; i < size; ++i)
    out.push_back(uint8_t(value >> (8 * (order_ == std::endian::little ? i : size - 1 - i))));
}

TiffDirectory::Entry& TiffDirectory::existing(uint16_t tag) {
  const auto found = std::ranges::find(entries_, tag, &Entry::tag);
  assert(found != entries_.end());
  return *found;
}

TiffDirectory::Entry& TiffDirectory::add(uint16_t tag, uint16_t type, size_t count) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), tag,
                                      [](const Entry& entry, uint16_t t) { return entry.tag < t; });
  assert(place == entries_.end() || place->tag != tag);
  return *entries_.insert(place, Entry{tag, type, uint32_t(count), {}, 0, false});
}

void TiffDirectory::ascii(uint16_t tag, const std::string& text) {
  // What stands behind a 0 would be lost to every reader.
  const std::string visible = text.substr(0, text.find('\0'));
  auto& value = add(tag, type_ascii, visible.size() + 1).value;
  value.assign(visible.begin(), visible.end());
  value.push_back(0);
}

void TiffDirectory::bytes(uint16_t tag, const std::vector<uint8_t>& values) {
  add(tag, type_byte, values.size()).value = values;
}

void TiffDirectory::undefined(uint16_t tag, const std::string& values) {
  add(tag, type_undefined, values.size()).value.assign(values.begin(), values.end());
}

void TiffDirectory::shorts(uint16_t tag, const std::vector<uint16_t>& values) {
  auto& value = add(tag, type_short, values.size()).value;
  for (const uint16_t v : values) put(value, v, 2);
}

void TiffDirectory::longs(uint16_t tag, const std::vector<uint32_t>& values) {
  auto& value = add(tag, type_long, values.size()).value;
  for (const uint32_t v : values) put(value, v, 4);
}

void TiffDirectory::rationals(uint16_t tag, std::span<const double> values) {
  auto& value = add(tag, type_rational, values.size()).value;
  for (const double v : values) {
    const Fraction fraction = fraction_near(std::max(v, 0.0));
    put(value, uint64_t(fraction.numerator), 4);
    put(value, uint64_t(fraction.denominator), 4);
  }
}

void TiffDirectory::signed_rationals(uint16_t tag, std::span<const double> values) {
  auto& value = add(tag, type_signed_rational, values.size()).value;
  for (const double v : values) {
    const Fraction fraction = fraction_near(v);
    put(value, uint64_t(fraction.numerator), 4);
    put(value, uint64_t(fraction.denominator), 4);
  }
}

void TiffDirectory::doubles(uint16_t tag, std::span<const double> values) {
  auto& value = add(tag, type_double, values.size()).value;
  for (const double v : values) put(value, std::bit_cast<uint64_t>(v), 8);
}

void TiffDirectory::verbatim(uint16_t tag, uint16_t type, uint32_t count,
                             std::vector<uint8_t> value) {
  for (const Entry& entry : entries_)
    if (entry.tag == tag) return;
  add(tag, type, count).value = std::move(value);
}

void TiffDirectory::replace_longs(uint16_t tag, const std::vector<uint32_t>& values) {
  auto& bytes = existing(tag).value;
  assert(bytes.size() == values.size() * 4);
  bytes.clear();
  for (const uint32_t value : values) put(bytes, value, 4);
}

bool TiffDirectory::has(uint16_t tag) const {
  return std::ranges::find(entries_, tag, &Entry::tag) != entries_.end();
}

void TiffDirectory::keep_at(uint16_t tag, uint32_t offset) {
  Entry& entry = existing(tag);
  assert(entry.value.size() > 4);
  entry.place = offset;
  entry.is_kept = true;
}

uint32_t TiffDirectory::size() const {
  uint32_t size = directory_size(entries_.size());
  for (const Entry& entry : entries_) size += size_outside(entry.value.size());
  return size;
}

void TiffDirectory::place_values(TiffPlaces& places) {
  for (Entry& entry : entries_)
    if (!entry.is_kept && size_outside(entry.value.size()) > 0)
      entry.place = places.take(size_outside(entry.value.size()));
}

uint32_t TiffDirectory::place(TiffPlaces& places) {
  place_ = places.take(directory_size(entries_.size()));
  place_values(places);
  return place_;
}

uint32_t TiffDirectory::place_last(TiffPlaces& places) {
  place_values(places);
  return place_ = places.take(directory_size(entries_.size()));
}

void TiffDirectory::write_into(std::vector<uint8_t>& file) const {
  std::vector<uint8_t> bytes;
  put(bytes, entries_.size(), 2);
  for (const Entry& entry : entries_) {
    put(bytes, entry.tag, 2);
    put(bytes, entry.type, 2);
    put(bytes, entry.count, 4);
    if (size_outside(entry.value.size()) == 0) {
      bytes.insert(bytes.end(), entry.value.begin(), entry.value.end());
      bytes.resize(bytes.size() + 4 - entry.value.size());
    } else {
      put(bytes, entry.place, 4);
      assert(entry.place + entry.value.size() <= file.size());
      std::ranges::copy(entry.value, file.begin() + entry.place);
    }
  }
  put(bytes, 0, 4);  // no directory follows
  assert(place_ + bytes.size() <= file.size());
  std::ranges::copy(bytes, file.begin() + place_);
}

void TiffDirectory::append_to(std::vector<uint8_t>& out) const {
  TiffDirectory placed = *this;
  TiffPlaces places{uint32_t(out.size())};
  placed.place(places);
  out.resize(places.end());
  placed.write_into(out);
}

}  // namespace hyperconv
