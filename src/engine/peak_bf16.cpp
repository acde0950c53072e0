#include "engine/peak_bf16.hpp"

#include "engine/peak.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace hyperconv {

// Asks for what the system saves too (XCR0), not only for what the processor has.
bool has_bf16() { return __builtin_cpu_supports("avx512bf16") != 0; }

// As many chains as in peak.cpp and for the same reason; a dot product takes up to six cycles.
__attribute__((target("avx512f,avx512bf16"))) double bf16_dot(int64_t rounds, float* result) {
  constexpr int chains = 12, pairs = 16, flops_a_pair = 4;
  // Bits of the bf16 number 2^-20 in both halves: sums stay small for any number of rounds.
  const auto tiny = __m512bh(_mm512_set1_epi32(0x35803580));
  __m512 sums[chains];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm512_dpbf16_ps(sums[c], tiny, tiny);
  }
  __m512 total = _mm512_setzero_ps();
  for (const __m512& sum : sums) total = _mm512_add_ps(total, sum);
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, total);
  *result = 0;
  for (const float lane : lanes) *result += lane;
  return double(rounds) * chains * pairs * flops_a_pair;
}

}  // namespace hyperconv

#else

namespace hyperconv {

bool has_bf16() { return false; }

double bf16_dot(int64_t, float*) { return 0; }

}  // namespace hyperconv

#endif
