// AVIF files (AV1 in HEIF's boxes), by libavif, where it was there at build time.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Grey or RGB, with or without alpha; 8 bits become 8, 10 and 12 become 16. Of a sequence the
/// first picture. The orientation is that of the boxes irot and imir, which counts there, and not
/// EXIF's.
Image decode_avif(const std::string& name, Bytes file);

/// 8, 10 or 12 bits (options.depth; of pictures of 16 bits 10 where nothing is said), 1 to 4
/// channels, at most 65536 pixels a side. Chroma is 4:4:4 from quality 90 on; quality 100 keeps
/// every sample of as many bits. The bytes do not depend on the number of threads.
std::vector<uint8_t> encode_avif(const std::string& name, const Image& image,
                                 const WriteOptions& options);

}  // namespace hyperconv
