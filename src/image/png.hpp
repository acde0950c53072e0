// PNG files.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Whether a file begins like a PNG.
bool is_png(Bytes file);

/// Palettes become colours, transparent colours alpha, grey of 1, 2 or 4 bits 8 bits.
Image decode_png(const std::string& name, Bytes file);

/// 8 or 16 bits, 1 to 4 channels. Bands of rows go to threads; the bytes do not depend on their
/// number.
std::vector<uint8_t> encode_png(const std::string& name, const Image& image,
                                const WriteOptions& options = {});

}  // namespace hyperconv
