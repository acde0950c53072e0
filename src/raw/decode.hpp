// Mosaics out of files that have been read: what mosaic.hpp's readers do once they have the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/image.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// As read_raw_frame(); `name` is the file's, for messages.
RawFrame decode_raw_frame(const std::string& name, std::vector<uint8_t> bytes);

/// As read_headerless().
Mosaic decode_headerless(const std::string& name, const std::vector<uint8_t>& bytes,
                         const MosaicFormat& format);

/// As read_mosaic_png(); `image` is what `bytes` decode to.
Mosaic mosaic_of_png(const std::string& name, const std::vector<uint8_t>& bytes, Image image,
                     const MosaicFormat& format);

}  // namespace hyperconv
