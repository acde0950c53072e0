#include "raw/linear_frame.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

using OfPlaces = std::array<double, 4>;  ///< by place in the cell of 2x2

/// Sums of one colour's absolute Laplacians by place, over about a million pixels.
OfPlaces laplacians(const Tensor& light, int64_t colour) {
  constexpr int64_t most = 1'000'000;
  const auto& shape = light.shape();
  // Rows in pairs, so that all places are seen alike.
  const int64_t step = 2 * std::max<int64_t>(1, shape.plane() / most);
  OfPlaces sums{};
  for (int64_t pair = 2; pair + 2 < shape.h; pair += step)
    for (int64_t y = pair; y < pair + 2; ++y) {
      const float* above = light.row(0, colour, y - 1);
      const float* here = light.row(0, colour, y);
      const float* below = light.row(0, colour, y + 1);
      for (int64_t x = 2; x + 2 < shape.w; ++x)
        sums[size_t(2 * (y % 2) + x % 2)] +=
            double(std::abs(4 * here[x] - here[x - 1] - here[x + 1] - above[x] - below[x]));
    }
  return sums;
}

}  // namespace

std::array<int, 2> red_place(const Tensor& light) {
  if (light.shape().c < 3) return {0, 0};
  const OfPlaces red = laplacians(light, 0), blue = laplacians(light, 2);
  const auto share = [](const OfPlaces& sums, size_t place) {
    const double sum = sums[0] + sums[1] + sums[2] + sums[3];
    return sum > 0 ? sums[place] / sum : 0;
  };
  size_t best = 0;
  double most = 0;
  for (size_t place = 0; place < 4; ++place)
    if (const double own = share(red, place) + share(blue, 3 - place); own > most) {
      best = place;
      most = own;
    }
  return {int(best / 2), int(best % 2)};
}

Mosaic mosaic_behind(const Tensor& light, const Mosaic& facts) {
  constexpr double black = 4096, white = 65535;
  const auto& shape = light.shape();
  assert(shape.c == 3 || shape.c == 1);
  const auto [row, column] = red_place(light);
  Mosaic mosaic = facts;
  mosaic.width = int(shape.w);
  mosaic.height = int(shape.h);
  mosaic.cfa = shifted(Cfa::rggb, row, column);
  mosaic.black.fill(black);
  mosaic.white = white;
  mosaic.saturated_at.reset();
  mosaic.samples.resize(size_t(shape.plane()));
  const auto gains = balance_gains(facts.white_balance);
  std::array<float, 3> scale{};
  for (size_t c = 0; c < 3; ++c) scale[c] = float((white - black) / gains[c]);
  Threads().parallel_for(shape.h, [&](int64_t y) {
    throw_if_interrupted();
    uint16_t* out = &mosaic.samples[size_t(y) * size_t(shape.w)];
    for (int64_t x = 0; x < shape.w; ++x) {
      const int colour = cfa_colour(mosaic.cfa, y, x);
      const float value = light.row(0, shape.c == 3 ? colour : 0, y)[x];
      const float sample = float(black) + scale[size_t(colour)] * value;
      // Written so that NaN becomes 0.
      out[x] = sample > 0 ? uint16_t(std::min(sample + 0.5f, float(white))) : uint16_t(0);
    }
  });
  return mosaic;
}

void cut_highlights(Tensor& light) {
  for (float *value = light.data(), *end = value + light.size(); value != end; ++value)
    *value = std::min(*value, 1.f);
}

Tensor mean_of_colours(const Tensor& light) {
  const auto& shape = light.shape();
  assert(shape.n == 1 && shape.c == 3);
  Tensor mean({1, 1, shape.h, shape.w});
  const auto plane = size_t(shape.plane());
  const float* from = light.data();
  for (size_t i = 0; i < plane; ++i)
    mean.data()[i] = (from[i] + from[plane + i] + from[2 * plane + i]) / 3;
  return mean;
}

}  // namespace hyperconv
