// What a RAW file says of its photo besides samples, and what its pictures say of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "image/exiv2_guard.hpp"
#include "image/image.hpp"
#include "image/output_space.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// EXIF, XMP and IPTC of a camera file, through exiv2, into the facts; the shot's date becomes
/// EXIF's, which never went through a time zone, where it is no CRW (exiv2's does). Nothing changes
/// where exiv2 cannot read the file.
void read_metadata(std::span<const uint8_t> file, Mosaic& facts);

struct ShotExif {
  Exiv2::ExifData data;
  Exiv2::ByteOrder order = Exiv2::littleEndian;  ///< the file's: a maker's notes depend on it
};

/// The file's EXIF, what else is known of the shot and this program's name. The caller has entered
/// exiv2.
ShotExif exif_of_shot(const Mosaic& mosaic);

/// The same as a TIFF stream for ImageMetadata::exif, in the file's byte order. Without the
/// orientation, which is the image file's own.
std::vector<uint8_t> exif_for_picture(const Mosaic& mosaic, OutputSpace space = OutputSpace::srgb,
                                      bool linear = false);

/// All that a picture of this shot in this space, or in its linear light, carries, its orientation
/// and profile too.
ImageMetadata metadata_for_picture(const Mosaic& mosaic, OutputSpace space = OutputSpace::srgb,
                                   bool linear = false);

/// This program's name and version, for the tag Software.
const char* software_name();

/// Whether a file is a CRW of Canon's (CIFF), whose time is the camera's clock in seconds.
bool is_ciff(std::span<const uint8_t> file);

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
