// AVX512_BF16: a register tile of pixels x two sixteens of output channels, as in convolve-inl.hpp;
// for each pair of values, two loads of weights, a broadcast a pixel, and a dot product for every
// accumulator.
#include "engine/kernels/bf16_machine.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/integers.hpp"
#include "engine/kernels/bf16_store-inl.hpp"

#define HYPERCONV_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
/// Sums stay in registers only where all is one function.
#define HYPERCONV_AVX512_BF16_INLINE HYPERCONV_AVX512_BF16 __attribute__((always_inline)) inline

namespace hyperconv {
namespace {

/// Of 32 registers: the others hold three taps' weights of two blocks and a value, with some to
/// spare for the compiler.
constexpr int accumulators = 20;

/// Two values side by side, or one beside a zero.
template <class Bits>
uint32_t bits_at(const std::byte* values, int64_t index) {
  Bits bits = 0;
  std::memcpy(&bits, values + 2 * index, sizeof bits);
  return bits;
}

/// `Bits`: of a pair of values, or of the last of an odd number.
template <class Bits, int pixels, int blocks>
HYPERCONV_AVX512_BF16_INLINE void accumulate_pair(const std::byte* in, int64_t step,
                                                  const std::byte* weights,
                                                  __m512 (&sums)[pixels][blocks]) {
  __m512bh w[blocks];
#pragma GCC unroll 2
  for (int b = 0; b < blocks; ++b)
    w[b] = __m512bh(_mm512_loadu_si512(weights + 2 * b * bf16_block));
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p) {
    const auto x = __m512bh(_mm512_set1_epi32(int(bits_at<Bits>(in, p * step))));
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) sums[p][b] = _mm512_dpbf16_ps(sums[p][b], x, w[b]);
  }
}

template <int pixels, int blocks>
HYPERCONV_AVX512_BF16_INLINE void accumulate_run(const std::byte* in, int64_t step, int64_t depth,
                                                 const std::byte* weights, int64_t out_blocks,
                                                 __m512 (&sums)[pixels][blocks]) {
  for (; depth > 0; depth -= bf16_depth) {
    const int64_t values = std::min<int64_t>(bf16_depth, depth);
    for (int64_t c = 0; c + 1 < values; c += 2)
      accumulate_pair<uint32_t>(in + 2 * c, step, weights + 2 * c * bf16_outs, sums);
    if (values % 2 != 0)
      accumulate_pair<uint16_t>(in + 2 * (values - 1), step, weights + 2 * (values - 1) * bf16_outs,
                                sums);
    in += 2 * bf16_depth;
    weights += 2 * out_blocks * bf16_block;
  }
}

/// Places of up to 27 pixels side by side from few registers: x86-64 adds a register times 1, 2, 4
/// or 8 to another one as it loads.
struct PixelPlaces {
  static constexpr int pixels_of_start = 9;

  PixelPlaces(const std::byte* in, int64_t step)
      : starts{in, in + 9 * step, in + 18 * step},
        one(step),
        three(3 * step),
        five(5 * step),
        seven(7 * step) {
    // Keeps the compiler from counting up an address for every pixel.
    asm volatile(""
                 : "+r"(one), "+r"(three), "+r"(five), "+r"(seven), "+r"(starts[0]),
                   "+r"(starts[1]), "+r"(starts[2]));
  }

  HYPERCONV_AVX512_BF16_INLINE const std::byte* at(int pixel) const {
    const std::byte* start = starts[pixel / pixels_of_start];
    switch (pixel % pixels_of_start) {
      case 1:
        return start + one;
      case 2:
        return start + 2 * one;
      case 3:
        return start + three;
      case 4:
        return start + 4 * one;
      case 5:
        return start + five;
      case 6:
        return start + 2 * three;
      case 7:
        return start + seven;
      case 8:
        return start + 8 * one;
      default:
        return start;
    }
  }
  HYPERCONV_AVX512_BF16_INLINE void next_pair() {
    for (const std::byte*& start : starts) start += 4;
  }

  const std::byte* starts[3];
  int64_t one, three, five, seven;
};

/// Where the weights of pairs of channels stand, for one row of three taps: those of Bf16Row, of an
/// input without gaps.
struct RowOfTaps {
  const std::byte* first;
  int64_t channels;
  int64_t depth_bytes;  ///< from a block to the next of the same output channels

  static constexpr int64_t out_block_bytes() { return 2 * bf16_block; }
  HYPERCONV_AVX512_BF16_INLINE const std::byte* at(int kx, int64_t channel) const {
    const int64_t value = kx * channels + channel;
    return first + value / bf16_depth * depth_bytes + value % bf16_depth * 2 * bf16_outs;
  }
};

/// Those of Bf16WinogradRows, of one transformed row.
struct WinogradTaps {
  const std::byte* first;
  int64_t channels;

  int64_t out_block_bytes() const { return channels / 2 * 3 * 4 * bf16_outs; }
  HYPERCONV_AVX512_BF16_INLINE const std::byte* at(int kx, int64_t channel) const {
    return first + (channel / 2 * 3 + kx) * 4 * bf16_outs;
  }
};

/// Three taps of pixels without gaps, of an even number of channels: each pair of values is
/// broadcast once and multiplied with all three taps' weights.
template <int pixels, int blocks, class Weights>
HYPERCONV_AVX512_BF16_INLINE void accumulate_three_taps(const std::byte* in, int64_t channels,
                                                        const Weights& weights,
                                                        __m512 (&sums)[pixels][blocks]) {
  constexpr int taps = 3;
  PixelPlaces places(in, 2 * channels);
  for (int64_t c = 0; c < channels; c += 2) {
    __m512bh w[taps][blocks];
#pragma GCC unroll 3
    for (int kx = 0; kx < taps; ++kx) {
      const std::byte* pair = weights.at(kx, c);
#pragma GCC unroll 2
      for (int b = 0; b < blocks; ++b)
        w[kx][b] = __m512bh(_mm512_loadu_si512(pair + b * weights.out_block_bytes()));
    }
#pragma GCC unroll 26
    for (int p = 0; p < pixels + taps - 1; ++p) {
      const auto x = __m512bh(_mm512_set1_epi32(int(bits_at<uint32_t>(places.at(p), 0))));
#pragma GCC unroll 3
      for (int kx = 0; kx < taps; ++kx) {
        if (p < kx || p - kx >= pixels) continue;
#pragma GCC unroll 2
        for (int b = 0; b < blocks; ++b)
          sums[p - kx][b] = _mm512_dpbf16_ps(sums[p - kx][b], x, w[kx][b]);
      }
    }
    places.next_pair();
  }
}

template <int pixels, int blocks>
HYPERCONV_AVX512_BF16 void convolve_tile(const Bf16Row& row, int64_t x, int64_t first_block) {
  __m512 sums[pixels][blocks];
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b)
      sums[p][b] = _mm512_loadu_ps(row.bias + (first_block + b) * bf16_outs);
  const std::byte* weights = row.weights + 2 * first_block * bf16_block;
  for (int i = 0; i < row.input_count; ++i) {
    const Bf16Input& input = row.inputs[i];
    const Bf16Taps taps{row.kernel, input.channels, input.is_dense()};
    const int64_t step = row.stride * input.pixel;
    const bool shares_taps =
        taps.dense && row.kernel == 3 && row.stride == 1 && input.channels % 2 == 0;
    for (int ky = 0; ky < row.kernel; ++ky) {
      const std::byte* in = input.rows[ky] + 2 * x * step;
      if (shares_taps) {
        const RowOfTaps taps_of_row{weights, input.channels, 2 * row.out_blocks * bf16_block};
        accumulate_three_taps(in, input.channels, taps_of_row, sums);
        weights += 2 * taps.blocks_of_run() * row.out_blocks * bf16_block;
        continue;
      }
      for (int64_t run = 0; run < taps.runs(); ++run) {
        accumulate_run<pixels, blocks>(in + 2 * run * input.pixel, step, taps.depth(), weights,
                                       row.out_blocks, sums);
        weights += 2 * taps.blocks_of_run() * row.out_blocks * bf16_block;
      }
    }
  }
#pragma GCC unroll 24
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) store_bf16_sum(row, x + p, first_block + b, sums[p][b]);
}

/// `tile(size, x)` for tiles of pixels that cover `width`: of `most` pixels, of fewer where the row
/// is shorter. The last tile overlaps the one before it, and writes the same values again. `size`
/// is a std::integral_constant.
template <int most, class Tile>
void for_tiles(int64_t width, const Tile& tile) {
  if constexpr (most > 1) {
    if (width < most) return for_tiles<most / 2>(width, tile);
  }
  for (int64_t x = 0; x < width; x += most)
    tile(std::integral_constant<int, most>(), std::min(x, width - most));
}

template <int blocks>
void convolve_blocks(const Bf16Row& row, int64_t first_block) {
  for_tiles<accumulators / blocks>(row.width, [&](auto pixels, int64_t x) {
    convolve_tile<pixels(), blocks>(row, x, first_block);
  });
}

/// 32 bf16 numbers, those at even places and those at odd ones as floats.
struct EvenOdd {
  __m512 even, odd;
};
HYPERCONV_AVX512_BF16_INLINE EvenOdd even_odd(const std::byte* values, __mmask32 mask) {
  const __m512i bits = _mm512_maskz_loadu_epi16(mask, values);
  return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)),
          _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(int(0xffff0000u))))};
}
HYPERCONV_AVX512_BF16_INLINE void store_even_odd(__m512 even, __m512 odd, std::byte* to,
                                                 __mmask32 mask) {
  const __m512i low = _mm512_cvtepu16_epi32(__m256i(_mm512_cvtneps_pbh(even)));
  const __m512i high = _mm512_cvtepu16_epi32(__m256i(_mm512_cvtneps_pbh(odd)));
  _mm512_mask_storeu_epi16(to, mask, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/// The four transformed rows of `count` values side by side; the rows of `to` are `row` bytes
/// apart.
HYPERCONV_AVX512_BF16 void transform_rows(const std::byte* const* in, int64_t count, std::byte* to,
                                          int64_t row) {
  constexpr int64_t values = 32;
  for (int64_t i = 0; i < count; i += values) {
    const int64_t left = count - i;
    const auto mask = left >= values ? __mmask32(0xffffffffu) : __mmask32((1u << left) - 1);
    const EvenOdd d0 = even_odd(in[0] + 2 * i, mask);
    const EvenOdd d1 = even_odd(in[1] + 2 * i, mask);
    const EvenOdd d2 = even_odd(in[2] + 2 * i, mask);
    const EvenOdd d3 = even_odd(in[3] + 2 * i, mask);
    std::byte* at = to + 2 * i;
    store_even_odd(_mm512_sub_ps(d0.even, d2.even), _mm512_sub_ps(d0.odd, d2.odd), at, mask);
    store_even_odd(_mm512_add_ps(d1.even, d2.even), _mm512_add_ps(d1.odd, d2.odd), at + row, mask);
    store_even_odd(_mm512_sub_ps(d2.even, d1.even), _mm512_sub_ps(d2.odd, d1.odd), at + 2 * row,
                   mask);
    store_even_odd(_mm512_sub_ps(d3.even, d1.even), _mm512_sub_ps(d3.odd, d1.odd), at + 3 * row,
                   mask);
  }
}

/// One input after the other: [input][4][pixel][channel].
HYPERCONV_AVX512_BF16 void transform_inputs(const Bf16WinogradRows& rows) {
  std::byte* to = rows.scratch;
  for (int i = 0; i < rows.input_count; ++i) {
    const int64_t count = (rows.width + 2) * rows.inputs[i].channels;
    transform_rows(rows.inputs[i].rows, count, to, 2 * count);
    to += bf16_winograd_rows * 2 * count;
  }
}

template <int pixels, int blocks>
HYPERCONV_AVX512_BF16_INLINE void accumulate_transformed(const Bf16WinogradRows& rows, int r,
                                                         int64_t x, int64_t first_block,
                                                         __m512 (&sums)[pixels][blocks]) {
  WinogradTaps taps{rows.weights, rows.channels};
  taps.first += (r * rows.out_blocks + first_block) * taps.out_block_bytes();
  const std::byte* transformed = rows.scratch;
  for (int i = 0; i < rows.input_count; ++i) {
    const int64_t channels = rows.inputs[i].channels, row = (rows.width + 2) * channels;
    accumulate_three_taps(transformed + 2 * (r * row + x * channels), channels, taps, sums);
    transformed += bf16_winograd_rows * 2 * row;
    taps.first = taps.at(0, channels);
  }
}

/// `outs`: where the two rows' sums go.
template <int pixels, int blocks>
HYPERCONV_AVX512_BF16 void winograd_tile(const Bf16WinogradRows& rows,
                                         const std::array<Bf16Row, 2>& outs, int64_t x,
                                         int64_t first_block) {
  // The sums of one transformed row at a time are in registers; what both output rows share waits.
  __m512 sums[pixels][blocks], others[pixels][blocks];
#pragma GCC unroll 20
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) sums[p][b] = _mm512_setzero_ps();
  accumulate_transformed(rows, 1, x, first_block, sums);
#pragma GCC unroll 20
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) {
      others[p][b] = sums[p][b];
      sums[p][b] = _mm512_setzero_ps();
    }
  accumulate_transformed(rows, 2, x, first_block, sums);
#pragma GCC unroll 20
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) {
      const __m512 bias = _mm512_loadu_ps(rows.bias + (first_block + b) * bf16_outs);
      const __m512 shared = _mm512_add_ps(others[p][b], bias);
      others[p][b] = _mm512_sub_ps(shared, sums[p][b]);
      sums[p][b] = _mm512_add_ps(shared, sums[p][b]);
    }
  if (outs[0].out != nullptr) {
    accumulate_transformed(rows, 0, x, first_block, sums);
#pragma GCC unroll 20
    for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
      for (int b = 0; b < blocks; ++b) store_bf16_sum(outs[0], x + p, first_block + b, sums[p][b]);
  }
  if (outs[1].out == nullptr) return;
#pragma GCC unroll 20
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) sums[p][b] = others[p][b];
  accumulate_transformed(rows, 3, x, first_block, sums);
#pragma GCC unroll 20
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) store_bf16_sum(outs[1], x + p, first_block + b, sums[p][b]);
}

template <int blocks>
void winograd_blocks(const Bf16WinogradRows& rows, const std::array<Bf16Row, 2>& outs,
                     int64_t first_block) {
  for_tiles<accumulators / blocks>(rows.width, [&](auto pixels, int64_t x) {
    winograd_tile<pixels(), blocks>(rows, outs, x, first_block);
  });
}

/// 16 channels of pixel x from `channel` on, in the lower halves of 32 bits; zeros where there are
/// none.
HYPERCONV_AVX512_BF16_INLINE __m512i halves_at(const Bf16Pixels& pixels, int64_t x,
                                               int64_t channel) {
  if (x >= pixels.width) return _mm512_setzero_si512();
  const int64_t left = std::min<int64_t>(pixels.channels - channel, bf16_outs);
  const __m512 values =
      _mm512_maskz_loadu_ps(__mmask16((1u << left) - 1), pixels.in + x * pixels.channels + channel);
  return _mm512_cvtepu16_epi32(__m256i(_mm512_cvtneps_pbh(values)));
}

/// Pixels x and x + 1, a pair in every 32 bits.
HYPERCONV_AVX512_BF16_INLINE __m512i pairs_at(const Bf16Pixels& pixels, int64_t x,
                                              int64_t channel) {
  return _mm512_or_si512(halves_at(pixels, x, channel),
                         _mm512_slli_epi32(halves_at(pixels, x + 1, channel), 16));
}

/// 16 x 16 numbers of 32 bits, rows and columns exchanged.
HYPERCONV_AVX512_BF16_INLINE void transpose_16(__m512i (&rows)[16]) {
  __m512i t[16];
  // Pairs of rows, then fours: each 128 bits hold one column of four rows.
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    rows[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    rows[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    rows[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    rows[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  // 128 bits q of rows[4 i + j] hold column 4 q + j of rows 4 i to 4 i + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i a = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0x88);
    const __m512i d = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0xdd);
    t[j] = _mm512_shuffle_i32x4(a, c, 0x88);
    t[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
    t[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
    t[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) rows[i] = t[i];
}

HYPERCONV_AVX512_BF16 void interleave_all(const Bf16Pixels& pixels) {
  std::byte* to = pixels.out;
  for (int64_t x = 0; x < round_up(pixels.width, bf16_depth); x += 2)
    for (int64_t c = 0; c < pixels.channels; c += bf16_outs) {
      _mm512_storeu_si512(to, pairs_at(pixels, x, c));
      to += 4 * bf16_outs;
    }
}

HYPERCONV_AVX512_BF16 void transpose_all(const Bf16Pixels& pixels, int64_t row) {
  for (int64_t c = 0; c < pixels.channels; c += bf16_outs)
    for (int64_t x = 0; x < pixels.width; x += bf16_depth) {
      __m512i square[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) square[i] = pairs_at(pixels, x + 2 * i, c);
      transpose_16(square);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i)
        _mm512_storeu_si512(pixels.out + 2 * ((c + i) * row + x), square[i]);
    }
}

/// Taps of one column kx, channels from `channel` on, blocks of output channels from `block` on.
template <int channels, int blocks>
HYPERCONV_AVX512_BF16 void gradient_tile(const Bf16TapGradients& run, int kx, int64_t channel,
                                         int64_t block) {
  __m512 sums[channels][blocks];
#pragma GCC unroll 8
  for (int c = 0; c < channels; ++c)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) sums[c][b] = _mm512_setzero_ps();
  const std::byte* in = run.in + 2 * (channel * run.in_row + kx);
  const std::byte* gradient = run.gradient + 4 * block * bf16_outs;
  for (int64_t x = 0; x < run.width; x += 2) {
    __m512bh g[blocks];
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b)
      g[b] = __m512bh(_mm512_loadu_si512(gradient + 4 * b * bf16_outs));
#pragma GCC unroll 8
    for (int c = 0; c < channels; ++c) {
      const auto value =
          __m512bh(_mm512_set1_epi32(int(bits_at<uint32_t>(in, c * run.in_row + x))));
#pragma GCC unroll 2
      for (int b = 0; b < blocks; ++b) sums[c][b] = _mm512_dpbf16_ps(sums[c][b], value, g[b]);
    }
    gradient += 4 * run.out_blocks * bf16_outs;
  }
#pragma GCC unroll 8
  for (int c = 0; c < channels; ++c)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; ++b) {
      float* to =
          run.sums + ((kx * run.channels + channel + c) * run.out_blocks + block + b) * bf16_outs;
      _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sums[c][b]));
    }
}

template <int blocks>
void gradient_tiles(const Bf16TapGradients& run, int kx, int64_t block) {
  int64_t c = 0;
  for (; c + 8 <= run.channels; c += 8) gradient_tile<8, blocks>(run, kx, c, block);
  for (; c < run.channels; ++c) gradient_tile<1, blocks>(run, kx, c, block);
}

}  // namespace

void interleave_avx512_bf16(const Bf16Pixels& pixels) { interleave_all(pixels); }

void transpose_avx512_bf16(const Bf16Pixels& pixels, int64_t row) { transpose_all(pixels, row); }

void tap_gradients_avx512_bf16(const Bf16TapGradients& run) {
  for (int kx = 0; kx < run.kernel; ++kx) {
    int64_t block = 0;
    for (; block + 2 <= run.out_blocks; block += 2) gradient_tiles<2>(run, kx, block);
    if (block < run.out_blocks) gradient_tiles<1>(run, kx, block);
  }
}

// Asks for what the system saves too (XCR0), not only for what the processor has.
bool has_avx512_bf16() { return __builtin_cpu_supports("avx512bf16") != 0; }

void conv2d_avx512_bf16(const Bf16Row& row) {
  for (int64_t block = 0; block < row.out_blocks; block += 2) {
    if (block + 1 < row.out_blocks)
      convolve_blocks<2>(row, block);
    else
      convolve_blocks<1>(row, block);
  }
}

void conv2d_winograd_avx512_bf16(const Bf16WinogradRows& rows) {
  transform_inputs(rows);
  std::array<Bf16Row, 2> outs{};
  for (size_t r = 0; r < outs.size(); ++r) {
    outs[r].rectifier = rows.rectifier;
    outs[r].out = rows.out[r];
    outs[r].out_channels = rows.out_channels;
    outs[r].out_precision = rows.out_precision;
    outs[r].out_pixel = rows.out_pixel;
  }
  for (int64_t block = 0; block < rows.out_blocks; block += 2) {
    if (block + 1 < rows.out_blocks)
      winograd_blocks<2>(rows, outs, block);
    else
      winograd_blocks<1>(rows, outs, block);
  }
}

}  // namespace hyperconv

#endif
