// JPEG XL files (ISO/IEC 18181), by libjxl, where it was there at build time.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Grey or RGB, with or without alpha, of integers; up to 8 bits become 8, more 16. Of an animation
/// the first frame. The profile is the one that the samples are in; none for sRGB.
Image decode_jxl(const std::string& name, Bytes file);

/// 8 or 16 bits, 1 to 4 channels. Quality 100 keeps every sample, less is libjxl's distance as cjxl
/// counts it. The bytes do not depend on the number of threads.
std::vector<uint8_t> encode_jxl(const std::string& name, const Image& image,
                                const WriteOptions& options);

}  // namespace hyperconv
