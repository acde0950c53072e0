// EXIF blocks, through exiv2. exiv2's own log is switched off for the whole process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// The picture's EXIF block (a TIFF stream) becomes this one and its orientation what that asks
/// for, 1..8, 1 where it asks for none. A damaged block is dropped.
void adopt_exif(ImageMetadata& metadata, std::vector<uint8_t> exif);

/// The block with orientation 1 in place of its own; unchanged where it has none or is damaged.
std::vector<uint8_t> upright_exif(std::vector<uint8_t> exif);

/// The EXIF block for the picture's JPEG or PNG file: what it carries, its orientation and its
/// size. Left out are thumbnails, which show the picture as it was, and tags that describe how
/// another file stored it. Empty when there is nothing to say. Throws Error naming the file when
/// the picture's EXIF is damaged.
std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image);

/// The EXIF block of a TIFF file; empty when it has none or it is damaged.
std::vector<uint8_t> exif_of_tiff(Bytes file);

/// The TIFF file with the picture's EXIF in it, as exif_to_write() chooses it.
std::vector<uint8_t> add_exif_to_tiff(const std::string& name, std::vector<uint8_t> file,
                                      const Image& image);

}  // namespace hyperconv
