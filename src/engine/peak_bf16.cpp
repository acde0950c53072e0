#include "engine/peak_bf16.hpp"

#include "engine/kernels/bf16_machine.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace hyperconv {

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

// As many tiles of sums as convolutions have (kernels/bf16_amx.cpp): a product takes 52 cycles, and
// one is started every 16 (Intel 64 and IA-32 Architectures Optimization Reference Manual, AMX).
__attribute__((target("amx-tile,amx-bf16"))) double bf16_tiles(int64_t rounds, float* result) {
  constexpr int tiles = 4, rows = 16, columns = 16, flops_a_product = 2 * rows * columns * 32;
  static const TileShapes shapes;
  alignas(64) uint16_t tiny[rows * 32];
  for (uint16_t& value : tiny) value = 0x3580;
  alignas(64) float sums[rows * columns];
  _tile_loadconfig(&shapes);
  asm volatile("" ::: "memory");
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, tiny, 64);
  _tile_loadd(5, tiny, 64);
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, sums, 64);
  _tile_release();
  *result = sums[0];
  return double(rounds) * tiles * flops_a_product;
}

}  // namespace hyperconv

#else

namespace hyperconv {

double bf16_dot(int64_t, float*) { return 0; }

double bf16_tiles(int64_t, float*) { return 0; }

}  // namespace hyperconv

#endif
