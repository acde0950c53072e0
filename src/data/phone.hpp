// The phone of the simulated Zurich RAW-to-DSLR: what its sensor would have recorded where a better
// camera took this photo.
#pragma once

#include "base/random.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// How the phone's frame lies on the photo, around the middle of the patch: a point p of the patch
/// shows the photo at zoom * R(turn) * p + shift. Pixels and radians.
struct Misalignment {
  double shift_x = 0, shift_y = 0;
  double turn = 0;
  double zoom = 1;
  bool operator==(const Misalignment&) const = default;
};

/// What changes from shot to shot. The phone itself is always the same.
struct PhoneShot {
  double exposure = 1;           ///< 1: the photo's white saturates
  double red = 2, blue = 2;      ///< gains that would make grey grey, green 1; not applied
  int iso = 100;                 ///< shot variance 0.012 * iso / 6400, read on Brooks et al.'s line
  int black = 64;                ///< level of no light; white is 1023
  int frame_x = 0, frame_y = 0;  ///< of the patch's middle from the middle of the phone's frame
  Misalignment misalignment;
};

/// Exposures 1/4..1, light from lamp to shade, ISO 100..1600, black 63 or 64, any place in a frame
/// of 3968x2976. `misalign`: no point of the patch is moved by more than this many pixels; half of
/// it is left to shift, a quarter each to turn and zoom. What is drawn is rounded to a few digits,
/// so that a manifest can say it whole.
PhoneShot random_shot(int side, double misalign, Random& random);

/// The square of `side` (even) of the photo (8-bit RGB, sRGB) that starts at (top, left), mirrored
/// beyond the photo's edges, as the phone's sensor records it: the tone curve and sRGB's curve
/// undone, moved as the shot says, blurred (Gaussian, sigma 0.45 pixels in the middle of the frame
/// to 0.8 in its corners), in the phone's colours, darkened towards the corners (to a half), its
/// white balance taken back, exposed with noise, in 10 bits. One channel, RGGB; 8 bits a sample
/// where the largest value allows it, else 16: the same units in both, as Zurich RAW-to-DSLR has
/// it.
Image phone_mosaic(const Image& photo, int top, int left, int side, const PhoneShot& shot,
                   Random& random);

}  // namespace hyperconv
