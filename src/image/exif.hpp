// EXIF blocks, through exiv2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/codec.hpp"
#include "image/exiv2_guard.hpp"

namespace hyperconv {

/// The picture's EXIF block (a TIFF stream) becomes this one, its orientation what that asks for,
/// 1..8, 1 where it asks for none, and its resolution, where the picture has none, too. A damaged
/// block is dropped.
void adopt_exif(ImageMetadata& metadata, std::vector<uint8_t> exif);

/// A picture without a profile gets the one that its EXIF asks for: Adobe RGB where DCF's option
/// files ("R03") say so, or what WhitePoint, PrimaryChromaticities and Gamma describe.
void adopt_colours_of_exif(ImageMetadata& metadata, int channels);

/// The block with orientation 1 in place of its own; unchanged where it has none or is damaged.
std::vector<uint8_t> upright_exif(std::vector<uint8_t> exif);

enum class ExifScope {
  all,         ///< what describes the photo
  orientation  ///< nothing else: without it the picture would be shown lying on its side
};

/// The EXIF block for the picture's JPEG or PNG file: what it carries, its orientation, size and
/// resolution. Left out are thumbnails, which show the picture as it was, and tags that describe
/// how another file stored it. The maker's notes are the same bytes, though at another place. Empty
/// when there is nothing to say. Throws Error naming the file when the picture's EXIF is damaged.
std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image,
                                   ExifScope scope = ExifScope::all);

/// A block of what describes the photo in data from any file, in that byte order; empty where there
/// is nothing of it. The caller has entered exiv2.
std::vector<uint8_t> photo_exif(Exiv2::ExifData data, Exiv2::ByteOrder order);

/// EXIF, XMP and IPTC of a TIFF file, which may be a camera's; nothing of what
/// is missing or damaged.
void adopt_tiff_metadata(ImageMetadata& metadata, Bytes file);

/// The TIFF file with the picture's EXIF in it, as exif_to_write() chooses it. Its XMP and IPTC
/// stay in it.
std::vector<uint8_t> add_exif_to_tiff(const std::string& name, std::vector<uint8_t> file,
                                      const Image& image, ExifScope scope = ExifScope::all);

}  // namespace hyperconv
