// Winograd's form in bf16: every implementation against the plain loops, and these against a direct
// convolution in double.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "base/half.hpp"
#include "base/random.hpp"
#include "engine/kernels/bf16.hpp"

namespace hyperconv {
namespace {

constexpr int64_t guard = 7;  // values behind each row, which must stay as they are

std::vector<uint16_t> random_bits(int64_t count, Random& random) {
  std::vector<uint16_t> bits(size_t(count), 0);
  for (uint16_t& value : bits) value = float_to_bf16(random.normal());
  return bits;
}

const std::byte* bytes(const std::vector<uint16_t>& bits) {
  return reinterpret_cast<const std::byte*>(bits.data());
}

struct Case {
  std::vector<int64_t> channels;  ///< of each input
  int64_t outs, width;
  Precision precision = Precision::f32;
};

/// A convolution's data, and its output by one implementation.
class Convolution {
 public:
  explicit Convolution(const Case& what)
      : what_(what),
        channels_(std::accumulate(what.channels.begin(), what.channels.end(), int64_t(0))),
        out_blocks_((what.outs + bf16_outs - 1) / bf16_outs) {
    Random random(11);
    for (const int64_t channels : what.channels)
      for (int row = 0; row < bf16_winograd_rows; ++row)
        rows_.push_back(random_bits((what.width + 2) * channels, random));
    for (int64_t i = 0; i < what.outs * channels_ * 9; ++i)
      filter_.push_back(random.normal() / std::sqrt(float(9 * channels_)));
    weights_.resize(size_t(bf16_winograd_weights(channels_, out_blocks_)));
    for (int64_t out = 0; out < what.outs; ++out)
      for (int64_t c = 0; c < channels_; ++c)
        for (int r = 0; r < bf16_winograd_rows; ++r)
          for (int kx = 0; kx < 3; ++kx) {
            float sum = 0;
            for (int ky = 0; ky < 3; ++ky) sum += bf16_winograd_filter[r][ky] * tap(out, c, ky, kx);
            weights_[size_t(bf16_winograd_place(channels_, r, kx, c, out, out_blocks_))] =
                float_to_bf16(sum);
          }
    for (int64_t i = 0; i < out_blocks_ * bf16_outs; ++i) bias_.push_back(random.normal());
  }

  float tap(int64_t out, int64_t c, int ky, int kx) const {
    return filter_[size_t(((out * channels_ + c) * 3 + ky) * 3 + kx)];
  }

  /// Both rows, [row][width][outs]; `wanted` says which are asked for.
  std::vector<float> run(const Bf16Kernels& kernels, std::array<bool, 2> wanted = {true, true}) {
    std::vector<const std::byte*> pointers;
    for (const auto& row : rows_) pointers.push_back(bytes(row));
    std::vector<Bf16Input> inputs;
    for (size_t i = 0; i < what_.channels.size(); ++i)
      inputs.push_back(
          {pointers.data() + bf16_winograd_rows * i, what_.channels[i], what_.channels[i]});
    const int64_t pixel = what_.outs, size = bytes_per_value(what_.precision);
    const int64_t row_values = what_.width * pixel + guard;
    std::vector<std::byte> written(size_t(2 * row_values * size), std::byte{0x5a});
    std::vector<std::byte> scratch(size_t(bf16_winograd_scratch(what_.width, channels_)));
    Bf16WinogradRows run{.inputs = inputs.data(),
                         .input_count = int(inputs.size()),
                         .channels = channels_,
                         .out_blocks = out_blocks_,
                         .weights = bytes(weights_),
                         .bias = bias_.data(),
                         .rectifier = Rectifier::leaky_relu,
                         .out = {},
                         .out_channels = what_.outs,
                         .out_precision = what_.precision,
                         .out_pixel = pixel,
                         .width = what_.width,
                         .scratch = scratch.data()};
    for (size_t row = 0; row < 2; ++row)
      if (wanted[row]) run.out[row] = written.data() + int64_t(row) * row_values * size;
    kernels.conv2d_winograd(run);
    std::vector<float> values;
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t i = 0; i < row_values; ++i) {
        const std::byte* from = written.data() + (row * row_values + i) * size;
        if (i >= row_values - guard || !wanted[size_t(row)])
          EXPECT_EQ(*from, std::byte{0x5a}) << "row " << row << ", value " << i;
        else
          values.push_back(value(from));
      }
    return values;
  }

  /// Of the value (row, x, out): tap by tap in double, and the sum of the magnitudes of what
  /// Winograd's form multiplies.
  struct Exact {
    double value, magnitude;
  };
  Exact exact(int64_t row, int64_t x, int64_t out) const {
    double sum = double(bias_[size_t(out)]), magnitude = 0;
    int64_t before = 0;
    for (size_t i = 0; i < what_.channels.size(); before += what_.channels[i++])
      for (int64_t c = 0; c < what_.channels[i]; ++c)
        for (int kx = 0; kx < 3; ++kx) {
          const auto d = [&](int64_t r) {
            const auto& from = rows_[bf16_winograd_rows * i + size_t(r)];
            return double(bf16_to_float(from[size_t((x + kx) * what_.channels[i] + c)]));
          };
          const auto g = [&](int ky) { return double(tap(out, before + c, ky, kx)); };
          for (int ky = 0; ky < 3; ++ky) sum += d(row + ky) * g(ky);
          magnitude +=
              std::fabs(g(0) + g(1) + g(2)) / 2 * std::fabs(d(1) + d(2)) +
              std::fabs(g(0) - g(1) + g(2)) / 2 * std::fabs(d(2) - d(1)) +
              (row == 0 ? std::fabs(g(0) * (d(0) - d(2))) : std::fabs(g(2) * (d(3) - d(1))));
        }
    return {sum > 0 ? sum : double(leaky_slope) * sum, magnitude};
  }

 private:
  float value(const std::byte* from) const {
    if (what_.precision == Precision::f32) {
      float number = 0;
      std::memcpy(&number, from, sizeof number);
      return number;
    }
    uint16_t bits = 0;
    std::memcpy(&bits, from, sizeof bits);
    return bf16_to_float(bits);
  }

  Case what_;
  int64_t channels_, out_blocks_;
  std::vector<std::vector<uint16_t>> rows_;
  std::vector<float> filter_, bias_;
  std::vector<uint16_t> weights_;
};

// Odd widths, channels behind whole vectors, a concatenation of three, more output channels than
// two blocks.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const int64_t width : {1, 3, 19, 20, 21, 47})
    for (const int64_t outs : {1, 12, 16, 24, 33, 50}) all.push_back({{24}, outs, width});
  for (const int64_t channels : {2, 16, 34, 64}) all.push_back({{channels}, 20, 33});
  all.push_back({{6, 16, 2}, 40, 29});
  all.push_back({{24}, 24, 43, Precision::bf16});
  all.push_back({{16, 40}, 40, 23, Precision::bf16});
  return all;
}

const Bf16Kernels& portable() { return bf16_kernels().back(); }

TEST(Bf16Winograd, PlainLoopsAreAConvolution) {
  for (const Case& what : cases()) {
    if (what.precision != Precision::f32) continue;
    Convolution convolution(what);
    const std::vector<float> got = convolution.run(portable());
    size_t i = 0;
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t x = 0; x < what.width; ++x)
        for (int64_t out = 0; out < what.outs; ++out, ++i) {
          const auto [value, magnitude] = convolution.exact(row, x, out);
          // Each factor of each product is rounded by 2^-9 of itself.
          ASSERT_NEAR(double(got[i]), value, 1.01 * magnitude * 0x1.0p-8) << row << x << out;
        }
  }
}

TEST(Bf16Winograd, EveryImplementationIsThePlainLoops) {
  for (const Bf16Kernels& kernels : bf16_kernels()) {
    if (kernels.conv2d_winograd == nullptr || kernels.name == "portable") continue;
    for (const Case& what : cases()) {
      SCOPED_TRACE(kernels.name + ", " + std::to_string(what.width) + " pixels, " +
                   std::to_string(what.outs) + " outputs");
      Convolution convolution(what);
      const std::vector<float> got = convolution.run(kernels), want = convolution.run(portable());
      size_t i = 0;
      for (int64_t row = 0; row < 2; ++row)
        for (int64_t x = 0; x < what.width; ++x)
          for (int64_t out = 0; out < what.outs; ++out, ++i) {
            // The same numbers in another order; stored in bf16 they may be a unit apart.
            const double magnitude = convolution.exact(row, x, out).magnitude + 4;
            const double units = what.precision == Precision::bf16 ? 0x1.0p-8 : 0x1.0p-20;
            ASSERT_NEAR(double(got[i]), double(want[i]),
                        std::fabs(double(want[i])) * units + magnitude * 0x1.0p-20)
                << row << x << out;
          }
    }
  }
}

// The last row of a frame of odd height, and a frame's halo.
TEST(Bf16Winograd, OneRowAloneIsThatRow) {
  const Case what{{24}, 24, 45};
  for (const Bf16Kernels& kernels : bf16_kernels()) {
    if (kernels.conv2d_winograd == nullptr) continue;
    Convolution convolution(what);
    const std::vector<float> both = convolution.run(kernels);
    const auto half = int64_t(both.size()) / 2;
    EXPECT_EQ(convolution.run(kernels, {true, false}),
              std::vector<float>(both.begin(), both.begin() + half));
    EXPECT_EQ(convolution.run(kernels, {false, true}),
              std::vector<float>(both.begin() + half, both.end()));
  }
}

}  // namespace
}  // namespace hyperconv
