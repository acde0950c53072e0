// EXIF of a shot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hyperconv/mosaic.hpp"

namespace hyperconv {

/// What is known of the shot and this program's name, as a TIFF stream for ImageMetadata::exif.
/// Without the orientation, which is the image file's own.
std::vector<uint8_t> exif_for_picture(const Mosaic& mosaic);

/// This program's name and version, for the tag Software.
const char* software_name();

/// "YYYY:MM:DD HH:MM:SS", by form.
bool is_exif_date(const std::string& date);

/// Cameras' facts come as floats: 1/250 s as 0.004000000189989805. The shortest decimal that is the
/// same float is what was meant.
double rounded_to_float(double value);

/// EXIF's old ISO tag is 16 bits wide. Where that is not enough it says 65535, and the index
/// stands in RecommendedExposureIndex, with SensitivityType 2 to say so.
uint16_t iso_tag(double iso);
inline bool exceeds_iso_tag(double iso) { return iso > 65534.5; }
inline constexpr uint16_t recommended_exposure_index = 2;

}  // namespace hyperconv
