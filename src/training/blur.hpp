// Separable windows over each channel, as a differentiable operation. On a CPU in floats each plane
// is a task; libtorch's own way, a convolution with a group a channel, is left for all else.
#pragma once

#include <torch/types.h>

#include <vector>

namespace hyperconv {

/// exp(-d^2 / (2 sigma^2)) at d = -radius .. radius, normalised.
std::vector<float> gaussian_window(int radius, double sigma);

/// One plane [height][width] -> [height - n + 1][width - n + 1] under the n weights times
/// themselves turned; `rows` is memory that is used again.
void blur_plane(const float* from, int64_t height, int64_t width, const std::vector<float>& window,
                std::vector<float>& rows, float* to);

/// The weighted mean of each channel under the window times the window turned, where it fits: x
/// [N,C,H,W], floats, -> [N,C,H-n+1,W-n+1] for a symmetric window of n weights. H and W must be n
/// or more.
torch::Tensor blur(const torch::Tensor& x, const std::vector<float>& window);

}  // namespace hyperconv
