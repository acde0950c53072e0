// How noisy a mosaic is, told from the mosaic itself.
//
// As in M. Colom, A. Buades, "Analysis and Extension of the Ponomarenko et al. Method, Estimating a
// Noise Curve from a Single Image" (IPOL 2013): the frame is cut into blocks and each is taken
// apart by a DCT. Low and middle frequencies say which blocks are even, high ones how strong their
// noise is; since white noise is independent from one to another, choosing by the former leaves the
// latter without a bias. A line of variance over mean (Foi et al. 2008) is laid through what the
// even blocks of each brightness say.
#pragma once

#include "raw/mosaic.hpp"

namespace hyperconv {

/// All variances are of samples on [0,1] between black and white, before white balance.
struct MosaicNoise {
  /// Of what differs from sample to sample, without the rounding to whole levels.
  NoiseProfile profile;
  /// Variance of what all samples of a row have in common beside their neighbours above and below,
  /// in dark and bright places alike; 0 where it is too weak to be told.
  double row = 0;
  /// Variance that rounding to whole levels adds: a twelfth of a level squared.
  double quantisation = 0;

  int64_t samples = 0;                ///< in even places, that this rests on; 0: a guess
  double darkest = 0, brightest = 0;  ///< means of the even places
  /// The relative error to be expected of the variances between these two: a few hundredths on a
  /// photo with even places, about 1 where the whole frame is texture; 1 for a guess.
  double doubt = 1;

  double variance(double mean) const { return profile.shot * mean + profile.read; }
};

/// Looks at up to some ten thousand blocks, evenly spread over the frame, on all cores or `threads`
/// of them; the result does not depend on how many. Saturated blocks are left out; what is cut off
/// at the bottom of the range is reckoned with. Where a brightness is not to be seen (in a dark
/// frame all but one), what cameras have in common decides: over 433 models ln read = 1.23 ln shot
/// - 3.87, with a deviation of 1.05. Where a photo is texture all over, it says how texture's fine
/// frequencies follow from the middle ones, and what of the fine ones is left. Never fails: of a
/// frame that says nothing, like one that is saturated everywhere, it is a guess. Both variances
/// are above 0 and finite.
MosaicNoise estimate_noise(const Mosaic& mosaic, int threads = 0);

/// Where a noise profile comes from.
enum class NoiseSource {
  given,     ///< by the user
  file,      ///< the DNG's NoiseProfile
  estimated  ///< estimate_noise()
};
std::string to_string(NoiseSource source);

struct KnownNoise {
  NoiseProfile profile;
  NoiseSource source = NoiseSource::estimated;
  std::optional<MosaicNoise> estimate;  ///< where that is the source
};

/// What is given, else what the file says, else an estimate. Throws Error where the given one is
/// negative or not finite.
/// Of a frame of three colours, or of brightness alone, the estimate is that of mosaic_behind.
KnownNoise noise_of(const FrameView& frame, const std::optional<NoiseProfile>& given = {});

}  // namespace hyperconv
