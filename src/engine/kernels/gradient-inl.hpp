// The gradient of a convolution's weights, over one run of pixels. Included once for every
// instruction set by kernels.cpp.
//
// A register tile of taps x two vectors of output channels stays in registers through all pixels:
// the loop of convolve-inl.hpp with pixels and taps changed over, and with the same loads for each
// multiply-add.
#if defined(HYPERCONV_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HYPERCONV_GRADIENT_INL
#undef HYPERCONV_GRADIENT_INL
#else
#define HYPERCONV_GRADIENT_INL
#endif

#include <hwy/highway.h>

#include "engine/kernels/convolve-inl.hpp"
#include "engine/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

// Taps from `tap` on, vectors from `vector` on.
template <int taps, int vectors>
HWY_ATTR void gradient_tile(const TapGradients& run, int64_t tap, int vector) {
  const Floats d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  FloatVector sums[taps][vectors];
  set_all<taps, vectors>(sums, nullptr);
  const float* HWY_RESTRICT in = run.in + tap;
  const float* HWY_RESTRICT gradient = run.gradient + vector * lanes;
  for (int64_t x = 0; x < run.width; ++x) {
    FloatVector g[vectors];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) g[v] = hn::LoadU(d, gradient + v * lanes);
#pragma GCC unroll 24
    for (int t = 0; t < taps; ++t) {
      const FloatVector value = hn::Set(d, in[t]);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) sums[t][v] = hn::MulAdd(value, g[v], sums[t][v]);
    }
    in += run.in_pixel;
    gradient += run.gradient_pixel;
  }
#pragma GCC unroll 24
  for (int t = 0; t < taps; ++t) {
    float* to = run.sums + ((tap + t) * run.vectors + vector) * lanes;
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v)
      hn::StoreU(hn::Add(hn::LoadU(d, to + v * lanes), sums[t][v]), d, to + v * lanes);
  }
}

template <int vectors>
HWY_ATTR void gradient_block(const TapGradients& run, int vector) {
  constexpr int tile = accumulators / vectors;
  int64_t tap = 0;
  for (; tap + tile <= run.taps; tap += tile) gradient_tile<tile, vectors>(run, tap, vector);
  for (; tap + 3 <= run.taps; tap += 3) gradient_tile<3, vectors>(run, tap, vector);
  for (; tap < run.taps; ++tap) gradient_tile<1, vectors>(run, tap, vector);
}

inline HWY_ATTR void tap_gradients(const TapGradients& run) {
  for (int v = 0; v < run.vectors;) {
    const int block = next_block(run.vectors - v);
    if (block == 1) gradient_block<1>(run, v);
    if (block == 2) gradient_block<2>(run, v);
    if (block == 3) gradient_block<3>(run, v);
    v += block;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#endif
