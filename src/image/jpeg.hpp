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

/// 8 bits, grey or RGB; quality 1..100.
std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image, int quality);

}  // namespace hyperconv
