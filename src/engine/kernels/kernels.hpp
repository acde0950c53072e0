// The inner loops, once for every instruction set. A kernel works on one row of pixels: who cuts a
// frame into rows, strips and threads is the executor's business.
//
// Pixels lie channels-last: pixel x starts at data + x * pixel, its channels side by side. Nothing
// is aligned beyond a float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hyperconv/model.hpp"

namespace hyperconv {

/// What a step does to each value before it stores it.
enum class Rectifier { none, relu, leaky_relu };

/// Slope of leaky_relu below zero (graph.hpp).
constexpr float leaky_slope = 0.2f;

/// One picture that a convolution reads. Several of them are a concatenation that is never written.
struct ConvInput {
  const float* data;  ///< the top left tap of output pixel (0, 0)
  int64_t row;        ///< floats from one row of taps to the next
  int64_t pixel;
  int64_t channels;
};

/// A run of output pixels of a convolution.
struct ConvRow {
  const ConvInput* inputs;
  int input_count;
  int64_t x, y;  ///< the first output pixel
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

/// Output channels are worked on in blocks of two vectors; a last odd one joins the block before
/// it (three) or stands alone. Packing and kernel both ask here.
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

/// Arrays with an entry a channel.
struct ChannelScale {
  const float* mean;
  const float* factor;
  const float* bias;
};

struct Kernels {
  std::string name;  ///< "avx2", ...
  int lanes;         ///< floats in a vector
  int tile;          ///< pixels that a convolution works on at once: widths want to be multiples

  void (*convolve)(const ConvRow& row);

  /// out = rectify(a), rectify(a + b).
  void (*rectify)(PixelRun a, MutablePixelRun out, int64_t channels, int64_t width, Rectifier);
  void (*add)(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels, int64_t width,
              Rectifier);
  /// out = a * b.
  void (*multiply)(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels, int64_t width);
  /// out = rectify((in - mean[c]) * factor[c] + bias[c]).
  void (*normalise)(PixelRun in, MutablePixelRun out, int64_t channels, int64_t width,
                    const ChannelScale& scale, Rectifier);
  /// out[x] = mean of top[2x], top[2x+1], bottom[2x], bottom[2x+1]; width counts out's pixels.
  void (*average_pool)(PixelRun top, PixelRun bottom, MutablePixelRun out, int64_t channels,
                       int64_t width);
  /// The same with the largest of them.
  void (*max_pool)(PixelRun top, PixelRun bottom, MutablePixelRun out, int64_t channels,
                   int64_t width);
  /// out[2x] = out[2x+1] = in[x]; width counts in's pixels.
  void (*upsample)(PixelRun in, MutablePixelRun out, int64_t channels, int64_t width);

  /// sums[c] += the sum of channel c.
  void (*sum)(PixelRun in, int64_t channels, int64_t width, double* sums);
  /// Of v = x - shift[c]: sums[c] += v, sums[C+c] += v * v; sums[2C+c] += |x - left neighbour|.
  void (*describe)(PixelRun in, int64_t channels, int64_t width, const float* shift, double* sums);

  /// out[i] = value of the i-th stored number.
  void (*convert)(const std::byte* values, Precision precision, int64_t count, float* out);
  /// out[i] += row i of a matrix [count, columns] times vector.
  void (*multiply_add)(const std::byte* matrix, Precision precision, const float* vector,
                       int64_t columns, int64_t count, float* out);
};

/// The kernels of the best instruction set of this machine, or of the one that the environment
/// variable HYPERCONV_TARGET names. Throws Error when it names one that is not to be had here.
const Kernels& kernels();

/// The kernels of one instruction set by name, and the names this machine can run, best first.
const Kernels& kernels(const std::string& target);
std::vector<std::string> kernel_targets();

}  // namespace hyperconv
