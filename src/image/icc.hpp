// Colour profiles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hyperconv/image.hpp"

namespace hyperconv {

/// sRGB for pictures of 3 or 4 channels, grey with sRGB's curve for 1 or 2. The same bytes always.
const std::vector<uint8_t>& srgb_profile(int channels);

/// Whether this is an ICC profile for pictures of so many channels.
bool profile_fits(const std::vector<uint8_t>& profile, int channels);

/// What is written into the picture's file: its own profile, or sRGB's. Throws Error when its own
/// is for another number of channels.
const std::vector<uint8_t>& profile_to_write(const std::string& name, const Image& image);

}  // namespace hyperconv
