// Small types that the library and its callers share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>

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

/// How much of what the network would remove is removed, in [0,1]; at 0 and 0 a photo stays as it
/// is, bit for bit, and a camera's mosaic keeps all of its grain. Luma is the weighted sum of
/// BT.709 on the encoded samples, colour the rest.
struct DenoiseStrength {
  double luma = 1, colour = 1;
};

/// The light that is grey, as raw converters count it: on the Planckian locus at `kelvin`, in
/// [2000, 15000], and tint / 3000 above it in CIE 1960 uv (Duv), tint in [-150, 150]. Light of a
/// positive tint is greenish: the picture is corrected towards magenta.
struct LightColour {
  double kelvin = 5500, tint = 0;
};
/// The middle of something grey, in pixels of the upright picture from its upper left corner, 0 or
/// more; 16x16 samples around it count.
struct GreyPlace {
  int x = 0, y = 0;
};
struct AsShot {};     ///< the camera's choice
struct Automatic {};  ///< found in the photo, by its edges (grey-edge)
using WantedBalance = std::variant<AsShot, Automatic, LightColour, GreyPlace>;

/// By LibRaw's names. Colours are clipped at different brightness once they are white-balanced:
/// `clip` cuts all where the first one is clipped, and white is there. The others keep what is
/// above that, and white is what becomes of a pixel with all colours clipped, so that the picture
/// is darker.
enum class HighlightMode {
  clip,
  blend,   ///< brightness of all colours, colourfulness of the clipped pixel: fades to white
  rebuild  ///< a clipped colour follows the last one, in the ratio that they have around the place
};

/// The colour space that a picture is in.
enum class OutputSpace { srgb, display_p3, adobe_rgb, prophoto, rec2020 };

/// The part of a camera's file that a picture shows.
enum class Crop {
  active,  ///< all that the sensor saw, as LibRaw renders it
  camera   ///< what the camera's own pictures show; all where the file does not say it
};

/// The longer side at most so long, in pixels.
struct LongestSide {
  int pixels = 0;
};
/// So many times as wide and as high.
struct ShareOfSize {
  double share = 1;
};
/// Neither wider nor higher.
struct WithinSize {
  int width = 0, height = 0;
};
using WantedSize = std::variant<LongestSide, ShareOfSize, WithinSize>;

}  // namespace hyperconv
