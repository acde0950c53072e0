// The colour spaces that a developed picture can be in.
#pragma once

#include <string>

#include "hyperconv/types.hpp"
#include "image/icc.hpp"

namespace hyperconv {

/// As the program's option and its JSON call it: srgb, display-p3, adobe-rgb, prophoto, rec2020.
std::string to_string(OutputSpace space);

/// Primaries, white and curve, of the standards that are named beside them in output_space.cpp.
ColourSpace colours_of(OutputSpace space);

/// What a picture in this space carries as ImageMetadata::icc: empty for sRGB, which is what is
/// written where nothing is said.
std::vector<uint8_t> profile_of(OutputSpace space, int channels);

/// The same space with its light as it is; never empty.
std::vector<uint8_t> linear_profile_of(OutputSpace space, int channels);

/// Linear light in [0,1] as it is encoded, in [0,1]. Not for a TableCurve.
double encode(const Curve& curve, double light);

}  // namespace hyperconv
