// XMP packets and IPTC records, through exiv2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/codec.hpp"
#include "image/exiv2_guard.hpp"

namespace hyperconv {

/// The packet for a picture of this size and orientation: these are put in where the packet speaks
/// of them. Left out are thumbnails and what points to other parts of the old file (a gain map, a
/// video). Unchanged where nothing of it is there, or where exiv2 cannot read it.
std::vector<uint8_t> xmp_to_write(const Image& image);

/// The packet of a RAW file for the picture that was developed of it, where a RAW converter's
/// settings (the schema crs) have nothing to act on and the file's own format and colours are no
/// more; unchanged where there are none.
std::vector<uint8_t> xmp_without_settings(std::vector<uint8_t> packet);

/// What of a lens's faults is corrected in a picture.
struct CorrectedLens {
  std::string name;
  bool distortion = false, vignetting = false, lateral_colour = false;
};

/// The packet, which may be empty, that says so in the words of Adobe's RAW converters (the schema
/// crs), as settings that are applied already. Unchanged where exiv2 cannot read it.
std::vector<uint8_t> xmp_with_lens(std::vector<uint8_t> packet, const CorrectedLens& lens);

/// The packet in UTF-8, from whichever Unicode it is in.
std::vector<uint8_t> xmp_in_utf8(std::vector<uint8_t> packet);

/// Both in one, where `more` is what the packet names as its extension (ImageMetadata::more_xmp);
/// the packet alone where exiv2 cannot read one of them.
std::vector<uint8_t> xmp_with_more(const std::vector<uint8_t>& packet,
                                   const std::vector<uint8_t>& more);

/// The packet with what IPTC records say and it does not, under the names that the Metadata Working
/// Group gives them: for formats that have no place for the records. The packet alone where there
/// are none or exiv2 cannot read them.
std::vector<uint8_t> xmp_with_iptc(const std::vector<uint8_t>& packet,
                                   const std::vector<uint8_t>& iptc);

/// The extension out of a JPEG's segments, which are given without their signature; as
/// ImageMetadata::more_xmp, empty where it is not whole.
std::vector<uint8_t> joined_xmp(const std::vector<std::vector<uint8_t>>& segments);

/// The segments for it, of as many bytes at most.
std::vector<std::vector<uint8_t>> xmp_in_segments(const std::vector<uint8_t>& more, size_t most);

/// IPTC records out of a JPEG's APP13 segments or a TIFF's tag 34377 (Photoshop's image resources,
/// without "Photoshop 3.0"); empty where there are none.
std::vector<uint8_t> iptc_in_resources(Bytes resources);

/// IPTC records out of a TIFF's tag 33723, which some programs write as numbers of four bytes, in
/// the file's order.
std::vector<uint8_t> iptc_in_tag(Bytes value);

/// Those of Photoshop's image resources that a changed picture may keep: not IPTC, which is kept
/// apart, its digest, other metadata again, and thumbnails.
std::vector<uint8_t> lasting_resources(Bytes resources);

/// The records as Photoshop's image resource 0x0404, and other resources behind them.
std::vector<uint8_t> resources_with_iptc(const std::vector<uint8_t>& iptc,
                                         const std::vector<uint8_t>& others);

}  // namespace hyperconv
