// JPEG files.
#pragma once

#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Whether a file begins like a JPEG.
bool is_jpeg(Bytes file);

/// Grey or RGB. Throws Error naming the file when libjpeg warns of anything that may have cost
/// samples; what it warns of besides is a note.
Image decode_jpeg(const std::string& name, Bytes file);

/// 8 bits, grey or RGB. Bands of rows go to threads; the bytes do not depend on their number.
std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image,
                                 const WriteOptions& options);
inline std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image, int quality,
                                        int threads = 0) {
  return encode_jpeg(name, image, {.quality = quality, .threads = threads});
}

}  // namespace hyperconv
