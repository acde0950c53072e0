// A few vectors times a large matrix: how a HyperConvolution's A2 makes filters.
#pragma once

#include <torch/types.h>

namespace hyperconv {

/// vectors [n,h] times matrix [F,h] transposed: [n,F], differentiable by the vectors alone. On a
/// CPU, in floats, the matrix goes to all threads in pieces, where libtorch's product is one core's
/// (torch_setup.cpp says why); the same to the bit for any number of threads.
torch::Tensor row_product(const torch::Tensor& vectors, const torch::Tensor& matrix);

}  // namespace hyperconv
