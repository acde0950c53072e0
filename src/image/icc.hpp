// Colour profiles.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

/// sRGB for pictures of 3 or 4 channels, grey with sRGB's curve for 1 or 2. The same bytes always.
const std::vector<uint8_t>& srgb_profile(int channels);

/// Whether this is an ICC profile for pictures of so many channels.
bool profile_fits(const std::vector<uint8_t>& profile, int channels);

/// What a profile calls itself; empty where it is none or says nothing.
std::string profile_name(const std::vector<uint8_t>& profile);

/// The picture's profile becomes this one; a note, where it is none for it.
void adopt_profile(ImageMetadata& metadata, std::vector<uint8_t> profile, int channels);

/// What is written into the picture's file: its own profile, or sRGB's. Throws Error when its own
/// is for another number of channels.
const std::vector<uint8_t>& profile_to_write(const std::string& name, const Image& image);

/// The profile as lcms2 writes it, with a sound header: its true length, the white of D50 and one
/// of the four intents. Empty when it cannot be read.
std::vector<uint8_t> mended_profile(const std::vector<uint8_t>& profile);

/// The linear light, 0..1, of each sample of 16 bits, for each colour (3 or 1) of pictures with
/// this profile: by its curves, which never fall; by sRGB's where it is empty, or has tables in
/// place of curves.
std::vector<std::vector<float>> light_tables(const std::vector<uint8_t>& profile, int channels);

/// CIE xy.
struct Chromaticity {
  double x = 0, y = 0;
};

/// light = encoded^exponent.
struct GammaCurve {
  double exponent = 1;
};
/// light = ((encoded + offset) / (1 + offset))^exponent from `from` on, encoded / slope below: the
/// form of sRGB's and BT.709's curves.
struct ToeCurve {
  double exponent = 2.4, offset = 0.055, slope = 12.92, from = 0.04045;
};
/// light as 0..65535 of evenly spaced encoded values.
struct TableCurve {
  std::vector<uint16_t> values;
};
using Curve = std::variant<GammaCurve, ToeCurve, TableCurve>;

/// Colours as files describe them without a profile. By default sRGB's (IEC 61966-2-1).
struct ColourSpace {
  Chromaticity white{0.3127, 0.3290}, red{0.64, 0.33}, green{0.30, 0.60}, blue{0.15, 0.06};
  Curve curve = ToeCurve{};
  std::string name;  ///< of the profile
};

/// Adobe RGB (1998), which DCF's option files are in.
ColourSpace adobe_rgb();

/// A profile that says the same. Empty where sRGB is meant, to the precision of the numbers that
/// files hold (a gamma of 1/0.45455 with sRGB's primaries is meant for sRGB, says PNG's
/// specification), and where the numbers describe no colours.
std::vector<uint8_t> profile_of(const ColourSpace& space, int channels);

}  // namespace hyperconv
