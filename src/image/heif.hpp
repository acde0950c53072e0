// HEIF files with HEVC inside (.heic), by libheif, where it was there at build time.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// The main picture, turned and cropped as the file asks for (its orientation is 1 then): RGB with
/// or without alpha, or grey where the profile is for grey; 8 bits become 8, more 16.
Image decode_heif(const std::string& name, Bytes file);

/// 8, 10 or 12 bits (options.depth; of pictures of 16 bits 10 where nothing is said), 1 to 4
/// channels, turned upright first. Chroma is 4:2:0, as phones write and read it.
std::vector<uint8_t> encode_heif(const std::string& name, const Image& image,
                                 const WriteOptions& options);

}  // namespace hyperconv
