// How close two pictures are.
#pragma once

#include "image/image.hpp"

namespace hyperconv {

/// PSNR = -10 log10(mean over all pixels and channels of (a-b)^2), samples in [0,1], in dB;
/// +infinity for equal pictures. Zurich RAW-to-DSLR is scored this way, an image at a time.
/// All metrics take pictures of equal size and channels and throw Error otherwise.
double psnr(const Image& a, const Image& b);

/// PSNR of a picture whose colours a person who knows the target has set as a whole: the best
/// affine map of them. With a_p, b_p the colours (R,G,B) of pixel p of both, N pixels,
///     -10 log10( min over M (3x3), t (3) of  1/(3N) sum over p of |M a_p + t - b_p|^2 )
/// in dB, the map by least squares in double and not cut to [0,1]. What psnr() is below it is the
/// part of the error that all of a picture shares: exposure, white balance, colour matrix.
/// +infinity where a mean squared error of less than 1e-13 is left, which is rounding. Not
/// symmetric: the colours of `a` are mapped. Needs three channels.
double psnr_affine(const Image& a, const Image& b);

/// SSIM of Wang et al. 2004 (IEEE TIP 13(4)): Gaussian window 11x11, sigma 1.5, weights normalised,
/// K1 = 0.01, K2 = 0.03, range 1, variances without sample correction (division by 1, not N-1);
/// each channel by itself, the mean over the positions where the window fits (a border of 5 is left
/// out, as scikit-image does), then the mean over channels. Needs 11x11 pixels.
double ssim(const Image& a, const Image& b);

/// SSIM as MATLAB's ssim() gives it for an RGB picture, which it takes for a volume, and as SIDD is
/// scored by the figures around .956: a Gaussian window 11x11x11, sigma 1.5, over rows, columns
/// *and channels*, the picture repeated at its edges in all three directions; K1, K2, range and
/// variances as in ssim(); the mean over all pixels and channels. Channels count as neighbours of
/// each other, so that it is higher than ssim() where their errors differ. For one channel it is
/// MATLAB's plain ssim(). Any size.
double ssim_volume(const Image& a, const Image& b);

/// Where MS-SSIM becomes one number out of several channels.
enum class MsSsimForm {
  channels_last,  ///< product over scales for each channel, then the mean: TensorFlow's
  channels_first  ///< the mean over channels at each scale, then the product: PyTorch ports'
};

/// MS-SSIM of Wang et al. 2003 (Asilomar): five scales, weights .0448 .2856 .3001 .2363 .1333, the
/// window of ssim() in valid positions, 2x2 mean between scales (a last odd row or column is
/// dropped). Product over scales of max(mean contrast-structure, 0)^weight, at the last scale of
/// max(mean SSIM, 0)^weight. Negative terms are clipped to zero in both forms, as TensorFlow does
/// (the PyTorch ports give NaN). Needs 176x176 pixels.
double ms_ssim(const Image& a, const Image& b, MsSsimForm form = MsSsimForm::channels_last);

/// Smallest side ssim() takes: one window.
inline constexpr int ssim_smallest_side = 11;

/// Smallest side ms_ssim() takes: 11 pixels at the fifth scale.
inline constexpr int ms_ssim_smallest_side = 176;

}  // namespace hyperconv
