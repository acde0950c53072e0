// Convolutions by the engine's kernels, as a differentiable operation of libtorch's.
#pragma once

#include <torch/types.h>

#include <optional>

#include "engine/kernels/bf16.hpp"
#include "engine/kernels/kernels.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {

/// While it lives, this thread trains in the precision: on a CPU whose bf16 instructions our
/// kernels know, batch_conv2d computes in bf16 and all else stays fp32; elsewhere libtorch's
/// autocast does what it does.
class TrainingArithmetic {
 public:
  TrainingArithmetic(TrainingPrecision precision, torch::Device device);
  ~TrainingArithmetic();
  TrainingArithmetic(const TrainingArithmetic&) = delete;
  TrainingArithmetic& operator=(const TrainingArithmetic&) = delete;

 private:
  std::optional<Autocast> autocast_;
  const Bf16Kernels* outer_;
};

/// Whether batch_conv2d takes these: floats on a CPU, no autocast, and either 32x32 pixels or
/// more, or few channels: packing and gathering filters costs the same for a small frame.
bool suits_batch_conv2d(const torch::Tensor& x, const torch::Tensor& filters);

/// rectify(conv2d(x, filters) + bias) with stride 1 and zero padding (k-1)/2: x [N,C,H,W]; filters
/// [out,C,k,k] or, of its own for every sample, [N,out,C,k,k], k odd; bias [out] -> [N,out,H,W],
/// channels-last in memory. The same to the bit for any number of threads.
torch::Tensor batch_conv2d(const torch::Tensor& x, const torch::Tensor& filters,
                           const torch::Tensor& bias, Rectifier rectifier);

}  // namespace hyperconv
