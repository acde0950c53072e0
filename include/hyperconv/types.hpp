// Small types that the library and its callers share.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace hyperconv {

/// A rectangle of a photo, in pixels.
struct Region {
  int64_t top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Region&) const = default;
};

using Matrix3 = std::array<std::array<double, 3>, 3>;

/// Colours of the samples (0,0) (0,1) / (1,0) (1,1) of the active area.
enum class Cfa { rggb, bggr, grbg, gbrg };

/// Variance of a sample with mean x: shot * x + read, x in [0,1] after black and white level,
/// before white balance (the DNG tag NoiseProfile; Foi et al. 2008). Read is a variance, not a
/// deviation.
struct NoiseProfile {
  double shot = 0;
  double read = 0;
  bool operator==(const NoiseProfile&) const = default;
};

/// Facts about the shot that the developed picture's EXIF repeats. Zero or empty: not known.
struct Shot {
  std::string make, model, lens, date_time;  ///< date as "YYYY:MM:DD HH:MM:SS"
  double iso = 0, exposure_seconds = 0, f_number = 0, focal_length_mm = 0;
};

/// How much of what the network would remove is removed, in [0,1]; at 0 and 0 the photo stays as it
/// is, bit for bit. Luma is the weighted sum of BT.709 on the encoded samples, colour the rest.
struct DenoiseStrength {
  double luma = 1, colour = 1;
};

}  // namespace hyperconv
