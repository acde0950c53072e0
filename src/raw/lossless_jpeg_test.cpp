#include "raw/lossless_jpeg.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/random.hpp"

namespace hyperconv {
namespace {

using Samples = std::vector<uint16_t>;

/// A slow reader by the letter of ITU-T T.81: a bit at a time, codes looked up by length and value.
class SlowReader {
 public:
  explicit SlowReader(const std::vector<uint8_t>& file) : file_(file) {}

  int width = 0, height = 0, components = 0;

  Samples read() {
    EXPECT_EQ(take_16(), 0xffd8);
    for (int marker = take_16(); marker != 0xffda; marker = take_16()) {
      const size_t end = at_ + size_t(file_[at_] * 256 + file_[at_ + 1]);
      take_16();
      if (marker == 0xffc3) read_frame();
      if (marker == 0xffc4) read_codes();
      EXPECT_EQ(at_, end);
      at_ = end;
    }
    read_scan_header();
    Samples samples = read_samples();
    while (bit_ != 0) {
      EXPECT_EQ(take_bit(), 1);
    }
    EXPECT_EQ(take_16(), 0xffd9);
    EXPECT_EQ(at_, file_.size());
    return samples;
  }

 private:
  int take() { return file_.at(at_++); }
  int take_16() {
    const int high = take();
    return high * 256 + take();
  }
  void read_frame() {
    EXPECT_EQ(take(), 16);
    height = take_16();
    width = take_16();
    components = take();
    for (int c = 0; c < components; ++c) {
      EXPECT_EQ(take(), c);
      EXPECT_EQ(take(), 0x11);
      EXPECT_EQ(take(), 0);
    }
  }
  void read_codes() {
    auto& codes = codes_[size_t(take())];
    std::array<int, 16> of_length{};
    for (int& count : of_length) count = take();
    int code = 0;
    for (int length = 1; length <= 16; ++length, code *= 2)
      for (int i = 0; i < of_length[size_t(length - 1)]; ++i, ++code) {
        EXPECT_NE(code, (1 << length) - 1) << "ones alone are no code";
        codes[{length, code}] = take();
      }
  }
  void read_scan_header() {
    EXPECT_EQ(take_16(), 6 + 2 * components);
    EXPECT_EQ(take(), components);
    for (int c = 0; c < components; ++c) {
      EXPECT_EQ(take(), c);
      EXPECT_EQ(take(), c << 4);
    }
    EXPECT_EQ(take(), 1);  // predictor
    EXPECT_EQ(take_16(), 0);
  }
  int take_bit() {
    const int bit = file_.at(at_) >> (7 - bit_) & 1;
    if (++bit_ == 8) {
      bit_ = 0;
      if (file_[at_++] == 0xff) {
        EXPECT_EQ(take(), 0);
      }
    }
    return bit;
  }
  int take_difference(size_t component) {
    int code = 0, length = 0;
    const auto& codes = codes_[component];
    do {
      code = code * 2 + take_bit();
      if (++length > 16) throw std::runtime_error("no code");
    } while (!codes.contains({length, code}));
    const int category = codes.at({length, code});
    if (category == 16) return 32768;
    int bits = 0;
    for (int i = 0; i < category; ++i) bits = bits * 2 + take_bit();
    return category > 0 && bits < 1 << (category - 1) ? bits - (1 << category) + 1 : bits;
  }
  Samples read_samples() {
    Samples samples;
    const size_t each = size_t(components), row = size_t(width) * each;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (size_t c = 0; c < each; ++c) {
          const size_t i = samples.size();
          const int predicted = x > 0 ? samples[i - each] : y > 0 ? samples[i - row] : 32768;
          samples.push_back(uint16_t(predicted + take_difference(c)));
        }
    return samples;
  }

  const std::vector<uint8_t>& file_;
  size_t at_ = 0;
  int bit_ = 0;
  std::array<std::map<std::pair<int, int>, int>, 4> codes_;
};

void expect_round_trip(const Samples& samples, int width, int height, int components) {
  const auto file = encode_lossless_jpeg(samples, width, height, components);
  SlowReader reader(file);
  EXPECT_EQ(reader.read(), samples);
  EXPECT_EQ(reader.width, width);
  EXPECT_EQ(reader.height, height);
  EXPECT_EQ(reader.components, components);
}

/// Neighbours that differ by up to 2^bits.
Samples walk(size_t count, int bits) {
  Random random(5);
  Samples samples(count);
  uint16_t value = 1000;
  for (auto& sample : samples)
    sample = value =
        uint16_t(value + random.bits() % (uint64_t(2) << bits) - (uint64_t(1) << bits));
  return samples;
}

TEST(LosslessJpeg, KeepsEverySampleOfEveryShape) {
  for (const auto& [width, height] : {std::pair(1, 1), {1, 7}, {9, 1}, {16, 16}, {33, 21}})
    for (const int components : {1, 2, 3, 4})
      for (const int bits : {0, 3, 8, 15})
        expect_round_trip(walk(size_t(width * height * components), bits), width, height,
                          components);
}

TEST(LosslessJpeg, KeepsTheLargestDifferences) {
  expect_round_trip({0, 32768, 0, 65535, 32767, 65535, 0, 1, 65534}, 9, 1, 1);
  expect_round_trip(Samples(64, 0), 8, 8, 1);
  expect_round_trip(Samples(64, 32768), 8, 8, 1);  // one category alone
  expect_round_trip(Samples(64, 65535), 4, 4, 4);
}

/// Counts that grow like Fibonacci's make the longest codes that there are.
TEST(LosslessJpeg, CodesAreNeverLongerThanSixteenBits) {
  Samples samples;
  uint64_t count = 1, next = 1;
  for (int category = 16; category >= 0; --category) {
    for (uint64_t i = 0; i < count; ++i) {
      const int step = category == 0 ? 0 : 1 << (category - 1);
      samples.push_back(uint16_t((samples.empty() ? 32768 : samples.back()) + step));
    }
    count = std::exchange(next, count + next);
  }
  expect_round_trip(samples, int(samples.size()), 1, 1);
}

TEST(LosslessJpeg, IsSmallerWhereNeighboursAreAlike) {
  const auto size = [](int bits) {
    return double(encode_lossless_jpeg(walk(256 * 256, bits), 256, 256, 1).size());
  };
  // 2^bits each way: bits + 1 bits of chance a sample, and the code is no more than a bit longer.
  for (const int bits : {2, 5, 9}) {
    EXPECT_GT(size(bits), 256 * 256 * (bits + 1) / 8.0);
    EXPECT_LT(size(bits), 256 * 256 * (bits + 2) / 8.0);
  }
}

}  // namespace
}  // namespace hyperconv
