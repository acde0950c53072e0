#include "image/brands.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace hyperconv {
namespace {

using namespace std::string_view_literals;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Whether the box ftyp, which stands first, names one of these brands.
template <size_t count>
bool has_brand(Bytes file, const std::array<std::string_view, count>& brands) {
  constexpr size_t header = 8, brand = 4;
  if (file.size() < header + 2 * brand || text_of(file).substr(4, 4) != "ftyp") return false;
  const size_t told =
      size_t(file[0]) << 24 | size_t(file[1]) << 16 | size_t(file[2]) << 8 | size_t(file[3]);
  const std::string_view box = text_of(file.first(std::min(told, file.size())));
  // The main brand, its version, and those that it is compatible with.
  for (size_t at = header; at + brand <= box.size(); at += brand)
    if (at != header + brand && std::ranges::find(brands, box.substr(at, brand)) != brands.end())
      return true;
  return false;
}

}  // namespace

bool is_jxl(Bytes file) {
  const std::string_view text = text_of(file);
  return text.starts_with("\xff\x0a"sv) || text.starts_with("\0\0\0\x0cJXL \r\n\x87\n"sv);
}

bool is_avif(Bytes file) { return has_brand(file, std::array{"avif"sv, "avis"sv}); }

bool is_heif(Bytes file) {
  return !is_avif(file) && has_brand(file, std::array{"heic"sv, "heix"sv, "heim"sv, "heis"sv,
                                                      "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv});
}

}  // namespace hyperconv
