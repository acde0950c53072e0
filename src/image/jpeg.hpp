// JPEG files.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Whether a file begins like a JPEG.
bool is_jpeg(Bytes file);

/// Grey or RGB. Throws Error naming the file when libjpeg so much as warns of damage.
Image decode_jpeg(const std::string& name, Bytes file);

/// 8 bits, grey or RGB; quality 1..100. Bands of rows go to threads (0: all cores that this process
/// may use); the bytes do not depend on their number.
std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image, int quality,
                                 int threads = 0);

}  // namespace hyperconv
