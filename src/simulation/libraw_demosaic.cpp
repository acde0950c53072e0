#include "simulation/libraw_demosaic.hpp"

#include <libraw/libraw.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/fail.hpp"
#include "base/threads.hpp"

namespace hyperconv {
namespace {

constexpr int least_side = 22;  // LibRaw refuses smaller files
constexpr double full_scale = 65535;

/// The mosaic with black at 0 and white at full scale. LibRaw rounds black levels to whole numbers
/// and takes one distance from black to white for all places of the cell; here both are exact. Of
/// the rest only what demosaicing needs, so that no table of LibRaw's about the camera has a say.
Mosaic normalised(const Mosaic& mosaic, Threads& threads) {
  Mosaic result;
  result.width = mosaic.width;
  result.height = mosaic.height;
  result.cfa = mosaic.cfa;
  result.white = full_scale;
  result.white_balance = mosaic.white_balance;
  result.xyz_to_camera = mosaic.xyz_to_camera;  // AHD compares neighbours in CIELab
  result.samples.resize(mosaic.samples.size());
  threads.parallel_for(mosaic.height, [&](int64_t y) {
    for (int64_t x = 0; x < mosaic.width; ++x) {
      const double black = mosaic.black[size_t(2 * (y & 1) + (x & 1))];
      const auto i = size_t(y * mosaic.width + x);
      const double light = (mosaic.samples[i] - black) / (mosaic.white - black);
      result.samples[i] = uint16_t(std::clamp(light, 0.0, 1.0) * full_scale + 0.5);
    }
  });
  return result;
}

void check(int code) {
  if (code != LIBRAW_SUCCESS) fail("LibRaw cannot demosaic the photo: {}", libraw_strerror(code));
}

void configure(LibRaw& raw, LibRawMethod method, const Mosaic& mosaic) {
  // LibRaw's own handlers write to stderr.
  raw.set_dataerror_handler(nullptr, nullptr);
  raw.set_memerror_handler([](void*, const char*, const char*) {}, nullptr);
  auto& params = raw.imgdata.params;
  // The size is no stranger's claim: the samples are here. LibRaw counts four a pixel and eight
  // rows of its own.
  params.max_raw_memory_mb = unsigned((int64_t(mosaic.width) * (mosaic.height + 8) * 8 >> 20) + 1);
  params.use_camera_wb = 1;       // the mosaic's, not the daylight that follows from its matrix
  params.output_color = 0;        // no matrix: the camera's own colours
  params.highlight = 0;           // 1 is where the least amplified channel saturates; all cut there
  params.adjust_maximum_thr = 0;  // else a white of the brightest sample's brightens a dim photo
  params.user_qual = method == LibRawMethod::ahd ? 3 : 11;
}

/// LibRaw's picture, four samples a pixel, the fourth unused, before brightness, gamma and flip,
/// which LibRaw leaves to the writing.
Tensor picture_of(const LibRaw& raw, Threads& threads) {
  const auto& sizes = raw.imgdata.sizes;
  Tensor rgb({1, 3, sizes.iheight, sizes.iwidth});
  threads.parallel_for(sizes.iheight, [&](int64_t y) {
    const auto* pixel = raw.imgdata.image + y * sizes.iwidth;
    for (int64_t c = 0; c < 3; ++c) {
      float* out = rgb.row(0, c, y);
      for (int64_t x = 0; x < sizes.iwidth; ++x) out[x] = float(pixel[x][c] / full_scale);
    }
  });
  return rgb;
}

}  // namespace

Tensor demosaic_with_libraw(const Mosaic& mosaic, LibRawMethod method, int threads) {
  if (std::min(mosaic.width, mosaic.height) < least_side)
    fail("the photo has {}x{} samples; LibRaw demosaics from {}x{} on", mosaic.width, mosaic.height,
         least_side, least_side);
  Threads pool(threads);
  const std::vector<uint8_t> dng = encode_dng(normalised(mosaic, pool));
  const auto raw = std::make_unique<LibRaw>();  // too large for the stack
  configure(*raw, method, mosaic);
  check(raw->open_buffer(const_cast<uint8_t*>(dng.data()), dng.size()));  // LibRaw only reads it
  check(raw->unpack());
  check(raw->dcraw_process());
  return picture_of(*raw, pool);
}

}  // namespace hyperconv
