// Direct convolution of one row. Included once for every instruction set by kernels.cpp.
//
// A tile of pixels x two vectors of output channels is held in registers while all taps of all
// input channels pass by: for each tap and channel, two loads of weights, one broadcast a pixel,
// and a fused multiply-add for every accumulator. With AVX2's sixteen registers: 6 x 2 accumulators
// (more than the 8 that hide the latency of two multiply-adds a cycle), 2 weights, 1 broadcast;
// eight loads for twelve multiply-adds keep the load ports below their limit.
#if defined(HYPERCONV_CONVOLVE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HYPERCONV_CONVOLVE_INL
#undef HYPERCONV_CONVOLVE_INL
#else
#define HYPERCONV_CONVOLVE_INL
#endif

#include <hwy/highway.h>

#include "engine/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// Accumulators: 12 of 16 registers, 24 of AVX-512's 32.
constexpr int accumulators = HWY_TARGET <= HWY_AVX3 ? 24 : 12;

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
HWY_ATTR void convolve_tile(const ConvRow& row, int64_t x, const float* weights, const float* bias,
                            float* out) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  FloatVector sums[pixels][vectors];
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) sums[p][v] = hn::LoadU(d, bias + v * lanes);
  }
  for (int i = 0; i < row.input_count; ++i) {
    const ConvInput& input = row.inputs[i];
    // Where pixels lie without gaps, the taps of a row are one run.
    const bool dense = input.pixel == input.channels;
    const int64_t depth = dense ? row.kernel * input.channels : input.channels;
    const int columns = dense ? 1 : row.kernel;
    const int64_t step = row.stride * input.pixel;
    for (int ky = 0; ky < row.kernel; ++ky) {
      const float* in = input.data + (row.x + x) * step + (row.y * row.stride + ky) * input.row;
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

template <int vectors>
HWY_ATTR void convolve_block(const ConvRow& row, const float* weights, const float* bias,
                             float* out) {
  constexpr int pixels = accumulators / vectors;
  if (row.width < pixels) {
    for (int64_t x = 0; x < row.width; ++x) {
      convolve_tile<1, vectors>(row, x, weights, bias, out + x * row.out_pixel);
    }
    return;
  }
  for (int64_t x = 0; x < row.width; x += pixels) {
    // The last tile overlaps the one before it, and writes the same values again.
    const int64_t start = x + pixels > row.width ? row.width - pixels : x;
    convolve_tile<pixels, vectors>(row, start, weights, bias, out + start * row.out_pixel);
  }
}

inline HWY_ATTR void convolve(const ConvRow& row) {
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

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#endif
