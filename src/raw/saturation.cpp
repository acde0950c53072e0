#include "raw/saturation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace hyperconv {
namespace {

/// Samples from `level` on, in a histogram of all values.
int64_t count_from(const std::vector<int64_t>& histogram, int64_t level, int64_t end) {
  int64_t count = 0;
  for (int64_t i = std::max<int64_t>(level, 0); i < end; ++i) count += histogram[size_t(i)];
  return count;
}

using Histogram = std::vector<int64_t>;

/// Of each colour.
std::array<Histogram, 3> histograms(const Mosaic& mosaic) {
  std::array<Histogram, 3> result;
  result.fill(Histogram(65536));
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x)
      ++result[size_t(cfa_colour(mosaic.cfa, y, x))]
              [mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)]];
  return result;
}

/// How wide a pile of clipped samples may be, by black to white.
struct PileForm {
  double width = 0;
  /// Samples above the pile, of those in it: where the clipped level itself is noisy.
  double stray = 0;
};

/// The level at which the colour's samples pile up: most of those in the upper quarter stand in a
/// band of the form's width, and eight times as wide a band below it holds less.
std::optional<int64_t> pile_of(const Histogram& histogram, const Mosaic& mosaic,
                               const PileForm& form) {
  const double black = *std::min_element(mosaic.black.begin(), mosaic.black.end());
  const double range = mosaic.white - black;
  int64_t brightest = 65535;
  while (brightest > 0 && histogram[size_t(brightest)] == 0) --brightest;
  constexpr double least_share = 0.75;
  const auto width = std::max<int64_t>(1, std::llround(form.width * range));
  int64_t top = brightest, above = 0;
  int64_t pile = count_from(histogram, top - width + 1, top + 1);
  // Down to where the band is fullest, leaving a few strays above it.
  while (double(above + histogram[size_t(top)]) <= form.stray * double(pile) && top > width) {
    above += histogram[size_t(top)];
    --top;
    pile = count_from(histogram, top - width + 1, top + 1);
  }
  const int64_t bottom = top - width + 1;
  if (double(top) >= mosaic.white || double(bottom) < black + least_share * range)
    return std::nullopt;
  const int64_t below = count_from(histogram, bottom - 8 * width, bottom);
  constexpr int64_t least_samples = 16;
  constexpr double least_of_all = 2e-5;
  const bool is_pile = pile > least_samples && pile > below &&
                       double(pile) > least_of_all * double(mosaic.samples.size());
  return is_pile ? std::optional(bottom) : std::nullopt;
}

}  // namespace

std::optional<double> clipped_below_white(const Mosaic& mosaic) {
  constexpr PileForm narrow = {.width = 1.0 / 2000}, wide = {.width = 1.0 / 200, .stray = 0.002};
  const auto colours = histograms(mosaic);
  std::optional<int64_t> level;
  std::vector<int64_t> wide_piles;
  for (const Histogram& histogram : colours) {
    if (const auto pile = pile_of(histogram, mosaic, narrow))
      level = std::min(level.value_or(*pile), *pile);
    if (const auto pile = pile_of(histogram, mosaic, wide)) wide_piles.push_back(*pile);
  }
  // A bright and even surface makes wide piles, too, but at another level of each colour.
  std::ranges::sort(wide_piles);
  const double range = mosaic.white - *std::min_element(mosaic.black.begin(), mosaic.black.end());
  for (size_t i = 1; i < wide_piles.size(); ++i)
    if (double(wide_piles[i] - wide_piles[i - 1]) <= wide.width * range && !level)
      level = wide_piles[i - 1];
  if (!level) return std::nullopt;
  return double(*level);
}

}  // namespace hyperconv
