#include "raw/saturation.hpp"

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

/// Samples from `level` on, in a histogram of all values.
int64_t count_from(const std::vector<int64_t>& histogram, int64_t level, int64_t end) {
  int64_t count = 0;
  for (int64_t i = std::max<int64_t>(level, 0); i < end; ++i) count += histogram[size_t(i)];
  return count;
}

}  // namespace

std::optional<double> clipped_below_white(const Mosaic& mosaic) {
  const double black = *std::min_element(mosaic.black.begin(), mosaic.black.end());
  const double range = mosaic.white - black;
  std::vector<int64_t> histogram(65536);
  for (const uint16_t sample : mosaic.samples) ++histogram[sample];
  int64_t brightest = 65535;
  while (brightest > 0 && histogram[size_t(brightest)] == 0) --brightest;
  constexpr double least_share = 0.75;
  if (double(brightest) >= mosaic.white || double(brightest) < black + least_share * range)
    return std::nullopt;
  // The pile may be a few values wide, as a pixel's own capacity is; below it comes what light
  // made.
  constexpr double pile_share = 1.0 / 2000;
  const auto width = std::max<int64_t>(1, std::llround(pile_share * range));
  const int64_t pile = count_from(histogram, brightest - width + 1, brightest + 1);
  const int64_t below = count_from(histogram, brightest - 9 * width + 1, brightest - width + 1);
  constexpr int64_t least_samples = 16;
  constexpr double least_of_all = 2e-5;
  // Eight times as wide a band below it holds less than the pile: at most an eighth of its height.
  const bool is_pile = pile > least_samples && pile > below &&
                       double(pile) > least_of_all * double(mosaic.samples.size());
  if (!is_pile) return std::nullopt;
  return double(brightest - width + 1);
}

}  // namespace hyperconv
