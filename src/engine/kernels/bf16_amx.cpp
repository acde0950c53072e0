// AMX: tiles of 16 pixels x 32 values times 32 values x 16 output channels. Four tiles of sums stay
// in registers through all taps of all inputs, so that every tile that is loaded is used twice
// (2 x 2) or, for a single sixteen of output channels, weights are used four times.
#include "engine/kernels/bf16_machine.hpp"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/kernels/bf16_store-inl.hpp"

#define HYPERCONV_AMX \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))

namespace hyperconv {
namespace {

constexpr int tile_pixels = 16;
/// Bytes of a row of any of the tiles.
constexpr int64_t tile_row = 64;

/// The tile registers, for as long as it lives: while they hold something, saving a thread takes
/// longer.
class TileRegisters {
 public:
  HYPERCONV_AMX TileRegisters() {
    static const TileShapes shapes;
    _tile_loadconfig(&shapes);
  }
  HYPERCONV_AMX ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

/// Pixels of the inputs' rows, for tiles at some x.
struct TileRows {
  const std::byte* const* rows;  ///< of all inputs, `kernel` each, at the tile's first pixel
  int64_t out_x;                 ///< the tile's first output pixel
  int64_t valid;                 ///< pixels that are stored
};

/// Sums of `across` tiles of pixels by `blocks` sixteens of output channels. Registers: 0 to 3
/// sums, 4 and 5 pixels, 6 and 7 weights.
template <int across, int blocks>
HYPERCONV_AMX void convolve_tiles(const Bf16Row& row, const TileRows& tiles, int64_t first_block) {
  static_assert(across * blocks <= 4 && across <= 4 && blocks <= 2);
  const float* bias = row.bias + first_block * bf16_outs;
  // A bias in each row of a tile: rows that lie 0 bytes apart.
  _tile_loadd(0, bias, 0);
  if constexpr (blocks == 2) {
    _tile_loadd(1, bias + bf16_outs, 0);
    if constexpr (across == 2) {
      _tile_loadd(2, bias, 0);
      _tile_loadd(3, bias + bf16_outs, 0);
    }
  } else {
    if constexpr (across >= 2) _tile_loadd(1, bias, 0);
    if constexpr (across == 4) {
      _tile_loadd(2, bias, 0);
      _tile_loadd(3, bias, 0);
    }
  }
  const std::byte* weights = row.weights + 2 * first_block * bf16_block;
  const int64_t next_weights = 2 * row.out_blocks * bf16_block;
  const std::byte* const* rows = tiles.rows;
  for (int i = 0; i < row.input_count; ++i) {
    const Bf16Input& input = row.inputs[i];
    const Bf16Taps taps{row.kernel, input.channels, input.is_dense()};
    const int64_t step = 2 * row.stride * input.pixel, next_tile = tile_pixels * step;
    const int64_t runs = taps.runs(), blocks_of_run = taps.blocks_of_run();
    for (int ky = 0; ky < row.kernel; ++ky) {
      for (int64_t run = 0; run < runs; ++run) {
        const std::byte* in = *rows + 2 * run * input.pixel;
        for (int64_t b = 0; b < blocks_of_run; ++b) {
          _tile_loadd(6, weights, tile_row);
          _tile_loadd(4, in, step);
          _tile_dpbf16ps(0, 4, 6);
          if constexpr (blocks == 2) {
            _tile_loadd(7, weights + 2 * bf16_block, tile_row);
            _tile_dpbf16ps(1, 4, 7);
            if constexpr (across == 2) {
              _tile_loadd(5, in + next_tile, step);
              _tile_dpbf16ps(2, 5, 6);
              _tile_dpbf16ps(3, 5, 7);
            }
          } else {
            if constexpr (across >= 2) {
              _tile_loadd(5, in + next_tile, step);
              _tile_dpbf16ps(1, 5, 6);
            }
            if constexpr (across == 4) {
              _tile_loadd(7, in + 2 * next_tile, step);
              _tile_dpbf16ps(2, 7, 6);
              _tile_loadd(4, in + 3 * next_tile, step);
              _tile_dpbf16ps(3, 4, 6);
            }
          }
          in += tile_row;
          weights += next_weights;
        }
      }
      ++rows;
    }
  }
  alignas(64) float sums[across * blocks][tile_pixels * bf16_outs];
  _tile_stored(0, sums[0], tile_row);
  if constexpr (across * blocks > 1) _tile_stored(1, sums[1], tile_row);
  if constexpr (across * blocks > 2) {
    _tile_stored(2, sums[2], tile_row);
    _tile_stored(3, sums[3], tile_row);
  }
  for (int tile = 0; tile < across; ++tile) {
    const int64_t first = tile * tile_pixels;
    const int64_t count = std::min<int64_t>(tile_pixels, tiles.valid - first);
    for (int64_t p = 0; p < count; ++p) {
#pragma GCC unroll 2
      for (int b = 0; b < blocks; ++b)
        store_bf16_sum(row, tiles.out_x + first + p, first_block + b,
                       _mm512_load_ps(sums[tile * blocks + b] + p * bf16_outs));
    }
  }
}

/// All output channels of `across` tiles: two sixteens at a time, then a last odd one.
template <int across>
void convolve_all(const Bf16Row& row, const TileRows& tiles) {
  const int64_t even = row.out_blocks / 2 * 2;
  for (int64_t block = 0; block < even; block += 2) convolve_tiles<across, 2>(row, tiles, block);
  if (even < row.out_blocks) convolve_tiles<across, 1>(row, tiles, even);
}

/// The values that a tile reads of an input's row of taps, from its first pixel on: the last run's
/// last block ends beyond its taps, on weights that are zero.
int64_t values_read(const Bf16Row& row, const Bf16Input& input, int64_t pixels) {
  const Bf16Taps taps{row.kernel, input.channels, input.is_dense()};
  return ((pixels - 1) * row.stride + taps.runs() - 1) * input.pixel +
         taps.blocks_of_run() * bf16_depth;
}

/// Those that the output pixels' taps cover from a tile at x on.
int64_t values_there(const Bf16Row& row, const Bf16Input& input, int64_t x) {
  return ((row.width - 1 - x) * row.stride + row.kernel - 1) * input.pixel + input.channels;
}

/// Whether `pixels` from x on can be read where they lie.
bool is_inside(const Bf16Row& row, int64_t x, int64_t pixels) {
  if (x + pixels > row.width) return false;
  for (int i = 0; i < row.input_count; ++i)
    if (values_read(row, row.inputs[i], pixels) > values_there(row, row.inputs[i], x)) return false;
  return true;
}

/// Copies of the last rows of taps, with zeros behind them.
class LastTile {
 public:
  const std::byte* const* fill(const Bf16Row& row, int64_t x) {
    int64_t bytes = 0;
    for (int i = 0; i < row.input_count; ++i)
      bytes += row.kernel * 2 * values_read(row, row.inputs[i], tile_pixels);
    if (int64_t(values_.size()) < bytes) values_.resize(size_t(bytes));
    rows_.clear();
    std::byte* to = values_.data();
    for (int i = 0; i < row.input_count; ++i) {
      const Bf16Input& input = row.inputs[i];
      const int64_t wanted = 2 * values_read(row, input, tile_pixels);
      const int64_t there = std::min(wanted, 2 * values_there(row, input, x));
      for (int ky = 0; ky < row.kernel; ++ky) {
        std::memcpy(to, input.rows[ky] + 2 * x * row.stride * input.pixel, size_t(there));
        std::memset(to + there, 0, size_t(wanted - there));
        rows_.push_back(to);
        to += wanted;
      }
    }
    // The tile instructions do not tell the compiler what they read.
    asm volatile("" ::: "memory");
    return rows_.data();
  }

 private:
  std::vector<std::byte> values_;
  std::vector<const std::byte*> rows_;
};

/// The rows of taps at one output pixel after the other.
class MovingRows {
 public:
  explicit MovingRows(const Bf16Row& row) : row_(row) {
    for (int i = 0; i < row.input_count; ++i)
      for (int ky = 0; ky < row.kernel; ++ky) rows_[count_++] = row.inputs[i].rows[ky];
  }
  const std::byte* const* data() const { return rows_; }
  void move(int64_t pixels) {
    int r = 0;
    for (int i = 0; i < row_.input_count; ++i)
      for (int ky = 0; ky < row_.kernel; ++ky)
        rows_[r++] += 2 * pixels * row_.stride * row_.inputs[i].pixel;
  }

 private:
  const Bf16Row& row_;
  int count_ = 0;
  const std::byte* rows_[most_tap_rows];
};

/// Sums of `across` sixteens of channels by `blocks` of output channels, for one column kx of taps.
/// Registers as in convolve_tiles().
template <int across, int blocks>
HYPERCONV_AMX void gradient_tiles(const Bf16TapGradients& run, int kx, int64_t channel,
                                  int64_t block) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const std::byte* in = run.in + 2 * (channel * run.in_row + kx);
  const std::byte* gradient = run.gradient + 4 * block * bf16_outs;
  const int64_t in_step = 2 * run.in_row, pair = 4 * run.out_blocks * bf16_outs;
  for (int64_t x = 0; x < run.width; x += bf16_depth) {
    _tile_loadd(4, in, in_step);
    _tile_loadd(6, gradient, pair);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (blocks == 2) {
      _tile_loadd(7, gradient + 4 * bf16_outs, pair);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (across == 2) {
      _tile_loadd(5, in + tile_pixels * in_step, in_step);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (blocks == 2) _tile_dpbf16ps(3, 5, 7);
    }
    in += 2 * bf16_depth;
    gradient += bf16_depth / 2 * pair;
  }
  alignas(64) float sums[4][tile_pixels * bf16_outs];
  _tile_stored(0, sums[0], tile_row);
  _tile_stored(1, sums[1], tile_row);
  _tile_stored(2, sums[2], tile_row);
  _tile_stored(3, sums[3], tile_row);
  for (int tile = 0; tile < across; ++tile) {
    const int64_t first = channel + tile * tile_pixels;
    const int64_t count = std::min<int64_t>(tile_pixels, run.channels - first);
    for (int64_t c = 0; c < count; ++c) {
      float* to = run.sums + ((kx * run.channels + first + c) * run.out_blocks + block) * bf16_outs;
#pragma GCC unroll 2
      for (int b = 0; b < blocks; ++b) {
        const __m512 sum = _mm512_load_ps(sums[2 * tile + b] + c * bf16_outs);
        _mm512_storeu_ps(to + b * bf16_outs,
                         _mm512_add_ps(_mm512_loadu_ps(to + b * bf16_outs), sum));
      }
    }
  }
}

template <int across>
void gradient_row(const Bf16TapGradients& run, int kx, int64_t channel) {
  const int64_t even = run.out_blocks / 2 * 2;
  for (int64_t block = 0; block < even; block += 2)
    gradient_tiles<across, 2>(run, kx, channel, block);
  if (even < run.out_blocks) gradient_tiles<across, 1>(run, kx, channel, even);
}

bool ask_for_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  if ((d & amx_bf16) == 0 || (d & amx_tile) == 0) return false;
  // Linux 5.16 and later give a process the registers when it asks (Documentation/arch/x86/xstate).
  constexpr long arch_req_xcomp_perm = 0x1023, xfeature_xtiledata = 18;
  return ::syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_xtiledata) == 0;
}

}  // namespace

bool has_amx_bf16() {
  static const bool has = has_avx512_bf16() && ask_for_tiles();
  return has;
}

void conv2d_amx(const Bf16Row& row) {
  thread_local LastTile last_tile;
  const TileRegisters registers;
  MovingRows rows(row);
  int64_t x = 0;
  const auto go = [&](auto across) {
    constexpr int tiles = across();
    for (; is_inside(row, x, tiles * tile_pixels); x += tiles * tile_pixels) {
      const TileRows at{rows.data(), x, tiles * tile_pixels};
      if constexpr (tiles == 4)
        convolve_tiles<4, 1>(row, at, 0);
      else
        convolve_all<tiles>(row, at);
      rows.move(tiles * tile_pixels);
    }
  };
  if (row.out_blocks == 1) go(std::integral_constant<int, 4>());
  go(std::integral_constant<int, 2>());
  go(std::integral_constant<int, 1>());
  for (; x < row.width; x += tile_pixels)
    convolve_all<1>(row, {last_tile.fill(row, x), x, row.width - x});
}

void tap_gradients_amx(const Bf16TapGradients& run) {
  const TileRegisters registers;
  for (int kx = 0; kx < run.kernel; ++kx)
    for (int64_t c = 0; c < run.channels; c += 2 * tile_pixels) {
      if (c + tile_pixels < run.channels)
        gradient_row<2>(run, kx, c);
      else
        gradient_row<1>(run, kx, c);
    }
}

}  // namespace hyperconv

#endif
