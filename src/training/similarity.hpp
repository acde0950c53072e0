// What SSIM and MS-SSIM are made of, differentiable.
#pragma once

#include <torch/types.h>

namespace hyperconv {

/// Means over all positions of the window: [N,C].
struct Similarity {
  torch::Tensor whole, contrast_structure;
};

/// Of two batches [N,C,H,W] of ssim_smallest_side samples or more a side; the windows and constants
/// are those of metrics/metrics.hpp, for a data range of 1. On a CPU, in floats and where b needs
/// no gradient, all of a plane is made while it is in the cache, instead of an operation after the
/// other over the whole batch.
Similarity similarity(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace hyperconv
