// How close two pictures are.
#pragma once

#include "hyperconv/image.hpp"

namespace hyperconv {

/// PSNR = -10 log10(mean over all pixels and channels of (a-b)^2), samples in [0,1], in dB;
/// +infinity for equal pictures. Zurich RAW-to-DSLR is scored this way, an image at a time.
/// All metrics take pictures of equal size and channels and throw Error otherwise.
double psnr(const Image& a, const Image& b);

/// SSIM of Wang et al. 2004 (IEEE TIP 13(4)): Gaussian window 11x11, sigma 1.5, weights normalised,
/// K1 = 0.01, K2 = 0.03, range 1, variances without sample correction (division by 1, not N-1);
/// each channel by itself, the mean over the positions where the window fits (a border of 5 is left
/// out, as scikit-image does), then the mean over channels. Needs 11x11 pixels.
double ssim(const Image& a, const Image& b);

/// MS-SSIM of Wang et al. 2003 (Asilomar): five scales, weights .0448 .2856 .3001 .2363 .1333, the
/// window of ssim() in valid positions, 2x2 mean between scales (a last odd row or column is
/// dropped). Per channel: product over scales of max(mean contrast-structure, 0)^weight, at the
/// last scale of max(mean SSIM, 0)^weight; then the mean over channels. Negative terms are clipped
/// to zero (the TensorFlow form; the PyTorch ports give NaN). Needs 176x176 pixels.
double ms_ssim(const Image& a, const Image& b);

/// Smallest side ssim() takes: one window.
inline constexpr int ssim_smallest_side = 11;

/// Smallest side ms_ssim() takes: 11 pixels at the fifth scale.
inline constexpr int ms_ssim_smallest_side = 176;

}  // namespace hyperconv
