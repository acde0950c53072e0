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

/// What a network made in a StabilisingCurve's domain (raw/stabilised.hpp), [N,3,H,W], in linear
/// light: the curve's inverse, differentiable. `offset`: [N].
torch::Tensor linear_light(const torch::Tensor& stabilised, const torch::Tensor& offset);

/// Of two batches [N,C,H,W]; the mean over its samples. Throws Error when the pictures are too
/// small for an SSIM.
torch::Tensor loss_between(const LossSum& losses, const torch::Tensor& a, const torch::Tensor& b);

/// SSIM and MS-SSIM of two batches, means over their samples, differentiable; as
/// metrics/metrics.hpp defines them.
torch::Tensor ssim(const torch::Tensor& a, const torch::Tensor& b);
torch::Tensor ms_ssim(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace hyperconv
