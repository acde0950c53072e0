// The phone of the simulated Zurich RAW-to-DSLR: what its sensor would have recorded where a better
// camera took this photo.
#pragma once

#include <array>

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

/// What is the same in all shots: colours (phone_camera()), frame (3968x2976), lens blur and bits
/// (10) of every phone, and what follows.
struct Phone {
  /// Where its noise lies at an ISO value.
  enum class Noise {
    brooks_line,  ///< shot variance 0.012 * iso / 6400, read on Brooks et al.'s line
    median_line   ///< noise_at_iso() of phones
  };
  Noise noise = Noise::brooks_line;
  int black_levels = 2;  ///< levels of no light in its files: 63 and so many - 1 above
  /// Fall-off of red, green and blue: a corner of the frame gets 1 / (1 + v)^2 of the light.
  std::array<double, 3> vignetting = {0.414, 0.414, 0.414};
  double row_noise = 0;        ///< deviation of a row's offset, of the read noise's
  double black_error = 0;      ///< true level of no light minus the file's, in steps
  double green_imbalance = 0;  ///< as SensorSettings'
  /// Shares of the pixels. Which ones is drawn for each shot: a patch is nearly always of another
  /// place of the frame.
  double hot_share = 0, dead_share = 0;
};

/// A sensor without faults whose lens darkens all colours alike: simzrr's version 1.
Phone kind_phone();
/// One with a phone's faults, and a lens that also colours the corners: version 2.
Phone faulty_phone();

/// What changes from shot to shot.
struct PhoneShot {
  double exposure = 1;           ///< 1: the photo's white saturates
  double red = 2, blue = 2;      ///< gains that would make grey grey, green 1; not applied
  int iso = 100;                 ///< 0: no noise
  int black = 64;                ///< level of no light; white is 1023
  int frame_x = 0, frame_y = 0;  ///< of the patch's middle from the middle of the phone's frame
  Misalignment misalignment;
};

/// Exposures 1/4..1, light from lamp to shade, ISO 100..1600, one of the phone's black levels, any
/// place in its frame. `misalign`: no point of the patch is moved by more than this many pixels;
/// half of it is left to shift, a quarter each to turn and zoom. What is drawn is rounded to a few
/// digits, so that a manifest can say it whole.
PhoneShot random_shot(const Phone& phone, int side, double misalign, Random& random);

/// The square of `side` (even) of the photo (8-bit RGB, sRGB) that starts at (top, left), mirrored
/// beyond the photo's edges, as the phone's sensor records it: the tone curve and sRGB's curve
/// undone, moved as the shot says, blurred (Gaussian, sigma 0.45 pixels in the middle of the frame
/// to 0.8 in its corners), in the phone's colours, darkened towards the corners, its white balance
/// taken back, exposed with noise and the phone's faults, in 10 bits. One channel, RGGB; 8 bits a
/// sample where the largest value allows it, else 16: the same units in both, as Zurich RAW-to-DSLR
/// has it.
Image phone_mosaic(const Phone& phone, const Image& photo, int top, int left, int side,
                   const PhoneShot& shot, Random& random);

}  // namespace hyperconv
