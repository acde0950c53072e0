// What LibRaw makes of a mosaic: the demosaicing that a network has to be better than.
#pragma once

#include <array>
#include <string>

#include "base/tensor.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

enum class LibRawMethod {
  ahd,            ///< adaptive homogeneity-directed (Hirakawa and Parks 2005), LibRaw's default
  dht,            ///< LibRaw's own, after Anton Petrusevich; strong on fine hairlines
  markesteijn_1,  ///< Frank Markesteijn's for X-Trans, in one pass
  markesteijn_3,  ///< in three, LibRaw's default for X-Trans
};

/// "AHD", "DHT", "Markesteijn 1", "Markesteijn 3".
std::string to_string(LibRawMethod method);

/// The two that are for a mosaic with these filters.
std::array<LibRawMethod, 2> libraw_methods(const ColourFilters& filters);

/// Camera RGB, linear, white-balanced, 1 = the level at which the least amplified channel
/// saturates, as bilinear_camera_rgb gives it, but in 65535 steps and cut at 0, too, as LibRaw cuts
/// it: [1,3,height,width]. Noise stays as it is. Throws Error below 22x22 samples, LibRaw's least,
/// and where LibRaw fails; the method has to be for the mosaic's pattern. `threads` as in Threads;
/// the same bits whatever their number, for which DHT takes one.
Tensor demosaic_with_libraw(const Mosaic& mosaic, LibRawMethod method, int threads = 0);

}  // namespace hyperconv
