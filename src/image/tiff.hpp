// TIFF files.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Whether a file begins like a TIFF.
bool is_tiff(Bytes file);

/// Whether it is a camera's RAW file, by what its first directory says of itself.
bool is_camera_tiff(Bytes file);

/// The first picture of the file. A camera file, which is a TIFF too, is an Error: its first
/// picture is a thumbnail.
Image decode_tiff(const std::string& name, Bytes file);

/// 8 or 16 bits or floats, 1 to 4 channels; deflated. Strips go to threads; the bytes do not depend
/// on their number.
std::vector<uint8_t> encode_tiff(const std::string& name, const Image& image,
                                 const WriteOptions& options = {});

}  // namespace hyperconv
