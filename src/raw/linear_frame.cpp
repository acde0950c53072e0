#include "raw/linear_frame.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

using OfPlaces = std::array<double, 4>;  ///< by place in the cell of 2x2

/// Calls use(y, x) for about a million pixels that have two more around them, of all places alike.
template <class Use>
void for_some_pixels(const Shape& shape, const Use& use) {
  constexpr int64_t most = 1'000'000;
  // Rows in pairs.
  const int64_t step = 2 * std::max<int64_t>(1, shape.plane() / most);
  for (int64_t pair = 2; pair + 3 < shape.h; pair += step)
    for (int64_t y = pair; y < pair + 2; ++y)
      for (int64_t x = 2; x + 2 < shape.w; ++x) use(y, x);
}

/// Neighbours at that distance: above, below, left and right.
float cross(const Tensor& light, int64_t colour, int64_t y, int64_t x, int64_t distance) {
  const float* here = light.row(0, colour, y) + x;
  return here[-distance] + here[distance] + light.row(0, colour, y - distance)[x] +
         light.row(0, colour, y + distance)[x];
}

/// The share of the absolute Laplacians of a colour that each place has.
OfPlaces shares_of_laplacians(const Tensor& light, int64_t colour) {
  OfPlaces sums{};
  for_some_pixels(light.shape(), [&](int64_t y, int64_t x) {
    const float laplacian = 4 * light.row(0, colour, y)[x] - cross(light, colour, y, x, 1);
    sums[size_t(2 * (y % 2) + x % 2)] += double(std::abs(laplacian));
  });
  const double sum = sums[0] + sums[1] + sums[2] + sums[3];
  if (sum > 0)
    for (double& value : sums) value /= sum;
  return sums;
}

/// How far green is, at the places of a red or blue sample, from what Malvar et al. (ICASSP 2004)
/// make of it there, whose noise is no smoother than the sensor's: by the place of red.
OfPlaces misfits_of_malvar(const Tensor& light) {
  OfPlaces sums{};
  for_some_pixels(light.shape(), [&](int64_t y, int64_t x) {
    const auto place = size_t(2 * (y % 2) + x % 2);
    const float greens = cross(light, 1, y, x, 1), green = light.row(0, 1, y)[x];
    for (const int64_t colour : {0, 2}) {
      const float own = light.row(0, colour, y)[x];
      const float made = (4 * own + 2 * greens - cross(light, colour, y, x, 2)) / 8;
      // Blue is opposite to red.
      sums[colour == 0 ? place : 3 - place] += double(std::abs(std::min(made, 1.f) - green));
    }
  });
  return sums;
}

}  // namespace

std::optional<std::array<int, 2>> demosaicked_from(const Tensor& light) {
  if (light.shape().c < 3) return std::nullopt;
  const OfPlaces red = shares_of_laplacians(light, 0), blue = shares_of_laplacians(light, 2);
  // Of red, and of blue opposite to it: half each where all places are alike.
  OfPlaces sharpness{};
  for (size_t place = 0; place < 4; ++place) sharpness[place] = red[place] + blue[3 - place];
  const auto [least, most] = std::ranges::minmax(sharpness);
  constexpr double alike = 0.0075;
  if (most - least < 2 * alike) return std::nullopt;
  const auto position = [](size_t place) { return std::array{int(place / 2), int(place % 2)}; };
  // A place is sharper than the opposite one, where red is made of what blue tells.
  OfPlaces lead{};
  for (size_t place = 0; place < 4; ++place) lead[place] = sharpness[place] - sharpness[3 - place];
  const auto sharpest = size_t(std::ranges::max_element(lead) - lead.begin());
  constexpr double beyond_doubt = 0.8;  // between are means of neighbours
  if (lead[sharpest] > beyond_doubt) return position(sharpest);
  const OfPlaces misfits = misfits_of_malvar(light);
  const auto best = size_t(std::ranges::min_element(misfits) - misfits.begin());
  OfPlaces others = misfits;
  others[best] = std::numeric_limits<double>::infinity();
  constexpr double clearly = 0.55;
  return position(misfits[best] < clearly * std::ranges::min(others) ? best : sharpest);
}

std::array<int, 2> red_place(const Tensor& light) {
  return demosaicked_from(light).value_or(std::array{0, 0});
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
