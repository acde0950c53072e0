// EXIF blocks, through exiv2.
#pragma once

#include <cstdint>
#include <optional>
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

/// The block of a picture that was turned upright: with orientation 1 in place of its own, and
/// resolutions changed one for the other where it was on its side. Unchanged where it is damaged.
std::vector<uint8_t> upright_exif(std::vector<uint8_t> exif, bool was_on_its_side);

/// The resolution that the block itself tells.
std::optional<Resolution> exif_resolution(const std::vector<uint8_t>& exif);

/// A note on a block of so many bytes.
std::string long_exif(size_t size);

enum class ExifScope {
  all,         ///< what describes the photo
  orientation  ///< nothing else: without it the picture would be shown lying on its side
};

/// The longest block that a JPEG's segment has room for.
inline constexpr size_t longest_jpeg_exif = 65527;

/// The EXIF block for the picture's file: what it carries, its orientation, size and resolution.
/// Left out are thumbnails, which show the picture as it was, and tags that describe how another
/// file stored it. The maker's notes are the same bytes and, where a JPEG has room for it, at the
/// same offset, which many makers count from. Empty when there is nothing to say. Throws Error
/// naming the file when the picture's EXIF is damaged.
std::vector<uint8_t> exif_to_write(const std::string& name, const Image& image,
                                   ExifScope scope = ExifScope::all);

/// The block without the maker's notes, which are the longest part of it.
std::vector<uint8_t> exif_without_notes(const std::vector<uint8_t>& exif);

/// Where the maker's notes lie in a block, or in a camera's file that is a TIFF; 0: nowhere.
uint32_t maker_notes_place(Bytes file);

/// A block of what describes the photo in data from any file, in that byte order, with the maker's
/// notes at that offset, where it is not 0; empty where there is nothing of it. The caller has
/// entered exiv2.
std::vector<uint8_t> photo_exif(Exiv2::ExifData data, Exiv2::ByteOrder order, uint32_t notes_at);

/// EXIF of a TIFF file, which may be a camera's; nothing of what is missing or damaged.
void adopt_tiff_exif(ImageMetadata& metadata, Bytes file);

}  // namespace hyperconv
