// Mosaic -> DNG.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include "base/file.hpp"
#include "raw/dng_file.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

void add_pattern(TiffDirectory& tags, const ColourFilters& filters) {
  const uint16_t side = filters.x_trans() ? XTrans::side : 2;
  tags.shorts(33421, {side, side});
  std::vector<uint8_t> colours;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) colours.push_back(uint8_t(cfa_colour(filters, y, x)));
  tags.bytes(33422, colours);
  tags.bytes(50710, {0, 1, 2});  // CFAPlaneColor
  tags.shorts(50711, {1});       // CFALayout: rectangular
}

void add_levels(TiffDirectory& tags, const Mosaic& mosaic) {
  tags.shorts(50713, {2, 2});  // BlackLevelRepeatDim
  tags.rationals(50714, mosaic.black);
  tags.longs(50717, {uint32_t(std::lround(mosaic.white))});
  if (mosaic.noise) tags.doubles(51041, std::array{mosaic.noise->shot, mosaic.noise->read});
}

TiffDirectory mosaic_tags(const Mosaic& mosaic) {
  assert(mosaic.samples.size() == size_t(mosaic.width) * size_t(mosaic.height));
  TiffDirectory tags;
  add_pattern(tags, mosaic.cfa);
  add_levels(tags, mosaic);
  return tags;
}

DngLayout layout_of(const Mosaic& mosaic) {
  return {photometric_cfa, 1, mosaic.width, mosaic.height};
}

/// All that stands before the samples.
std::vector<uint8_t> header_of(const Mosaic& mosaic) {
  return dng_header(layout_of(mosaic), mosaic, mosaic_tags(mosaic));
}

std::span<const uint8_t> sample_bytes(const Mosaic& mosaic) {
  return {reinterpret_cast<const uint8_t*>(mosaic.samples.data()), mosaic.samples.size() * 2};
}

}  // namespace

std::vector<uint8_t> encode_dng(const Mosaic& mosaic) {
  std::vector<uint8_t> bytes = header_of(mosaic);
  const auto samples = sample_bytes(mosaic);
  bytes.insert(bytes.end(), samples.begin(), samples.end());
  return bytes;
}

void write_dng(const std::filesystem::path& path, const Mosaic& mosaic) {
  PendingFile file(path);
  file.write(header_of(mosaic));
  file.write(sample_bytes(mosaic));
  file.commit();
}

void write_mosaic_dng(const std::filesystem::path& path, const Mosaic& mosaic,
                      const Tensor& camera_rgb, const DngOptions& options) {
  const auto row = [&mosaic](int64_t y, uint16_t* samples) {
    std::copy_n(mosaic.samples.data() + size_t(y) * size_t(mosaic.width), mosaic.width, samples);
  };
  write_dng_file(path, layout_of(mosaic), mosaic, mosaic_tags(mosaic),
                 previews_of(camera_rgb, mosaic, options.threads), row, options);
}

std::string to_string(DngCompression compression) {
  switch (compression) {
    case DngCompression::none:
      return "none";
    case DngCompression::lossless_jpeg:
      return "lossless-jpeg";
  }
  return {};
}

}  // namespace hyperconv
