// BatchConvolution in bf16 arithmetic: values and filters rounded to bf16, their products summed in
// fp32.
#pragma once

#include "engine/batch_convolution.hpp"
#include "engine/kernels/bf16.hpp"

namespace hyperconv {

/// As BatchConvolution::forward().
void forward_in_bf16(const BatchShape& shape, const Kernels& kernels, const Bf16Kernels& bf16,
                     const float* input, const float* filters, const float* bias,
                     Rectifier rectifier, float* output, const ParallelFor& loop);

/// As BatchConvolution::backward().
void backward_in_bf16(const BatchShape& shape, const Kernels& kernels, const Bf16Kernels& bf16,
                      const float* input, const float* filters, const float* output,
                      const float* gradient, Rectifier rectifier, const BatchGradients& to,
                      const ParallelFor& loop);

}  // namespace hyperconv
