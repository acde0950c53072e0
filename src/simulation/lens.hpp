// What a lens does to the light of a scene before a simulated sensor sees it.
#pragma once

#include <array>

#include "base/tensor.hpp"

namespace hyperconv {

/// The same over a patch, which is small beside a frame: blur changes slowly over it, and a lateral
/// colour error, which is a scale of a whole frame, is a shift of a patch.
struct Lens {
  std::array<double, 3> blur{};  ///< of R, G, B: deviation of a Gaussian in pixels, 0..1
  /// Of R, G, B: a channel shows at (y, x) what lies at (y + first, x + second); -1..1 pixels.
  std::array<std::array<double, 2>, 3> shift{};
  bool operator==(const Lens&) const = default;
};

/// Camera RGB [1,3,H,W] through the lens, in place. Beyond the frame lies its last row or column.
/// Shifts between pixels are linear interpolation, which blurs a little by itself.
void see_through(const Lens& lens, Tensor& camera_rgb);

}  // namespace hyperconv
