// What is written into a picture's file beside its samples.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

/// As the options leave it.
struct MetadataToWrite {
  std::vector<uint8_t> exif = {};  ///< as exif_to_write() makes it
  std::vector<uint8_t> xmp = {}, more_xmp = {}, iptc = {}, photoshop = {};
  std::map<std::string, std::string> texts = {};
};

/// Throws Error as exif_to_write() does.
MetadataToWrite metadata_to_write(const std::string& name, const Image& image,
                                  const WriteOptions& options);

/// All that XMP can say of it in one packet, for formats that have no place for IPTC and for more
/// than one packet; empty where there is nothing.
std::vector<uint8_t> xmp_with_everything(const MetadataToWrite& metadata);

/// EXIF as JPEG XL's boxes and HEIF's items hold it: behind four bytes that say where it begins.
/// Empty where the block is.
std::vector<uint8_t> exif_item_of(const std::vector<uint8_t>& exif);

/// The block in such an item, from its TIFF header on; empty where there is none.
std::vector<uint8_t> tiff_of_exif_item(std::vector<uint8_t> item);

}  // namespace hyperconv
