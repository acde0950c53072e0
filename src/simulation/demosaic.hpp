// The simplest developers there are: what a network's picture is shown against, and what correlates
// a simulated photo's noise.
#pragma once

#include "base/tensor.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Bilinear demosaicing: every colour that a pixel lacks is the mean of its neighbours in 3x3 that
/// have it. Camera RGB, white-balanced, cut at 1 (the level at which the least amplified channel
/// saturates) and not from below: [1,3,height,width]. Noise stays as it is. `threads` as in
/// Threads.
Tensor bilinear_camera_rgb(const Mosaic& mosaic, int threads = 0);

/// The same with the 5x5 filters of H. S. Malvar, L.-W. He, R. Cutler, "High-quality linear
/// interpolation for demosaicing of Bayer-patterned color images" (ICASSP 2004): bilinear,
/// corrected by the curvature of the colour that was measured. What MATLAB's demosaic() does, by
/// which SIDD's sRGB pictures are made. At the edges the mosaic is mirrored. From 3x3 samples on,
/// of Bayer's pattern.
Tensor malvar_camera_rgb(const Mosaic& mosaic, int threads = 0);

/// How a photo came to three colours a pixel, which correlates its noise.
enum class Demosaicking {
  none,  ///< each pixel has its own three samples, as after shrinking by two or more
  bilinear,
  malvar,
  ahd,
  dht,
};

/// By that method, on one thread. Throws Error for `none`.
Tensor demosaicked(const Mosaic& mosaic, Demosaicking how);

}  // namespace hyperconv
