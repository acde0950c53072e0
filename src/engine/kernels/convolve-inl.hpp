// Convolution of one row, or of four. Included once for every instruction set by kernels.cpp.
//
// A register tile of pixels x two vectors of output channels stays in registers through all taps of
// all input channels: for each tap and channel, two loads of weights, one broadcast a pixel, and a
// fused multiply-add for every accumulator. With AVX2's sixteen registers: 6 x 2 accumulators (more
// than the 8 that hide the latency of two multiply-adds a cycle), 2 weights, 1 broadcast; eight
// loads for twelve multiply-adds keep the load ports below their limit.
#if defined(HYPERCONV_CONVOLVE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HYPERCONV_CONVOLVE_INL
#undef HYPERCONV_CONVOLVE_INL
#else
#define HYPERCONV_CONVOLVE_INL
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "engine/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// Accumulators: 12 of 16 registers, 24 of the 32 that AVX-512 and NEON have.
constexpr int accumulators = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 24 : 12;

inline HWY_ATTR FloatVector rectified(FloatVector value, Rectifier rectifier) {
  const Floats d;
  switch (rectifier) {
    case Rectifier::none:
      return value;
    case Rectifier::relu:
      return hn::Max(hn::Zero(d), value);
    case Rectifier::leaky_relu:
      return hn::Max(hn::Mul(value, hn::Set(d, leaky_slope)), value);
  }
  return value;
}

// One tap row, or one tap, of one input: `depth` values that lie side by side at every pixel, and
// `step` floats from one output pixel's to the next one's.
template <int pixels, int vectors>
HWY_INLINE void accumulate(const float* HWY_RESTRICT in, int64_t step, int64_t depth,
                           const float* HWY_RESTRICT weights,
                           FloatVector (&sums)[pixels][vectors]) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  for (int64_t c = 0; c < depth; ++c) {
    FloatVector w[vectors];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) w[v] = hn::LoadU(d, weights + (c * vectors + v) * lanes);
#pragma GCC unroll 24
    for (int p = 0; p < pixels; ++p) {
      const FloatVector x = hn::Set(d, in[p * step + c]);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) sums[p][v] = hn::MulAdd(x, w[v], sums[p][v]);
    }
  }
}

template <int pixels, int vectors>
HWY_INLINE void set_all(FloatVector (&sums)[pixels][vectors], const float* bias) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) {
      sums[p][v] = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + v * lanes);
    }
  }
}

template <int pixels, int vectors>
HWY_ATTR void convolve_tile(const ConvRow& row, int64_t x, const float* weights, const float* bias,
                            float* out) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  FloatVector sums[pixels][vectors];
  set_all<pixels, vectors>(sums, bias);
  for (int i = 0; i < row.input_count; ++i) {
    const ConvInput& input = row.inputs[i];
    // Where pixels lie without gaps, the taps of a row are one run.
    const bool dense = input.pixel == input.channels;
    const int64_t depth = dense ? row.kernel * input.channels : input.channels;
    const int columns = dense ? 1 : row.kernel;
    const int64_t step = row.stride * input.pixel;
    for (int ky = 0; ky < row.kernel; ++ky) {
      const float* in = reinterpret_cast<const float*>(input.rows[ky]) + x * step;
      for (int kx = 0; kx < columns; ++kx) {
        accumulate<pixels, vectors>(in, step, depth, weights, sums);
        in += input.pixel;
        weights += depth * vectors * lanes;
      }
    }
  }
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(rectified(sums[p][v], row.rectifier), d, out + p * row.out_pixel + v * lanes);
    }
  }
}

inline HWY_ATTR int64_t taps(const ConvRow& row) {
  int64_t channels = 0;
  for (int i = 0; i < row.input_count; ++i) channels += row.inputs[i].channels;
  return channels * row.kernel * row.kernel;
}

// Calls tile(pixels, x) for register tiles that cover the run; `pixels` is a constant.
template <int pixels, class Tile>
HWY_INLINE void for_register_tiles(int64_t width, const Tile& tile) {
  if (width < pixels) {
    for (int64_t x = 0; x < width; ++x) tile(std::integral_constant<int, 1>(), x);
    return;
  }
  for (int64_t x = 0; x < width; x += pixels) {
    // The last tile overlaps the one before it, and writes the same values again.
    tile(std::integral_constant<int, pixels>(), x + pixels > width ? width - pixels : x);
  }
}

template <int vectors>
HWY_ATTR void convolve_block(const ConvRow& row, const float* weights, const float* bias,
                             float* out) {
  for_register_tiles<accumulators / vectors>(row.width, [&](auto pixels, int64_t x) HWY_ATTR {
    convolve_tile<pixels(), vectors>(row, x, weights, bias, out + x * row.out_pixel);
  });
}

inline HWY_ATTR void conv2d(const ConvRow& row) {
  constexpr int64_t lanes = hn::MaxLanes(Floats());
  const float* weights = row.weights;
  const int64_t depth = taps(row);
  for (int v = 0; v < row.vectors;) {
    const int block = next_block(row.vectors - v);
    const float* bias = row.bias + v * lanes;
    float* out = row.out + v * lanes;
    if (block == 1) convolve_block<1>(row, weights, bias, out);
    if (block == 2) convolve_block<2>(row, weights, bias, out);
    if (block == 3) convolve_block<3>(row, weights, bias, out);
    weights += depth * block * lanes;
    v += block;
  }
}

// Winograd's F(4,3) with the points 0, 1, -1, 2, -2 and infinity: six sums of six rows, six
// convolutions of one row, four sums of those.

// d: six values of a column; t: their sums.
HWY_INLINE void winograd_input(const FloatVector (&d)[6], FloatVector (&t)[6]) {
  const Floats tag;
  const FloatVector two = hn::Set(tag, 2.0f), four = hn::Set(tag, 4.0f), five = hn::Set(tag, 5.0f);
  const FloatVector even = hn::NegMulAdd(four, d[2], d[4]), odd = hn::NegMulAdd(four, d[1], d[3]);
  const FloatVector even2 = hn::Sub(d[4], d[2]), odd2 = hn::Sub(d[3], d[1]);
  t[0] = hn::MulAdd(four, d[0], hn::NegMulAdd(five, d[2], d[4]));
  t[1] = hn::Add(even, odd);
  t[2] = hn::Sub(even, odd);
  t[3] = hn::MulAdd(two, odd2, even2);
  t[4] = hn::NegMulAdd(two, odd2, even2);
  t[5] = hn::MulAdd(four, d[1], hn::NegMulAdd(five, d[3], d[5]));
}

// m: what the six convolutions give; y: the four rows, before the bias.
HWY_INLINE void winograd_output(const FloatVector (&m)[6], FloatVector (&y)[4]) {
  const Floats tag;
  const FloatVector two = hn::Set(tag, 2.0f), four = hn::Set(tag, 4.0f), eight = hn::Set(tag, 8.0f);
  const FloatVector sum = hn::Add(m[1], m[2]), difference = hn::Sub(m[1], m[2]);
  const FloatVector sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
  y[0] = hn::Add(hn::Add(m[0], sum), sum2);
  y[1] = hn::MulAdd(two, difference2, difference);
  y[2] = hn::MulAdd(four, sum2, sum);
  y[3] = hn::Add(hn::MulAdd(eight, difference2, difference), m[5]);
}

template <Precision precision>
constexpr int64_t bytes_of = precision == Precision::f32 ? 4 : 2;

// A vector of values in a feature map's precision; nothing need be aligned.
template <Precision precision>
HWY_INLINE FloatVector load_values(const std::byte* from) {
  const Floats d;
  if constexpr (precision == Precision::f32) {
    return hn::LoadU(d, reinterpret_cast<const float*>(from));
  } else {
    const hn::Rebind<uint32_t, Floats> wide;
    const hn::Rebind<uint16_t, Floats> half;
    const auto bits = hn::LoadU(half, reinterpret_cast<const uint16_t*>(from));
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wide, bits)));
  }
}

// To nearest, a half to the even one, as Kernels::narrow.
template <Precision precision>
HWY_INLINE void store_values(FloatVector values, std::byte* to) {
  const Floats d;
  if constexpr (precision == Precision::f32) {
    hn::StoreU(values, d, reinterpret_cast<float*>(to));
  } else {
    const hn::Rebind<uint32_t, Floats> wide;
    const hn::Rebind<int32_t, Floats> signed_wide;
    const hn::Rebind<uint16_t, Floats> half;
    const auto bits = hn::BitCast(wide, values);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(wide, 1u));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(wide, 0x7fffu))));
    hn::StoreU(hn::DemoteTo(half, hn::BitCast(signed_wide, rounded)), half,
               reinterpret_cast<uint16_t*>(to));
  }
}

// `count` values of the six rows from byte `offset` on; up to a vector more is written.
template <Precision precision>
HWY_INLINE void transform_run(const std::byte* const* rows, int64_t offset, int64_t count,
                              float* out, int64_t plane) {
  const Floats tag;
  constexpr int64_t lanes = hn::MaxLanes(tag);
  for (int64_t i = 0; i < count; i += lanes) {
    FloatVector d[6], t[6];
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r)
      d[r] = load_values<precision>(rows[r] + offset + i * bytes_of<precision>);
    winograd_input(d, t);
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) hn::StoreU(t[r], tag, out + r * plane + i);
  }
}

// The inputs' pixels side by side: [6][width + 2][channels]. Pixel by pixel, since a vector may
// reach into the next one, which then overwrites it.
HWY_INLINE void transform_inputs(const WinogradRows& run, int64_t plane) {
  const ConvInput& first = run.inputs[0];
  if (run.input_count == 1 && first.pixel == first.channels) {
    const int64_t count = (run.width + 2) * first.channels;
    if (first.precision == Precision::f32)
      transform_run<Precision::f32>(first.rows, 0, count, run.scratch, plane);
    else
      transform_run<Precision::bf16>(first.rows, 0, count, run.scratch, plane);
    return;
  }
  float* out = run.scratch;
  for (int64_t x = 0; x < run.width + 2; ++x) {
    for (int i = 0; i < run.input_count; ++i) {
      const ConvInput& input = run.inputs[i];
      if (input.precision == Precision::f32) {
        transform_run<Precision::f32>(input.rows, x * input.pixel * bytes_of<Precision::f32>,
                                      input.channels, out, plane);
      } else {
        transform_run<Precision::bf16>(input.rows, x * input.pixel * bytes_of<Precision::bf16>,
                                       input.channels, out, plane);
      }
      out += input.channels;
    }
  }
}

// One of the six convolutions of one row, for one tile.
template <int pixels, int vectors>
HWY_ATTR void winograd_tile(const float* in, int64_t channels, const float* weights, float* out) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  FloatVector sums[pixels][vectors];
  set_all<pixels, vectors>(sums, nullptr);
  accumulate<pixels, vectors>(in, channels, 3 * channels, weights, sums);
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) hn::StoreU(sums[p][v], d, out + (p * vectors + v) * lanes);
  }
}

// From the six convolutions' results, a vector every `step` floats, to four rows.
template <Precision precision>
HWY_ATTR void store_rows(const WinogradRows& run, const float* products, int64_t step,
                         int64_t channel) {
  const Floats d;
  const int64_t plane = run.width * step;
  const FloatVector bias = hn::LoadU(d, run.bias + channel);
  for (int64_t x = 0; x < run.width; ++x) {
    FloatVector m[6], y[4];
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) m[r] = hn::LoadU(d, products + r * plane + x * step);
    winograd_output(m, y);
    const int64_t place = (x * run.out_pixel + channel) * bytes_of<precision>;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      if (run.out[size_t(r)] == nullptr) continue;
      store_values<precision>(rectified(hn::Add(y[r], bias), run.rectifier),
                              run.out[size_t(r)] + place);
    }
  }
}

template <int vectors>
HWY_ATTR void winograd_block(const WinogradRows& run, const float* weights, int first_vector,
                             int64_t plane) {
  constexpr int64_t lanes = hn::MaxLanes(Floats());
  const int64_t depth = 3 * run.channels;
  float* products = run.scratch + winograd_rows * plane;  // [6][width][vectors]
  const int64_t products_plane = run.width * vectors * lanes;
  for (int r = 0; r < winograd_rows; ++r) {
    const float* in = run.scratch + r * plane;
    float* out = products + r * products_plane;
    for_register_tiles<accumulators / vectors>(run.width, [&](auto pixels, int64_t x) HWY_ATTR {
      winograd_tile<pixels(), vectors>(in + x * run.channels, run.channels, weights,
                                       out + x * vectors * lanes);
    });
    weights += depth * vectors * lanes;
  }
  for (int v = 0; v < vectors; ++v) {
    const int64_t channel = (first_vector + v) * lanes;
    if (run.out_precision == Precision::f32)
      store_rows<Precision::f32>(run, products + v * lanes, vectors * lanes, channel);
    else
      store_rows<Precision::bf16>(run, products + v * lanes, vectors * lanes, channel);
  }
}

inline HWY_ATTR void conv2d_winograd(const WinogradRows& run) {
  constexpr int64_t lanes = hn::MaxLanes(Floats());
  const int64_t plane = (run.width + 2) * run.channels + lanes;
  transform_inputs(run, plane);
  const float* weights = run.weights;
  for (int v = 0; v < run.vectors;) {
    const int block = next_block(run.vectors - v);
    if (block == 1) winograd_block<1>(run, weights, v, plane);
    if (block == 2) winograd_block<2>(run, weights, v, plane);
    if (block == 3) winograd_block<3>(run, weights, v, plane);
    weights += winograd_rows * 3 * run.channels * block * lanes;
    v += block;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#endif
