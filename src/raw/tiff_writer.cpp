#include "raw/tiff_writer.hpp"

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

void put(std::vector<uint8_t>& out, uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out.push_back(uint8_t(value >> (8 * i)));
}

/// What does not fit into its entry stands behind the directory, at even offsets.
uint32_t size_outside(size_t bytes) { return bytes <= 4 ? 0 : uint32_t(bytes + bytes % 2); }

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

TiffDirectory::Entry& TiffDirectory::add(uint16_t tag, uint16_t type, size_t count) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), tag,
                                      [](const Entry& entry, uint16_t t) { return entry.tag < t; });
  assert(place == entries_.end() || place->tag != tag);
  return *entries_.insert(place, Entry{tag, type, uint32_t(count), {}});
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

uint32_t TiffDirectory::size() const {
  uint32_t size = 2 + uint32_t(entries_.size()) * entry_size + 4;
  for (const Entry& entry : entries_) size += size_outside(entry.value.size());
  return size;
}

void TiffDirectory::append_to(std::vector<uint8_t>& out) const {
  uint32_t outside = uint32_t(out.size()) + 2 + uint32_t(entries_.size()) * entry_size + 4;
  put(out, entries_.size(), 2);
  for (const Entry& entry : entries_) {
    put(out, entry.tag, 2);
    put(out, entry.type, 2);
    put(out, entry.count, 4);
    if (size_outside(entry.value.size()) == 0) {
      out.insert(out.end(), entry.value.begin(), entry.value.end());
      out.resize(out.size() + 4 - entry.value.size());
    } else {
      put(out, outside, 4);
      outside += size_outside(entry.value.size());
    }
  }
  put(out, 0, 4);  // no directory follows
  for (const Entry& entry : entries_) {
    if (size_outside(entry.value.size()) == 0) continue;
    out.insert(out.end(), entry.value.begin(), entry.value.end());
    if (entry.value.size() % 2 == 1) out.push_back(0);
  }
}

}  // namespace hyperconv
