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

/// Calls use(y, x) for about a million pixels that have two more around them, of all places of a
/// cell of `side` x `side` alike.
template <class Use>
void for_some_pixels(const Shape& shape, int64_t side, const Use& use) {
  constexpr int64_t most = 1'000'000;
  const int64_t step = side * std::max<int64_t>(1, shape.plane() / most);
  for (int64_t top = 2; top + side + 1 < shape.h; top += step)
    for (int64_t y = top; y < top + side; ++y)
      for (int64_t x = 2; x + 2 < shape.w; ++x) use(y, x);
}

/// Neighbours at that distance: above, below, left and right.
float cross(const Tensor& light, int64_t colour, int64_t y, int64_t x, int64_t distance) {
  const float* here = light.row(0, colour, y) + x;
  return here[-distance] + here[distance] + light.row(0, colour, y - distance)[x] +
         light.row(0, colour, y + distance)[x];
}

float laplacian(const Tensor& light, int64_t colour, int64_t y, int64_t x) {
  return 4 * light.row(0, colour, y)[x] - cross(light, colour, y, x, 1);
}

/// The share of the absolute Laplacians of a colour that each place has.
OfPlaces shares_of_laplacians(const Tensor& light, int64_t colour) {
  OfPlaces sums{};
  for_some_pixels(light.shape(), 2, [&](int64_t y, int64_t x) {
    sums[size_t(2 * (y % 2) + x % 2)] += double(std::abs(laplacian(light, colour, y, x)));
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
  for_some_pixels(light.shape(), 2, [&](int64_t y, int64_t x) {
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

/// How sharp each colour is at the places of X-Trans' cell.
class XTransSharpness {
 public:
  explicit XTransSharpness(const Tensor& light) {
    for_some_pixels(light.shape(), side, [&](int64_t y, int64_t x) {
      const auto place = size_t(side * (y % side) + x % side);
      ++counts_[place];
      for (size_t c = 0; c < 3; ++c)
        sums_[c][place] += double(std::abs(laplacian(light, int64_t(c), y, x)));
    });
  }

  /// The mean of a colour where the pattern has its samples of another, or of the same.
  double where(const XTrans& pattern, size_t colour, int samples_of) const {
    double sum = 0, count = 0;
    for (int64_t place = 0; place < side * side; ++place) {
      if (pattern.colour(place / side, place % side) != samples_of) continue;
      sum += sums_[colour][size_t(place)];
      count += counts_[size_t(place)];
    }
    return count > 0 ? sum / count : 0;
  }

  /// How much sharper green is at its own places than elsewhere, as a share of what it is there.
  double lead_of_green(const XTrans& pattern) const {
    const double elsewhere = (where(pattern, 1, 0) + where(pattern, 1, 2)) / 2;
    return elsewhere > 0 ? where(pattern, 1, 1) / elsewhere - 1 : 0;
  }

  /// The same of red and blue, at their own places and at one another's.
  double lead_of_others(const XTrans& pattern) const {
    return where(pattern, 0, 0) + where(pattern, 2, 2) - where(pattern, 0, 2) -
           where(pattern, 2, 0);
  }

 private:
  static constexpr int64_t side = XTrans::side;
  std::array<std::array<double, side * side>, 3> sums_{};
  std::array<double, side * side> counts_{};
};

/// Bayer's patterns have as many samples of each colour at the places of each of X-Trans' colours,
/// so that neither is taken for the other. Markesteijn's demosaicking sharpens red and blue between
/// their samples, but not green: its places say where the pattern is, and of the two that have them
/// so, which differ in red and blue, those decide.
std::optional<XTrans> x_trans_behind(const Tensor& light) {
  const XTransSharpness sharpness(light);
  XTrans best;
  double most = 0;
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      if (const double lead = sharpness.lead_of_green({row, column}); lead > most) {
        most = lead;
        best = {row, column};
      }
  constexpr double clearly = 0.06;  // 0.13 and more were seen, and 0.03 at most of other frames
  if (most < clearly) return std::nullopt;
  const XTrans swapped{best.row + 3, best.column};
  return sharpness.lead_of_others(best) >= sharpness.lead_of_others(swapped) ? best : swapped;
}

/// Row and column, each 0 or 1, of red.
std::optional<std::array<int, 2>> red_place(const Tensor& light) {
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

}  // namespace

std::optional<ColourFilters> demosaicked_from(const Tensor& light) {
  if (light.shape().c < 3) return std::nullopt;
  if (const auto pattern = x_trans_behind(light)) return ColourFilters(*pattern);
  const auto red = red_place(light);
  if (!red) return std::nullopt;
  // From the frame's first pixel on.
  return ColourFilters(shifted(Cfa::rggb, (*red)[0], (*red)[1]));
}

Mosaic mosaic_behind(const Tensor& light, const Mosaic& facts, const ColourFilters& filters) {
  constexpr double black = 4096, white = 65535;
  const auto& shape = light.shape();
  assert(shape.c == 3 || shape.c == 1);
  Mosaic mosaic = facts;
  mosaic.width = int(shape.w);
  mosaic.height = int(shape.h);
  mosaic.cfa = filters;
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

Mosaic mosaic_behind(const FrameView& frame) {
  assert(frame.light != nullptr);
  return mosaic_behind(*frame.light, frame.facts, frame.filters_behind());
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
