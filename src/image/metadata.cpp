#include "image/metadata.hpp"

#include <algorithm>
#include <string_view>

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

std::vector<uint8_t> xmp_with_everything(const MetadataToWrite& metadata) {
  return xmp_with_iptc(xmp_with_more(metadata.xmp, metadata.more_xmp), metadata.iptc);
}

std::vector<uint8_t> exif_item_of(const std::vector<uint8_t>& exif) {
  if (exif.empty()) return {};
  std::vector<uint8_t> item(4);
  item.insert(item.end(), exif.begin(), exif.end());
  return item;
}

std::vector<uint8_t> tiff_of_exif_item(std::vector<uint8_t> item) {
  constexpr uint64_t length = 4;
  constexpr std::string_view signature("Exif\0\0", 6);  // of JPEG, which some programs keep
  if (item.size() < length) return {};
  uint64_t begin = 0;
  for (size_t i = 0; i < length; ++i) begin = begin << 8 | item[i];
  begin = std::min<uint64_t>(begin + length, item.size());
  const std::string_view rest(reinterpret_cast<const char*>(item.data()) + begin,
                              item.size() - begin);
  if (rest.starts_with(signature)) begin += signature.size();
  item.erase(item.begin(), item.begin() + std::ptrdiff_t(begin));
  return item;
}

}  // namespace hyperconv
