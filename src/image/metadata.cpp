#include "image/metadata.hpp"

#include "image/exif.hpp"
#include "image/xmp.hpp"

namespace hyperconv {

MetadataToWrite metadata_to_write(const std::string& name, const Image& image,
                                  const WriteOptions& options) {
  const ExifScope scope = options.strip_metadata ? ExifScope::orientation : ExifScope::all;
  if (options.strip_metadata) return {exif_to_write(name, image, scope), {}, {}, {}};
  return {exif_to_write(name, image, scope), xmp_to_write(image), image.metadata.iptc,
          image.metadata.texts};
}

}  // namespace hyperconv
