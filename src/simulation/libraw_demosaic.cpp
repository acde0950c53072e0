#include "simulation/libraw_demosaic.hpp"

#include <libraw/libraw.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/fail.hpp"
#include "base/threads.hpp"
#include "raw/mirrored_sample.hpp"

namespace hyperconv {
namespace {

constexpr int least_side = 22;  // LibRaw refuses smaller files
constexpr double full_scale = 65535;

/// What LibRaw demosaics at least: its X-Trans works in tiles of 512.
int least_extent(const Mosaic& mosaic) {
  return mosaic.cfa.x_trans() != nullptr ? 512 : least_side;
}

/// Black at 0 and white at full scale, and mirrored below and to the right to what LibRaw takes.
/// LibRaw rounds black levels to whole numbers and takes one distance from black to white for all
/// places of the cell; here both are exact. Of the rest only what demosaicing needs, so that no
/// table of LibRaw's about the camera has a say.
Mosaic normalised(const Mosaic& mosaic, Threads& threads) {
  const XTrans phase = mosaic.cfa.x_trans() != nullptr ? *mosaic.cfa.x_trans() : XTrans{};
  Mosaic result;
  result.width = std::max(mosaic.width, least_extent(mosaic));
  result.height = std::max(mosaic.height, least_extent(mosaic));
  result.cfa = mosaic.cfa;
  result.white = full_scale;
  result.white_balance = mosaic.white_balance;
  result.xyz_to_camera = mosaic.xyz_to_camera;  // AHD compares neighbours in CIELab
  result.samples.resize(size_t(result.width) * size_t(result.height));
  threads.parallel_for(result.height, [&](int64_t row) {
    const int64_t y = mirrored_sample(row, mosaic.height, mosaic.cfa, phase.row);
    for (int64_t column = 0; column < result.width; ++column) {
      const int64_t x = mirrored_sample(column, mosaic.width, mosaic.cfa, phase.column);
      const double black = mosaic.black[size_t(2 * (y & 1) + (x & 1))];
      const double light =
          (mosaic.samples[size_t(y * mosaic.width + x)] - black) / (mosaic.white - black);
      result.samples[size_t(row * result.width + column)] =
          uint16_t(std::clamp(light, 0.0, 1.0) * full_scale + 0.5);
    }
  });
  return result;
}

void check(int code) {
  if (code != LIBRAW_SUCCESS) fail("LibRaw cannot demosaic the photo: {}", libraw_strerror(code));
}

/// LibRaw's number; for X-Trans it asks whether that is above 2.
int libraw_quality(LibRawMethod method) {
  switch (method) {
    case LibRawMethod::ahd:
    case LibRawMethod::markesteijn_3:
      return 3;
    case LibRawMethod::dht:
      return 11;
    case LibRawMethod::markesteijn_1:
      return 1;
  }
  return 3;
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
  params.user_qual = libraw_quality(method);
}

/// LibRaw's threads are OpenMP's: for the loops that the calling thread starts.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int count) { omp_set_num_threads(count); }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

/// LibRaw's DHT refines its directions in place, each row from the rows beside it, and gives the
/// rows to several threads: there the picture depends on which thread is faster.
int threads_for(LibRawMethod method, const Threads& pool) {
  return method == LibRawMethod::dht ? 1 : pool.count();
}

/// LibRaw's picture, four samples a pixel, the fourth unused, before brightness, gamma and flip,
/// which LibRaw leaves to the writing.
Tensor picture_of(const LibRaw& raw, const Mosaic& mosaic, Threads& threads) {
  const int64_t stride = raw.imgdata.sizes.iwidth;
  Tensor rgb({1, 3, mosaic.height, mosaic.width});
  threads.parallel_for(mosaic.height, [&](int64_t y) {
    const auto* pixel = raw.imgdata.image + y * stride;
    for (int64_t c = 0; c < 3; ++c) {
      float* out = rgb.row(0, c, y);
      for (int64_t x = 0; x < mosaic.width; ++x) out[x] = float(pixel[x][c] / full_scale);
    }
  });
  return rgb;
}

}  // namespace

std::string to_string(LibRawMethod method) {
  switch (method) {
    case LibRawMethod::ahd:
      return "AHD";
    case LibRawMethod::dht:
      return "DHT";
    case LibRawMethod::markesteijn_1:
      return "Markesteijn 1";
    case LibRawMethod::markesteijn_3:
      return "Markesteijn 3";
  }
  return {};
}

std::array<LibRawMethod, 2> libraw_methods(const ColourFilters& filters) {
  if (filters.x_trans() != nullptr)
    return {LibRawMethod::markesteijn_1, LibRawMethod::markesteijn_3};
  return {LibRawMethod::ahd, LibRawMethod::dht};
}

Tensor demosaic_with_libraw(const Mosaic& mosaic, LibRawMethod method, int threads) {
  if (std::min(mosaic.width, mosaic.height) < least_side)
    fail("the photo has {}x{} samples; LibRaw demosaics from {}x{} on", mosaic.width, mosaic.height,
         least_side, least_side);
  Threads pool(threads);
  const Mosaic enlarged = normalised(mosaic, pool);
  const std::vector<uint8_t> dng = encode_dng(enlarged);
  const auto raw = std::make_unique<LibRaw>();  // too large for the stack
  configure(*raw, method, enlarged);
  check(raw->open_buffer(const_cast<uint8_t*>(dng.data()), dng.size()));  // LibRaw only reads it
  check(raw->unpack());
  const OpenMpThreads libraw_threads(threads_for(method, pool));
  check(raw->dcraw_process());
  return picture_of(*raw, mosaic, pool);
}

}  // namespace hyperconv
