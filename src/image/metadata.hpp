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

}  // namespace hyperconv
