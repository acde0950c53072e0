#include "base/normals.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/wide.hpp"

namespace hyperconv {
namespace {

// The tail probability is p = k * 2^-32 with k in 1..2^31. As a float k has an exponent (its
// octave) and a mantissa, whose first bits choose a segment within the octave.
constexpr int piece_bits = 6;
constexpr int mantissa_bits = 23 - piece_bits;
constexpr uint32_t first_key = std::bit_cast<uint32_t>(1.0f) >> mantissa_bits;
constexpr uint32_t last_key = std::bit_cast<uint32_t>(0x1.0p31f) >> mantissa_bits;
constexpr size_t pieces = last_key - first_key + 1;

/// x with P(X > x) = p, p in (0, 1/2].
double upper_quantile(double p) {
  double low = 0, high = 7;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::numbers::sqrt2) / 2 > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// Of a segment: quantile = start - slope * (k - the segment's first k).
struct Table {
  std::array<float, pieces> start, slope;
};

Table make_table() {
  const auto first_of = [](uint32_t key) {
    return double(std::bit_cast<float>(key << mantissa_bits));
  };
  Table table;
  double start = upper_quantile(0x1.0p-32);
  for (uint32_t i = 0; i < pieces; ++i) {
    const uint32_t key = first_key + i;
    // Half is the end.
    const double end = key == last_key ? 0 : upper_quantile(0x1.0p-32 * first_of(key + 1));
    table.start[i] = float(start);
    table.slope[i] = float((start - end) / (first_of(key + 1) - first_of(key)));
    start = end;
  }
  return table;
}

/// Bits -> normal numbers; `count` of them.
HYPERCONV_WIDE void transform(const uint32_t* bits, size_t count, const Table& table, float* out) {
  const float* start = table.start.data();
  const float* slope = table.slope.data();
  for (size_t i = 0; i < count; ++i) {
    const auto k = float(int32_t(bits[i] & 0x7fffffff) | 1);
    const auto code = std::bit_cast<uint32_t>(k);
    const uint32_t key = code >> mantissa_bits;
    const auto first = std::bit_cast<float>(key << mantissa_bits);
    const float size = start[key - first_key] - slope[key - first_key] * (k - first);
    out[i] = std::bit_cast<float>(std::bit_cast<uint32_t>(size) | (bits[i] & 0x80000000));
  }
}

}  // namespace

void fill_normal(std::span<float> values, Random& random) {
  static const Table table = make_table();
  std::array<uint32_t, 512> bits;
  for (size_t done = 0; done < values.size(); done += bits.size()) {
    const size_t count = std::min(bits.size(), values.size() - done);
    for (size_t i = 0; i < count; i += 2) {
      const uint64_t word = random.bits();
      bits[i] = uint32_t(word);
      bits[i + 1] = uint32_t(word >> 32);
    }
    transform(bits.data(), count, table, values.data() + done);
  }
}

}  // namespace hyperconv
