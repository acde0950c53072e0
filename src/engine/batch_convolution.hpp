// Convolutions of a batch of frames, forward and backward: what training spends its time on.
//
// Frames lie channels-last and without gaps: [N,H,W,C] in memory. Every sample may have filters of
// its own, as HyperConvolutions need it. The kernels are those of the engine, and one more for the
// gradient of filters.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/kernels/bf16.hpp"
#include "engine/kernels/kernels.hpp"

namespace hyperconv {

/// Calls body(i) once for every i in [0, tasks), on the caller's threads.
using ParallelFor = std::function<void(int64_t tasks, const std::function<void(int64_t)>& body)>;

/// A convolution with stride 1 and zeros beyond the frame, at most most_winograd_channels of input
/// and of output.
struct BatchShape {
  int64_t samples, height, width;
  int64_t in, out;           ///< channels
  int kernel = 3;            ///< odd
  bool own_filters = false;  ///< filters are [N,out,in,k,k] instead of [out,in,k,k]
};

/// What a backward pass writes.
struct BatchGradients {
  float* input;    ///< [N,H,W,in]; nullptr: not wanted
  float* filters;  ///< as the filters themselves
  float* bias;     ///< [out]
};

/// Results depend on the shape, the instruction set and nothing else: neither on the number of
/// threads nor on which of them does what.
class BatchConvolution {
 public:
  /// `bf16`: values and filters are rounded to bf16 before they are multiplied, by these kernels;
  /// nullptr: fp32.
  explicit BatchConvolution(const BatchShape& shape, const Kernels& kernels = hyperconv::kernels(),
                            const Bf16Kernels* bf16 = nullptr);

  /// output [N,H,W,out] = rectify(input [N,H,W,in] * filters + bias [out]).
  void forward(const float* input, const float* filters, const float* bias, Rectifier rectifier,
               float* output, const ParallelFor& loop) const;

  /// From the gradient of `output`, which forward() wrote, the gradients of input, filters and
  /// bias.
  void backward(const float* input, const float* filters, const float* output,
                const float* gradient, Rectifier rectifier, const BatchGradients& to,
                const ParallelFor& loop) const;

 private:
  BatchShape shape_;
  const Kernels& kernels_;
  const Bf16Kernels* bf16_;
};

}  // namespace hyperconv
