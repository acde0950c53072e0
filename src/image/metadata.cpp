#include "image/metadata.hpp"

#include "image/exif.hpp"
#include "image/xmp.hpp"

namespace hyperconv {

MetadataToWrite metadata_to_write(const std::string& name, const Image& image,
                                  const WriteOptions& options) {
  if (options.strip_metadata) return {.exif = exif_to_write(name, image, ExifScope::orientation)};
  const ImageMetadata& metadata = image.metadata;
  return {.exif = exif_to_write(name, image),
          .xmp = xmp_to_write(image),
          .more_xmp = metadata.more_xmp,
          .iptc = metadata.iptc,
          .photoshop = metadata.photoshop,
          .texts = metadata.texts};
}

}  // namespace hyperconv
