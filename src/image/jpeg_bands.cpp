#include "image/jpeg_bands.hpp"

#include <stdexcept>

namespace hyperconv {
namespace {

// ITU-T T.81, table B.1.
constexpr uint8_t baseline_frame = 0xc0;
constexpr uint8_t last_restart = 0xd7;
constexpr uint8_t start_of_scan = 0xda;

constexpr size_t signature = 2;     // SOI
constexpr size_t end_of_image = 2;  // EOI
constexpr size_t height_place = 5;  // behind a frame's marker, length and precision

/// Where a file's segment of this kind begins, with its marker.
size_t find_segment(const std::vector<uint8_t>& file, uint8_t marker) {
  for (size_t at = signature; at + 4 <= file.size();) {
    if (file[at + 1] == marker) return at;
    at += 2 + size_t(file[at + 2] << 8 | file[at + 3]);
  }
  throw std::logic_error("a band of a JPEG is no baseline file");
}

/// The first byte of the compressed samples.
size_t scan_begin(const std::vector<uint8_t>& file) {
  const size_t header = find_segment(file, start_of_scan);
  return header + 2 + size_t(file[header + 2] << 8 | file[header + 3]);
}

}  // namespace

std::vector<uint8_t> join_jpeg_bands(std::span<const std::vector<uint8_t>> bands, int height) {
  size_t size = 0;
  for (const auto& band : bands) size += band.size() + 2;
  std::vector<uint8_t> file;
  file.reserve(size);
  for (const auto& band : bands) {
    const size_t begin = file.empty() ? 0 : scan_begin(band);
    file.insert(file.end(), band.begin() + std::ptrdiff_t(begin), band.end());
    if (&band == &bands.back()) break;
    file.resize(file.size() - end_of_image);
    file.push_back(0xff);
    file.push_back(last_restart);
  }
  const size_t frame = find_segment(file, baseline_frame);
  file[frame + height_place] = uint8_t(height >> 8);
  file[frame + height_place + 1] = uint8_t(height);
  return file;
}

}  // namespace hyperconv
