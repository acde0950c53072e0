// The inner loops, once for every instruction set, on Highway. A kernel works on one row of pixels:
// who cuts a frame into rows and threads is the executor's business. By hand, because no library's
// convolution works row by row or takes filters of its own for each photo; docs/performance.md
// compares the speed with other engines'.
//
// Pixels lie channels-last: pixel x starts at data + x * pixel, its channels side by side. Nothing
// is aligned beyond a value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "network/model.hpp"

namespace hyperconv {

/// What a step does to each value before it stores it.
enum class Rectifier { none, relu, leaky_relu };

/// Slope of leaky_relu below zero (graph.hpp).
constexpr float leaky_slope = 0.2f;

/// How a convolution is computed.
enum class FilterForm {
  direct,  ///< tap by tap
  /// 3x3, four rows at a time: Winograd's F(4,3) from row to row, tap by tap along the row. Half
  /// the multiplications; the transforms are sums of a few rows (Lavin & Gray 2016, arXiv
  /// 1509.09308).
  winograd,
  bf16,          ///< tap by tap, values and weights in bf16: kernels/bf16.hpp
  bf16_winograd  ///< 3x3, two rows at a time, in bf16: Bf16WinogradRows
};

/// Whether values and weights are multiplied in bf16.
constexpr bool is_bf16(FilterForm form) {
  switch (form) {
    case FilterForm::direct:
    case FilterForm::winograd:
      return false;
    case FilterForm::bf16:
    case FilterForm::bf16_winograd:
      return true;
  }
  return false;
}

/// One feature map that a convolution reads. Several of them are a concatenation that is never
/// written.
struct ConvInput {
  /// Each row of taps, from the leftmost tap of the first output pixel.
  const std::byte* const* rows;
  int64_t pixel;  ///< values
  int64_t channels;
  Precision precision;  ///< f32 or bf16; f32 for ConvRow
};

/// The most rows of taps that the inputs of one convolution have together.
constexpr int most_tap_rows = 128;

/// A run of output pixels of a convolution.
struct ConvRow {
  const ConvInput* inputs;
  int input_count;
  int kernel;
  int stride;
  int vectors;           ///< output channels, in vectors of `lanes`
  const float* weights;  ///< for each block of vectors, each input: [ky][kx][channel][block]
  const float* bias;     ///< vectors * lanes
  Rectifier rectifier;
  float* out;  ///< all vectors are stored: a pixel has room for vectors * lanes
  int64_t out_pixel;
  int64_t width;
};

/// The same for four rows at once. Inputs have six rows: the one above the first output row to the
/// one below the last.
struct WinogradRows {
  const ConvInput* inputs;
  int input_count;
  int64_t channels;  ///< of all inputs
  int vectors;
  const float* weights;  ///< for each block: [6][kx][channel][block], see winograd_filter
  const float* bias;
  Rectifier rectifier;
  std::array<std::byte*, 4> out;  ///< nullptr for a row that is not wanted
  Precision out_precision;        ///< f32 or bf16
  int64_t out_pixel;              ///< values
  int64_t width;
  float* scratch;  ///< winograd_scratch() floats
};

/// A run of pixels that a row of taps passed over, and the gradient of what it wrote there.
struct TapGradients {
  const float* in;  ///< from each pixel on, `taps` values side by side that weights belong to
  int64_t in_pixel;
  int64_t taps;
  const float* gradient;  ///< vectors * lanes a pixel
  int64_t gradient_pixel;
  int vectors;
  int64_t width;
  float* sums;  ///< [taps][vectors * lanes]
};

constexpr int winograd_rows = 6;
/// The filters' transform G: its row r times the three taps of a column gives the r-th of six.
constexpr float winograd_filter[winograd_rows][3] = {{1.0f / 4, 0, 0},
                                                     {-1.0f / 6, -1.0f / 6, -1.0f / 6},
                                                     {-1.0f / 6, 1.0f / 6, -1.0f / 6},
                                                     {1.0f / 24, 1.0f / 12, 1.0f / 6},
                                                     {1.0f / 24, -1.0f / 12, 1.0f / 6},
                                                     {0, 0, 1}};
/// Floats of scratch for a run of `width` pixels.
constexpr int64_t winograd_scratch(int64_t width, int64_t channels, int lanes) {
  return winograd_rows * ((width + 2) * channels + lanes + width * 3 * lanes);
}

/// Output channels are worked on in blocks of two vectors; a last odd one joins the block before it
/// (three) or stands alone. Packing and kernels both use this.
constexpr int next_block(int vectors_left) {
  return vectors_left == 1 || vectors_left == 3 ? vectors_left : 2;
}

/// Channels of a run of pixels.
struct PixelRun {
  const float* data;
  int64_t pixel;
};
struct MutablePixelRun {
  float* data;
  int64_t pixel;
};

/// A matrix as it lies in a file.
struct StoredMatrix {
  const std::byte* values;
  Precision precision;
  int64_t columns;
  const std::byte* scales;  ///< i8: a float a row, by which its whole numbers are multiplied

  /// The same from another row on.
  StoredMatrix from(int64_t row) const {
    return {values + row * columns * bytes_per_value(precision), precision, columns,
            scales + row * int64_t(precision == Precision::i8 ? sizeof(float) : 0)};
  }
};

/// Arrays with an entry for each channel.
struct ChannelScale {
  const float* mean;
  const float* factor;
  const float* bias;
};

struct Kernels {
  std::string name;    ///< "avx2", ...
  int lanes;           ///< floats in a vector
  int pixels_at_once;  ///< width of a convolution's register tile: widths are best its multiples

  void (*conv2d)(const ConvRow& row);
  void (*conv2d_winograd)(const WinogradRows& rows);
  /// sums[t][o] += the sum over the run's pixels of in[t] * gradient[o]: what training needs.
  void (*tap_gradients)(const TapGradients& run);

  /// out[i] = gradient[i] times the rectifier's slope where it gave output[i]: what training needs.
  void (*unrectify)(const float* output, const float* gradient, int64_t count, Rectifier,
                    float* out);

  /// out = rectify(a), rectify(a + b).
  void (*rectify)(PixelRun a, MutablePixelRun out, int64_t channels, int64_t width, Rectifier);
  void (*add)(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels, int64_t width,
              Rectifier);
  /// out = a * b.
  void (*multiply)(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels, int64_t width);
  /// out = rectify((in - mean[c]) * factor[c] + bias[c]).
  void (*norm2d)(PixelRun in, MutablePixelRun out, int64_t channels, int64_t width,
                 const ChannelScale& scale, Rectifier);
  /// out[x] = mean of top[2x], top[2x+1], bottom[2x], bottom[2x+1]; width counts out's pixels.
  void (*average_pool2d)(PixelRun top, PixelRun bottom, MutablePixelRun out, int64_t channels,
                         int64_t width);
  /// The same with the largest of them.
  void (*max_pool2d)(PixelRun top, PixelRun bottom, MutablePixelRun out, int64_t channels,
                     int64_t width);
  /// out[2x] = out[2x+1] = in[x]; width counts in's pixels.
  void (*upsample2d)(PixelRun in, MutablePixelRun out, int64_t channels, int64_t width);

  /// `group` values side by side from every pixel: out[group * x + i] = in[x * pixel + i].
  void (*to_planes)(const float* in, int64_t pixel, int64_t group, int64_t width, float* out);

  /// sums[c] += the sum of channel c.
  void (*sum)(PixelRun in, int64_t channels, int64_t width, double* sums);
  /// Of v = x - shift[c]: sums[c] += v, sums[C+c] += v * v; sums[2C+c] += |x - left neighbour|.
  void (*describe)(PixelRun in, int64_t channels, int64_t width, const float* shift, double* sums);

  /// Values in bf16, to nearest (a half goes to the even one).
  void (*narrow)(const float* values, int64_t count, std::byte* out);
  /// A value as the sum of two bf16 numbers, `hi` and `lo`, to 16 bits. The channels of a pixel
  /// become three times as many, without gaps: all hi, all lo, all hi again. Multiplied with
  /// weights (hi, hi, lo) of as many channels that is the product of two numbers of 16 bits, but
  /// for lo * lo.
  void (*to_hi_lo)(PixelRun in, int64_t channels, int64_t width, std::byte* out);
  /// out[i] = rectify(a[i] + b[i]), of numbers in bf16.
  void (*add_bf16)(const std::byte* a, const std::byte* b, int64_t count, Rectifier,
                   std::byte* out);
  /// As sum, of pixels in bf16 without gaps.
  void (*sum_bf16)(const std::byte* in, int64_t channels, int64_t width, double* sums);
  /// As average_pool2d, of pixels in bf16 without gaps.
  void (*average_pool2d_bf16)(const std::byte* top, const std::byte* bottom, int64_t channels,
                              int64_t width, std::byte* out);

  /// out[i] = value of the i-th stored number (i8: the whole number).
  void (*convert)(const std::byte* values, Precision precision, int64_t count, float* out);
  /// out[i] += row i of a matrix of `count` rows times vector.
  void (*multiply_add)(const StoredMatrix& matrix, const float* vector, int64_t count, float* out);
};

/// The kernels of the best instruction set of this machine, or of the one that the environment
/// variable HYPERCONV_TARGET names. Throws Error when it names one that this machine does not have.
const Kernels& kernels();

/// The kernels of one instruction set by name, and the names this machine can run, best first.
const Kernels& kernels(const std::string& target);
std::vector<std::string> kernel_targets();

}  // namespace hyperconv
