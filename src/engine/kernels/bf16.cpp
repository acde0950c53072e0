#include "engine/kernels/bf16.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "base/fail.hpp"
#include "base/half.hpp"
#include "base/integers.hpp"
#include "base/processor.hpp"
#include "base/remembered.hpp"
#include "engine/kernels/bf16_machine.hpp"

namespace hyperconv {
namespace {

float value_at(const std::byte* values, int64_t index) {
  uint16_t bits = 0;
  std::memcpy(&bits, values + 2 * index, sizeof bits);
  return bf16_to_float(bits);
}

float rectified(float value, Rectifier rectifier) {
  switch (rectifier) {
    case Rectifier::none:
      return value;
    case Rectifier::relu:
      return std::max(0.0f, value);
    case Rectifier::leaky_relu:
      return std::max(value, leaky_slope * value);
  }
  return value;
}

float sum_of_products(const Bf16Row& row, int64_t x, int64_t out) {
  float sum = row.bias[out];
  const std::byte* weights = row.weights;
  for (int i = 0; i < row.input_count; ++i) {
    const Bf16Input& input = row.inputs[i];
    const Bf16Taps taps{row.kernel, input.channels, input.is_dense()};
    for (int ky = 0; ky < row.kernel; ++ky)
      for (int kx = 0; kx < row.kernel; ++kx)
        for (int64_t c = 0; c < input.channels; ++c)
          sum += value_at(input.rows[ky], (x * row.stride + kx) * input.pixel + c) *
                 value_at(weights, bf16_place(taps, ky, kx, c, out, row.out_blocks));
    weights += 2 * taps.blocks() * row.out_blocks * bf16_block;
  }
  return sum;
}

void store(float value, Precision precision, std::byte* to) {
  if (precision == Precision::f32) {
    std::memcpy(to, &value, sizeof value);
    return;
  }
  const uint16_t bits = float_to_bf16(value);
  std::memcpy(to, &bits, sizeof bits);
}

void conv2d_portable(const Bf16Row& row) {
  for (int64_t x = 0; x < row.width; ++x)
    for (int64_t out = 0; out < row.out_channels; ++out)
      store(rectified(sum_of_products(row, x, out), row.rectifier), row.out_precision,
            row.out + (x * row.out_pixel + out) * bytes_per_value(row.out_precision));
}

/// The four transformed rows at pixel x, channel c of an input.
std::array<float, bf16_winograd_rows> winograd_sums(const Bf16Input& input, int64_t x, int64_t c) {
  const auto d = [&](int row) { return value_at(input.rows[row], x * input.pixel + c); };
  std::array<float, bf16_winograd_rows> t = {d(0) - d(2), d(1) + d(2), d(2) - d(1), d(3) - d(1)};
  for (float& value : t) value = bf16_to_float(float_to_bf16(value));
  return t;
}

void conv2d_winograd_portable(const Bf16WinogradRows& rows) {
  for (int64_t x = 0; x < rows.width; ++x)
    for (int64_t out = 0; out < rows.out_channels; ++out) {
      std::array<float, bf16_winograd_rows> products{};
      int64_t channel = 0;
      for (int i = 0; i < rows.input_count; ++i)
        for (int64_t c = 0; c < rows.inputs[i].channels; ++c, ++channel)
          for (int kx = 0; kx < 3; ++kx) {
            const auto t = winograd_sums(rows.inputs[i], x + kx, c);
            for (int r = 0; r < bf16_winograd_rows; ++r)
              products[size_t(r)] +=
                  t[size_t(r)] *
                  value_at(rows.weights, bf16_winograd_place(rows.channels, r, kx, channel, out,
                                                             rows.out_blocks));
          }
      const std::array<float, 2> sums = {products[0] + products[1] + products[2],
                                         products[1] - products[2] + products[3]};
      for (size_t row = 0; row < sums.size(); ++row)
        if (rows.out[row] != nullptr)
          store(rectified(rows.bias[out] + sums[row], rows.rectifier), rows.out_precision,
                rows.out[row] + (x * rows.out_pixel + out) * bytes_per_value(rows.out_precision));
    }
}

/// Calls put(x, channel, bits) for all of Bf16Kernels::interleave and transpose, zeros included.
template <class Put>
void for_padded(const Bf16Pixels& pixels, const Put& put) {
  for (int64_t x = 0; x < round_up(pixels.width, bf16_depth); ++x) {
    for (int64_t c = 0; c < round_up(pixels.channels, bf16_outs); ++c) {
      const bool is_there = x < pixels.width && c < pixels.channels;
      put(x, c, is_there ? float_to_bf16(pixels.in[x * pixels.channels + c]) : uint16_t(0));
    }
  }
}

void interleave_portable(const Bf16Pixels& pixels) {
  const int64_t channels = round_up(pixels.channels, bf16_outs);
  for_padded(pixels, [&](int64_t x, int64_t c, uint16_t bits) {
    std::memcpy(pixels.out + 2 * ((x / 2 * channels + c) * 2 + x % 2), &bits, sizeof bits);
  });
}

void transpose_portable(const Bf16Pixels& pixels, int64_t row) {
  for_padded(pixels, [&](int64_t x, int64_t c, uint16_t bits) {
    std::memcpy(pixels.out + 2 * (c * row + x), &bits, sizeof bits);
  });
}

void tap_gradients_portable(const Bf16TapGradients& run) {
  const int64_t outs = run.out_blocks * bf16_outs;
  for (int64_t kx = 0; kx < run.kernel; ++kx)
    for (int64_t c = 0; c < run.channels; ++c)
      for (int64_t out = 0; out < outs; ++out) {
        float sum = 0;
        for (int64_t x = 0; x < run.width; ++x)
          sum += value_at(run.in, c * run.in_row + x + kx) *
                 value_at(run.gradient, (x / 2 * outs + out) * 2 + x % 2);
        run.sums[(kx * run.channels + c) * outs + out] += sum;
      }
}

/// Seconds of the fastest of a few runs of each, in turn, so that other work on the machine, which
/// comes and goes, disturbs both or neither.
std::array<double, 2> seconds_of(const std::array<std::function<void()>, 2>& works) {
  using Clock = std::chrono::steady_clock;
  constexpr int runs = 12, calls = 8;
  std::array<double, 2> best = {1, 1};
  for (int run = 0; run < runs; ++run)
    for (size_t i = 0; i < works.size(); ++i) {
      const auto start = Clock::now();
      for (int call = 0; call < calls; ++call) works[i]();
      best[i] = std::min(best[i], std::chrono::duration<double>(Clock::now() - start).count());
    }
  return best;
}

/// Whether a row of a 3x3 convolution is faster than in fp32, each in Winograd's form: processors
/// do twice as many products in bf16, or half as many.
bool measure_dot_products(const Bf16Kernels& bf16) {
  constexpr int64_t channels = 32, width = 80;
  const Kernels& fp32 = kernels();
  // All zeros; as many as the larger of the two reads or writes.
  const std::vector<float> row((width + 2) * channels), bias(channels);
  const std::vector<float> weights(winograd_rows * 3 * channels * channels);
  std::vector<float> out(4 * width * channels);
  std::vector<float> scratch(size_t(winograd_scratch(width, channels, fp32.lanes)));
  std::array<const std::byte*, winograd_rows> rows;
  rows.fill(reinterpret_cast<const std::byte*>(row.data()));
  std::array<std::byte*, 4> outs;
  for (size_t i = 0; i < outs.size(); ++i)
    outs[i] = reinterpret_cast<std::byte*>(out.data() + i * size_t(width * channels));
  const ConvInput input{rows.data(), channels, channels, Precision::f32};
  const auto in_fp32 = [&] {
    fp32.conv2d_winograd({.inputs = &input,
                          .input_count = 1,
                          .channels = channels,
                          .vectors = int(channels) / fp32.lanes,
                          .weights = weights.data(),
                          .bias = bias.data(),
                          .rectifier = Rectifier::none,
                          .out = outs,
                          .out_precision = Precision::f32,
                          .out_pixel = channels,
                          .width = width,
                          .scratch = scratch.data()});
  };
  const Bf16Input narrow{rows.data(), channels, channels};
  const auto in_bf16 = [&] {
    bf16.conv2d_winograd({.inputs = &narrow,
                          .input_count = 1,
                          .channels = channels,
                          .out_blocks = channels / bf16_outs,
                          .weights = reinterpret_cast<const std::byte*>(weights.data()),
                          .bias = bias.data(),
                          .rectifier = Rectifier::none,
                          .out = {outs[0], outs[1]},
                          .out_channels = channels,
                          .out_precision = Precision::bf16,
                          .out_pixel = channels,
                          .width = width,
                          .scratch = reinterpret_cast<std::byte*>(scratch.data())});
  };
  const auto [fp32_seconds, bf16_seconds] = seconds_of({in_fp32, in_bf16});
  return fp32_seconds / 4 > bf16_seconds / 2;
}

/// Measured once on a machine and kept: a measurement that another program disturbs must not change
/// a photo's bits from one run to the next.
bool dot_products_pay(const Bf16Kernels& bf16) {
  static const bool pay = [&] {
    const std::string key = fmt::format("3x3 in {} faster than in {}, version {}, {}", bf16.name,
                                        kernels().name, HYPERCONV_VERSION, processor_name());
    const auto known = remembered(key);
    if (known == "yes" || known == "no") return known == "yes";
    const bool measured = measure_dot_products(bf16);
    remember(key, measured ? "yes" : "no");
    return measured;
  }();
  return pay;
}

std::vector<Bf16Kernels> found() {
  std::vector<Bf16Kernels> kernels;
#if defined(__x86_64__)
  if (has_amx_bf16())
    kernels.push_back({.name = "amx",
                       .conv2d = conv2d_amx,
                       .conv2d_winograd = nullptr,
                       .interleave = interleave_avx512_bf16,
                       .transpose = transpose_avx512_bf16,
                       .tap_gradients = tap_gradients_amx});
  if (has_avx512_bf16())
    kernels.push_back({.name = "avx512_bf16",
                       .conv2d = conv2d_avx512_bf16,
                       .conv2d_winograd = conv2d_winograd_avx512_bf16,
                       .interleave = interleave_avx512_bf16,
                       .transpose = transpose_avx512_bf16,
                       .tap_gradients = tap_gradients_avx512_bf16});
#endif
  kernels.push_back({.name = "portable",
                     .conv2d = conv2d_portable,
                     .conv2d_winograd = conv2d_winograd_portable,
                     .interleave = interleave_portable,
                     .transpose = transpose_portable,
                     .tap_gradients = tap_gradients_portable});
  return kernels;
}

}  // namespace

#if !defined(__x86_64__)
bool has_avx512_bf16() { return false; }
bool has_amx_bf16() { return false; }
#endif

const std::vector<Bf16Kernels>& bf16_kernels() {
  static const std::vector<Bf16Kernels> kernels = found();
  return kernels;
}

const Bf16Kernels* chosen_bf16_kernels() {
  const auto& all = bf16_kernels();
  const char* wish = std::getenv("HYPERCONV_BF16");
  if (wish == nullptr || *wish == '\0') {
    const Bf16Kernels& best = all.front();
    if (best.conv2d == conv2d_portable) return nullptr;
    return has_amx_bf16() || dot_products_pay(best) ? &best : nullptr;
  }
  if (std::string(wish) == "none") return nullptr;
  for (const Bf16Kernels& kernels : all)
    if (kernels.name == wish) return &kernels;
  std::vector<std::string> names;
  for (const Bf16Kernels& kernels : all) names.push_back(kernels.name);
  fail("HYPERCONV_BF16={}: this machine has {} and none", wish, fmt::join(names, ", "));
}

}  // namespace hyperconv
