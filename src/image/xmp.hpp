// XMP packets and IPTC records, through exiv2.
#pragma once

#include <cstdint>
#include <vector>

#include "image/codec.hpp"
#include "image/exiv2_guard.hpp"

namespace hyperconv {

/// The packet for a picture of this size and orientation: these are put in where the packet speaks
/// of them. Left out are thumbnails and what points to other parts of the old file (a gain map, a
/// video). Unchanged where nothing of it is there, or where exiv2 cannot read it.
std::vector<uint8_t> xmp_to_write(const Image& image);

/// The packet of a RAW file for the picture that was developed of it, where a RAW converter's
/// settings (the schema crs) have nothing to act on; unchanged where there are none.
std::vector<uint8_t> xmp_without_settings(std::vector<uint8_t> packet);

/// A packet that says this; empty where it is nothing. The caller has entered exiv2.
std::vector<uint8_t> encoded_xmp(const Exiv2::XmpData& data);

/// IPTC records out of a JPEG's APP13 segments or a TIFF's tag 34377 (Photoshop's image resources,
/// without "Photoshop 3.0"); empty where there are none.
std::vector<uint8_t> iptc_in_resources(Bytes resources);

/// The records as Photoshop's image resource 0x0404.
std::vector<uint8_t> resources_with_iptc(const std::vector<uint8_t>& iptc);

}  // namespace hyperconv
