// What both x86-64 implementations do with a sum before they store it.
#pragma once

#include <immintrin.h>

#include "engine/kernels/bf16.hpp"

namespace hyperconv {

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) inline __m512 rectified(
    __m512 value, Rectifier rectifier) {
  switch (rectifier) {
    case Rectifier::none:
      return value;
    case Rectifier::relu:
      return _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), value);
    case Rectifier::leaky_relu:
      return _mm512_maskz_max_ps(0xffff, _mm512_mul_ps(value, _mm512_set1_ps(leaky_slope)), value);
  }
  return value;
}

/// The sums of pixel x for the output channels of a block.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) inline void store_bf16_sum(
    const Bf16Row& row, int64_t x, int64_t block, __m512 sum) {
  const __m512 value = rectified(sum, row.rectifier);
  const int64_t index = x * row.out_pixel + block * bf16_outs;
  const int64_t left = row.out_channels - block * bf16_outs;
  const auto mask = left >= bf16_outs ? __mmask16(0xffff) : __mmask16((1u << left) - 1);
  if (row.out_precision == Precision::f32)
    _mm512_mask_storeu_ps(row.out + 4 * index, mask, value);
  else
    _mm256_mask_storeu_epi16(row.out + 2 * index, mask, __m256i(_mm512_cvtneps_pbh(value)));
}

}  // namespace hyperconv
