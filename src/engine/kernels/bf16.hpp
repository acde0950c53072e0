// Convolutions in bf16: products of pairs of values, summed in fp32. Three implementations of one
// interface: matrix tiles (AMX), dot products of vectors (AVX512_BF16), and plain loops, which are
// the oracle of the other two.
//
// All of them read the same weights and pixels, and add up an output value's products in the same
// order wherever its pixel lies in a row: results do not depend on how rows are cut into runs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/kernels/kernels.hpp"

namespace hyperconv {

/// Output channels that lie side by side in packed weights.
constexpr int bf16_outs = 16;
/// Values of a pixel, or of a row of taps, that one block of weights belongs to.
constexpr int bf16_depth = 32;
/// bf16 numbers in a block: [pair of values][output channel][two].
constexpr int64_t bf16_block = bf16_depth * bf16_outs;

/// How the taps of one input are cut into blocks. Where its pixels lie without gaps, a row of taps
/// is one run of values; otherwise every tap is a run of its own.
struct Bf16Taps {
  int kernel;
  int64_t channels;
  bool dense;

  constexpr int64_t runs() const { return dense ? 1 : kernel; }
  /// Values of a run.
  constexpr int64_t depth() const { return dense ? kernel * channels : channels; }
  constexpr int64_t blocks_of_run() const { return (depth() + bf16_depth - 1) / bf16_depth; }
  /// Of all rows of taps.
  constexpr int64_t blocks() const { return kernel * runs() * blocks_of_run(); }
};

/// Where the weight of a channel at a tap stands among an input's blocks, for the output channel
/// `out` of `out_blocks` sixteens: in bf16 numbers from the input's first block on.
constexpr int64_t bf16_place(const Bf16Taps& taps, int ky, int kx, int64_t channel, int64_t out,
                             int64_t out_blocks) {
  const int64_t run = taps.dense ? 0 : kx;
  const int64_t value = taps.dense ? kx * taps.channels + channel : channel;
  const int64_t block = (ky * taps.runs() + run) * taps.blocks_of_run() + value / bf16_depth;
  const int64_t pair = value % bf16_depth / 2;
  return ((block * out_blocks + out / bf16_outs) * (bf16_depth / 2) + pair) * (2 * bf16_outs) +
         out % bf16_outs * 2 + value % 2;
}

/// One feature map that a convolution reads.
struct Bf16Input {
  /// Each row of taps, bf16, from the leftmost tap of the first output pixel. Nothing is read
  /// beyond the rightmost tap of the last one.
  const std::byte* const* rows;
  int64_t pixel;  ///< values from one pixel to the next
  int64_t channels;

  bool is_dense() const { return pixel == channels; }
};

/// A run of output pixels.
struct Bf16Row {
  const Bf16Input* inputs;
  int input_count;
  int kernel;
  int stride;
  int64_t out_blocks;  ///< output channels, in sixteens
  /// For each input its blocks, see bf16_place: [block][out block][bf16_block].
  const std::byte* weights;
  const float* bias;  ///< 16 * out_blocks
  Rectifier rectifier;
  std::byte* out;
  int64_t out_channels;     ///< that are stored: at most 16 * out_blocks, more than that - 16
  Precision out_precision;  ///< f32 or bf16
  int64_t out_pixel;        ///< values
  int64_t width;
};

/// Rows that Winograd's F(2,3) reads for two rows of output, and as many of its products' weights.
constexpr int bf16_winograd_rows = 4;
/// The filters' transform: its row r times the three taps of a column gives the r-th of four.
constexpr float bf16_winograd_filter[bf16_winograd_rows][3] = {
    {1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};

/// Where the weight of a channel at the tap kx stands, of the r-th of four transformed rows, for
/// the output channel `out` of `out_blocks` sixteens: [r][out block][pair of
/// channels][kx][out][two]. `channels` of all inputs, an even number.
constexpr int64_t bf16_winograd_place(int64_t channels, int r, int kx, int64_t channel, int64_t out,
                                      int64_t out_blocks) {
  const int64_t block = r * out_blocks + out / bf16_outs;
  return ((block * (channels / 2) + channel / 2) * 3 + kx) * (2 * bf16_outs) + out % bf16_outs * 2 +
         channel % 2;
}
/// bf16 numbers of all.
constexpr int64_t bf16_winograd_weights(int64_t channels, int64_t out_blocks) {
  return bf16_winograd_rows * out_blocks * (channels / 2) * 3 * (2 * bf16_outs);
}

/// A run of pixels of two output rows of a 3x3 convolution, by Winograd's F(2,3) from row to row
/// and tap by tap along the row: two thirds of the products. F(4,3) would need half of them, and
/// factors of 4 and 5 in its sums, which cost bf16's eight bits dearly.
///     t0 = d0 - d2, t1 = d1 + d2, t2 = d2 - d1, t3 = d3 - d1, rounded to bf16
///     y0 = t0 u0 + t1 u1 + t2 u2,  y1 = t1 u1 - t2 u2 + t3 u3
struct Bf16WinogradRows {
  /// Pixels without gaps, of even numbers of channels; each has four rows: the one above the first
  /// output row to the one below the last.
  const Bf16Input* inputs;
  int input_count;
  int64_t channels;          ///< of all inputs
  int64_t out_blocks;        ///< output channels, in sixteens
  const std::byte* weights;  ///< see bf16_winograd_place
  const float* bias;         ///< 16 * out_blocks
  Rectifier rectifier;
  std::array<std::byte*, 2> out;  ///< nullptr for a row that is not wanted
  int64_t out_channels;           ///< as Bf16Row's
  Precision out_precision;
  int64_t out_pixel;
  int64_t width;
  std::byte* scratch;  ///< bf16_winograd_scratch() bytes
};

/// Bytes of scratch for a run of `width` pixels.
constexpr int64_t bf16_winograd_scratch(int64_t width, int64_t channels) {
  return bf16_winograd_rows * (width + 2) * channels * int64_t(sizeof(uint16_t));
}

/// Pixels in fp32 without gaps, and where they go in bf16, rounded to nearest.
struct Bf16Pixels {
  const float* in;  ///< [width][channels]
  int64_t channels;
  int64_t width;
  std::byte* out;
};

/// A run of pixels that a row of taps passed over, and the gradient of what it wrote there.
struct Bf16TapGradients {
  const std::byte* in;  ///< as Bf16Kernels::transpose writes it: tap kx reads from column kx on
  int64_t in_row;       ///< values
  int64_t channels;
  int kernel;
  const std::byte* gradient;  ///< as Bf16Kernels::interleave writes it
  int64_t out_blocks;
  int64_t width;  ///< a multiple of 32; pixels behind the last have gradients of zero
  float* sums;    ///< [kx][channel][16 * out_blocks]
};

struct Bf16Kernels {
  std::string name;  ///< "amx", "avx512_bf16", "portable"
  void (*conv2d)(const Bf16Row& row);
  /// nullptr where products are not what takes the time (matrix tiles).
  void (*conv2d_winograd)(const Bf16WinogradRows& rows);

  // What training needs.

  /// Two pixels side by side, channel by channel: out[x / 2][channel][x % 2], channels up to a
  /// multiple of 16 and pixels up to a multiple of 32, zeros behind the last.
  void (*interleave)(const Bf16Pixels& pixels);
  /// Channel by channel: out[channel][x], `row` values from channel to channel; channels up to a
  /// multiple of 16 and pixels up to a multiple of 32, zeros behind the last.
  void (*transpose)(const Bf16Pixels& pixels, int64_t row);
  /// sums[kx][c][o] += the sum over the run's pixels of in[c][x + kx] * gradient[x][o].
  void (*tap_gradients)(const Bf16TapGradients& run);
};

/// Those that this machine can run, best first; the last one runs everywhere.
const std::vector<Bf16Kernels>& bf16_kernels();

/// The one that the environment variable HYPERCONV_BF16 names ("none" is nullptr); otherwise tiles,
/// or dot products where a 3x3 convolution is measured to be faster with them (on some processors
/// they are slower than fp32 multiply-adds: half a millisecond, remembered on this machine), or
/// nullptr: fp32 arithmetic is faster then. Throws Error when the variable names one that this
/// machine does not have.
const Bf16Kernels* chosen_bf16_kernels();

/// bf16 numbers that Kernels::to_hi_lo makes of a value.
constexpr int64_t hi_lo_parts = 3;

}  // namespace hyperconv
