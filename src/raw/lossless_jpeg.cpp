#include "raw/lossless_jpeg.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>

namespace hyperconv {
namespace {

/// A difference is coded as the number of its bits, 0 to 16, and these bits.
constexpr size_t categories = 17;
constexpr int longest_code = 16;

/// Differences are taken modulo 2^16 (T.81, H.1.2.1); -32768 is the only one of 16 bits.
unsigned category_of(int16_t difference) {
  return unsigned(std::bit_width(unsigned(difference < 0 ? -int(difference) : int(difference))));
}

using Counts = std::array<uint64_t, categories>;

/// Codes as short as the categories are frequent.
class HuffmanTable {
 public:
  explicit HuffmanTable(const Counts& counts) {
    const auto lengths = lengths_of(counts);
    for (int length = 1; length <= longest_code; ++length)
      for (size_t category = 0; category < categories; ++category)
        if (lengths[category] == length) {
          symbols_.push_back(uint8_t(category));
          ++of_length_[size_t(length - 1)];
        }
    // T.81, annex C: codes of one length are consecutive numbers.
    unsigned code = 0;
    size_t next = 0;
    for (int length = 1; length <= longest_code; ++length, code <<= 1)
      for (int i = 0; i < of_length_[size_t(length - 1)]; ++i) {
        const size_t category = symbols_[next++];
        code_[category] = code++;
        length_[category] = unsigned(length);
      }
  }

  unsigned code(unsigned category) const { return code_[category]; }
  unsigned length(unsigned category) const { return length_[category]; }
  const std::array<uint8_t, longest_code>& of_length() const { return of_length_; }
  const std::vector<uint8_t>& symbols() const { return symbols_; }

 private:
  /// Huffman's algorithm over the categories and one that never occurs: T.81, annex K.2, wants the
  /// code of ones alone to be no symbol's. 18 leaves never need more than 17 bits; where one does
  /// need 17, counts are halved.
  static std::array<int, categories + 1> lengths_of(Counts counts) {
    while (true) {
      std::array<uint64_t, categories + 1> weight{};
      std::copy(counts.begin(), counts.end(), weight.begin());
      weight[categories] = 1;
      std::array<int, categories + 1> length{}, root{};
      for (size_t i = 0; i < root.size(); ++i) root[i] = int(i);
      std::array<uint64_t, categories + 1> tree = weight;
      while (true) {
        int least = -1, second = -1;
        // The symbol that never occurs comes first where weights are equal: its code is the
        // longest.
        for (int i = int(categories); i >= 0; --i) {
          const uint64_t w = tree[size_t(i)];
          if (w == 0) continue;
          if (least < 0 || w < tree[size_t(least)]) {
            second = least;
            least = i;
          } else if (second < 0 || w < tree[size_t(second)]) {
            second = i;
          }
        }
        if (second < 0) break;
        for (size_t i = 0; i < root.size(); ++i) {
          if (weight[i] == 0 || (root[i] != least && root[i] != second)) continue;
          ++length[i];
          root[i] = second;
        }
        tree[size_t(second)] += tree[size_t(least)];
        tree[size_t(least)] = 0;
      }
      if (*std::ranges::max_element(length) <= longest_code) return with_longest_last(length);
      for (uint64_t& count : counts) count = (count + 1) / 2;
    }
  }

  /// The reserved symbol takes a code of the greatest length, whose last is ones alone.
  static std::array<int, categories + 1> with_longest_last(std::array<int, categories + 1> length) {
    const auto longest = std::ranges::max_element(length);
    std::swap(*longest, length[categories]);
    return length;
  }

  std::array<unsigned, categories> code_{}, length_{};
  std::array<uint8_t, longest_code> of_length_{};
  std::vector<uint8_t> symbols_;
};

/// Bits from the highest on; a byte of ones is followed by one of zeros, which no marker is.
class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t>& out) : out_(out) {}

  void put(unsigned bits, unsigned count) {
    held_ = held_ << count | bits;
    count_ += count;
    while (count_ >= 8) {
      count_ -= 8;
      put_byte(uint8_t(held_ >> count_));
    }
  }
  /// Fills the last byte with ones.
  void finish() {
    if (count_ > 0) put((1u << (8 - count_)) - 1, 8 - count_);
  }

 private:
  void put_byte(uint8_t byte) {
    out_.push_back(byte);
    if (byte == 0xff) out_.push_back(0);
  }

  std::vector<uint8_t>& out_;
  uint64_t held_ = 0;
  unsigned count_ = 0;
};

void put_16(std::vector<uint8_t>& out, unsigned value) {
  out.push_back(uint8_t(value >> 8));
  out.push_back(uint8_t(value));
}

void put_headers(std::vector<uint8_t>& out, int width, int height,
                 const std::vector<HuffmanTable>& tables) {
  const auto components = unsigned(tables.size());
  put_16(out, 0xffd8);  // SOI
  put_16(out, 0xffc3);  // SOF3: lossless, Huffman
  put_16(out, 8 + 3 * components);
  out.push_back(16);  // bits a sample
  put_16(out, unsigned(height));
  put_16(out, unsigned(width));
  out.push_back(uint8_t(components));
  for (unsigned c = 0; c < components; ++c)
    out.insert(out.end(), {uint8_t(c), uint8_t(0x11), uint8_t(0)});  // one sample a pixel
  for (unsigned c = 0; c < components; ++c) {
    put_16(out, 0xffc4);  // DHT
    put_16(out, unsigned(3 + longest_code + tables[c].symbols().size()));
    out.push_back(uint8_t(c));
    out.insert(out.end(), tables[c].of_length().begin(), tables[c].of_length().end());
    out.insert(out.end(), tables[c].symbols().begin(), tables[c].symbols().end());
  }
  put_16(out, 0xffda);  // SOS
  put_16(out, 6 + 2 * components);
  out.push_back(uint8_t(components));
  for (unsigned c = 0; c < components; ++c)
    out.insert(out.end(), {uint8_t(c), uint8_t(c << 4)});  // table c
  out.insert(out.end(), {1, 0, 0});                        // predictor 1, no point transform
}

/// Of every sample from its prediction: the left one, in the first column the one above, and the
/// middle of the range for the first of all.
std::vector<int16_t> differences_of(std::span<const uint16_t> samples, size_t row_size,
                                    size_t components) {
  std::vector<int16_t> differences(samples.size());
  for (size_t row = 0; row < samples.size(); row += row_size) {
    for (size_t c = 0; c < components; ++c) {
      const unsigned above = row == 0 ? 0x8000u : samples[row - row_size + c];
      differences[row + c] = int16_t(uint16_t(samples[row + c] - above));
    }
    for (size_t i = row + components; i < row + row_size; ++i)
      differences[i] = int16_t(uint16_t(samples[i] - samples[i - components]));
  }
  return differences;
}

}  // namespace

std::vector<uint8_t> encode_lossless_jpeg(std::span<const uint16_t> samples, int width, int height,
                                          int components) {
  assert(width > 0 && height > 0 && width < 65536 && height < 65536);
  assert(components >= 1 && components <= 4);
  assert(samples.size() == size_t(width) * size_t(height) * size_t(components));
  const auto each = size_t(components);
  const auto differences = differences_of(samples, size_t(width) * each, each);
  std::vector<Counts> counts(each);
  for (size_t i = 0; i < differences.size(); i += each)
    for (size_t c = 0; c < each; ++c) ++counts[c][category_of(differences[i + c])];
  const std::vector<HuffmanTable> tables(counts.begin(), counts.end());

  std::vector<uint8_t> out;
  out.reserve(samples.size() * 2);
  put_headers(out, width, height, tables);
  BitWriter bits(out);
  for (size_t i = 0; i < differences.size(); i += each)
    for (size_t c = 0; c < each; ++c) {
      const int difference = differences[i + c];
      const unsigned category = category_of(int16_t(difference));
      bits.put(tables[c].code(category), tables[c].length(category));
      // A negative one as its lower bits less 1; of 16 bits there is only one, which has none.
      if (category > 0 && category < 16)
        bits.put(unsigned(difference < 0 ? difference - 1 : difference) & ((1u << category) - 1),
                 category);
    }
  bits.finish();
  put_16(out, 0xffd9);  // EOI
  return out;
}

}  // namespace hyperconv
