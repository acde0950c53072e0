// The simplest developer there is: what a network's picture is shown against.
#pragma once

#include "base/tensor.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Bilinear demosaicing: every colour that a pixel lacks is the mean of its neighbours in 3x3 that
/// have it. Camera RGB, white-balanced, cut at 1 (the level at which the least amplified channel
/// saturates) and not from below: [1,3,height,width]. Noise stays as it is.
Tensor bilinear_camera_rgb(const Mosaic& mosaic);

}  // namespace hyperconv
