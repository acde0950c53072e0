// What training makes small.
#pragma once

#include <torch/types.h>

#include "training/recipe.hpp"

namespace hyperconv {

/// The sRGB curve on linear values of any size, differentiable everywhere; odd around zero, as
/// srgb_encode().
torch::Tensor srgb_encode(const torch::Tensor& linear);

/// Camera RGB [N,3,H,W] as it will be seen: through each sample's matrix [N,3,3] and the sRGB
/// curve.
torch::Tensor display(const torch::Tensor& camera_rgb, const torch::Tensor& camera_to_srgb);

/// Of two batches [N,C,H,W].
torch::Tensor loss_between(Loss loss, const torch::Tensor& a, const torch::Tensor& b);

}  // namespace hyperconv
