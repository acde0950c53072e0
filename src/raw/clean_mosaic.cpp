#include "raw/clean_mosaic.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "base/interrupt.hpp"
#include "base/threads.hpp"

namespace hyperconv {
Mosaic mosaic_of_light(const Tensor& camera_rgb, const Mosaic& original) {
  assert(camera_rgb.shape() == (Shape{1, 3, original.height, original.width}));
  constexpr double largest = 65535;
  const double factor = std::max(1.0, std::floor(largest / original.white));
  // As the mosaic was packed for the network (pipeline/pack.cpp): one range for all places.
  const double darkest = *std::ranges::min_element(original.black);
  const double range = original.white - darkest;
  const double least = *std::ranges::min_element(original.white_balance);
  const auto cut =
      float(std::min((original.saturated_at.value_or(original.white) - darkest) / range, 1.0));
  constexpr float all_clean_share = 0.96f;
  const float all_clean = all_clean_share * cut;
  std::array<float, 3> scale{};
  for (size_t c = 0; c < 3; ++c)
    scale[c] = float(factor * range * least / original.white_balance[c]);

  Mosaic clean = original;
  clean.white *= factor;
  for (double& black : clean.black) black *= factor;
  if (clean.saturated_at) *clean.saturated_at *= factor;
  Threads().parallel_for(clean.height, [&](int64_t y) {
    throw_if_interrupted();
    const size_t start = size_t(y) * size_t(clean.width);
    for (int64_t x = 0; x < clean.width; ++x) {
      const int colour = cfa_colour(clean.cfa, y, x);
      const float light = camera_rgb.row(0, colour, y)[x];
      const auto black = float(clean.black[size_t(2 * (y % 2) + x % 2)]);
      const float made = black + scale[size_t(colour)] * light;
      const float own = float(factor) * float(original.samples[start + size_t(x)]);
      const float share = std::clamp((light - all_clean) / (cut - all_clean), 0.f, 1.f);
      const float sample = share > 0 ? made + share * (own - made) : made;
      // Written so that NaN becomes 0.
      clean.samples[start + size_t(x)] =
          sample > 0 ? uint16_t(std::min(sample + 0.5f, float(largest))) : uint16_t(0);
    }
  });
  return clean;
}

}  // namespace hyperconv
