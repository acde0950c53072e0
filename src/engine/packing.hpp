// How filters and rows are laid out for the kernels.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/kernels/bf16.hpp"
#include "engine/kernels/kernels.hpp"

namespace hyperconv {

/// Where an output channel stands among the blocks of vectors.
struct BlockPlace {
  int64_t before;  ///< output channels, padded, in the blocks before
  int64_t width;   ///< of its own block
};

constexpr BlockPlace block_of(int64_t channel, int vectors, int lanes) {
  int64_t before = 0;
  for (int v = 0; v < vectors;) {
    const int block = next_block(vectors - v);
    if (channel < before + int64_t(block) * lanes) return {before, int64_t(block) * lanes};
    before += int64_t(block) * lanes;
    v += block;
  }
  return {before, 0};
}

/// Weights of one output channel of a 3x3 convolution in Winograd's form.
constexpr int64_t winograd_depth(int64_t channels) { return winograd_rows * 3 * channels; }

/// The nine taps of one input channel of `channels`, as WinogradRows has them: [6][kx][channel], a
/// float every `step`; `to` is the place of the channel's first.
inline void pack_winograd_taps(const float* taps, int64_t channels, float* to, int64_t step) {
  for (int64_t r = 0; r < winograd_rows; ++r) {
    const float* g = winograd_filter[r];
    for (int64_t kx = 0; kx < 3; ++kx)
      to[(r * 3 + kx) * channels * step] =
          g[0] * taps[kx] + g[1] * taps[3 + kx] + g[2] * taps[6 + kx];
  }
}

/// Pixels of a strip, which is computed at once: its transformed rows fit into the part of a core's
/// second-level cache (512 KiB and more) that the filters leave.
inline int64_t winograd_strip(int64_t channels, const Kernels& kernels) {
  constexpr int64_t strip_bytes = 96 << 10;
  const int64_t bytes = winograd_rows * (channels + 2 * kernels.lanes) * int64_t(sizeof(float));
  return std::max<int64_t>(kernels.pixels_at_once,
                           strip_bytes / bytes / kernels.pixels_at_once * kernels.pixels_at_once);
}

/// conv2d_winograd over `width` pixels, a strip at a time, with scratch for one; `rows` are the
/// six of each input, in the inputs' order, and are moved along. `run.width` is set here.
inline void conv2d_winograd_strips(const Kernels& kernels, WinogradRows run, int64_t width,
                                   const std::byte** rows) {
  const int64_t strip = winograd_strip(run.channels, kernels);
  for (int64_t x = 0; x < width; x += strip) {
    run.width = std::min(strip, width - x);
    kernels.conv2d_winograd(run);
    for (int i = 0; i < run.input_count; ++i) {
      const ConvInput& input = run.inputs[i];
      for (int r = 0; r < winograd_rows; ++r)
        rows[i * winograd_rows + r] += strip * input.pixel * bytes_per_value(input.precision);
    }
    for (std::byte*& row : run.out)
      if (row != nullptr) row += strip * run.out_pixel * bytes_per_value(run.out_precision);
  }
}

/// The same for Bf16WinogradRows: transformed rows that stay in the first-level cache beside a
/// tile's weights; a multiple of the tiles' widths.
inline int64_t bf16_winograd_strip(int64_t channels) {
  constexpr int64_t strip_bytes = 24 << 10, pixels = 20;
  const int64_t bytes = bf16_winograd_rows * channels * bytes_per_value(Precision::bf16);
  return std::max<int64_t>(2, strip_bytes / bytes / pixels) * pixels;
}

inline void bf16_winograd_strips(const Bf16Kernels& kernels, Bf16WinogradRows run, int64_t width,
                                 const std::byte** rows) {
  const int64_t strip = bf16_winograd_strip(run.channels);
  for (int64_t x = 0; x < width; x += strip) {
    run.width = std::min(strip, width - x);
    kernels.conv2d_winograd(run);
    for (int i = 0; i < run.input_count; ++i)
      for (int r = 0; r < bf16_winograd_rows; ++r)
        rows[i * bf16_winograd_rows + r] +=
            strip * run.inputs[i].pixel * bytes_per_value(Precision::bf16);
    for (std::byte*& row : run.out)
      if (row != nullptr) row += strip * run.out_pixel * bytes_per_value(run.out_precision);
  }
}

}  // namespace hyperconv
