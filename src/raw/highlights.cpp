// After what dcraw and LibRaw do by blend_highlights() and recover_highlights(), on a mosaic.
#include "raw/highlights.hpp"

#include <algorithm>
#include <cmath>

#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

constexpr int block = 8;  // samples; even, so that every block holds whole cells
/// Of a colour's clipping level: a ratio is measured between these, and from the upper one on the
/// colour counts as clipped.
constexpr float least_share = 0.49F, most_share = 0.97F;
/// Of the last colour's: darker ones are too noisy for a ratio.
constexpr float least_of_last = 0.05F;
/// How strongly unknown ratios are drawn to 1, that is to grey, where they are filled in from
/// their neighbours; LibRaw's `highlight` 5.
constexpr float pull_to_grey = 0.5F;
constexpr int most_rounds = 64;

/// Of the deviations from grey.
float colourfulness(const std::array<float, 3>& c) {
  const float mean = (c[0] + c[1] + c[2]) / 3;
  float sum = 0;
  for (const float value : c) sum += (value - mean) * (value - mean);
  return sum;
}

/// The pixel's brightness with the colourfulness that it has when all its colours are cut.
std::array<float, 3> blended(const std::array<float, 3>& pixel, float cut) {
  std::array<float, 3> below = pixel;
  for (float& value : below) value = std::min(value, cut);
  const float whole = colourfulness(pixel);
  if (below == pixel || !(whole > 0)) return pixel;
  const float ratio = std::sqrt(colourfulness(below) / whole);
  const float mean = (pixel[0] + pixel[1] + pixel[2]) / 3;
  std::array<float, 3> result{};
  for (size_t c = 0; c < 3; ++c) result[c] = mean + ratio * (pixel[c] - mean);
  return result;
}

}  // namespace

std::string to_string(HighlightMode mode) {
  switch (mode) {
    case HighlightMode::clip:
      return "clip";
    case HighlightMode::blend:
      return "blend";
    case HighlightMode::rebuild:
      return "rebuild";
  }
  return {};
}

double white_of(HighlightMode mode, const std::array<double, 3>& white_balance) {
  const auto levels = balance_gains(white_balance);
  switch (mode) {
    case HighlightMode::clip:
      return 1;
    case HighlightMode::blend:
      return (levels[0] + levels[1] + levels[2]) / 3;
    case HighlightMode::rebuild:
      return std::ranges::max(levels);
  }
  return 1;
}

Highlights::Highlights(const Mosaic& mosaic, HighlightMode mode) : mosaic_(mosaic), mode_(mode) {
  const auto gains = balance_gains(mosaic.white_balance);
  const double darkest = std::ranges::min(mosaic.black), range = mosaic.white - darkest;
  cut_ = float(std::min((mosaic.saturated_at.value_or(mosaic.white) - darkest) / range, 1.0));
  for (size_t c = 0; c < 3; ++c) clipped_[c] = float(gains[c]) * cut_;
  last_ = size_t(std::ranges::max_element(clipped_) - clipped_.begin());
  for (size_t place = 0; place < 4; ++place) black_[place] = float(mosaic.black[place]);
  for (size_t c = 0; c < 3; ++c) scale_[c] = float(gains[c] / range);
  rows_ = (mosaic.height + block - 1) / block;
  columns_ = (mosaic.width + block - 1) / block;
  find_bright_blocks();
  if (mode != HighlightMode::rebuild) return;
  measure_ratios();
  spread_ratios();
}

/// White-balanced, and no more than the sensor can tell.
float Highlights::light(int64_t y, int64_t x) const {
  const auto colour = size_t(cfa_colour(mosaic_.cfa, y, x));
  const float sample = mosaic_.samples[size_t(y) * size_t(mosaic_.width) + size_t(x)];
  return std::min((sample - black_[size_t(2 * (y % 2) + x % 2)]) * scale_[colour],
                  clipped_[colour]);
}

/// Of each colour, by the samples of 3x3 with the weights of straight interpolation.
Highlights::Place Highlights::place(int64_t y, int64_t x) const {
  Place place;
  Colours weights{};
  for (int64_t dy = -1; dy <= 1; ++dy)
    for (int64_t dx = -1; dx <= 1; ++dx) {
      const int64_t row = mirrored(y + dy, mosaic_.height);
      const int64_t column = mirrored(x + dx, mosaic_.width);
      const auto colour = size_t(cfa_colour(mosaic_.cfa, row, column));
      const auto weight = float((2 - std::abs(dy)) * (2 - std::abs(dx)));
      const float sample = light(row, column);
      place.excess[colour] += weight * std::max(sample - cut_, 0.F);
      if (sample >= most_share * clipped_[colour]) place.clipped[colour] += weight;
      weights[colour] += weight;
    }
  for (size_t c = 0; c < 3; ++c) {
    if (weights[c] == 0) continue;  // in a corner of X-Trans
    place.excess[c] /= weights[c];
    place.clipped[c] /= weights[c];
  }
  return place;
}

/// Most of a photo needs no second look.
void Highlights::find_bright_blocks() {
  is_bright_.assign(size_t(rows_) * size_t(columns_), 0);
  Threads().parallel_for(rows_, [&](int64_t row) {
    throw_if_interrupted();
    const int64_t top = std::max<int64_t>(block * row - 1, 0);
    const int64_t bottom = std::min<int64_t>(block * (row + 1) + 1, mosaic_.height);
    for (int64_t y = top; y < bottom; ++y)
      for (int64_t x = 0; x < mosaic_.width; ++x) {
        if (light(y, x) < most_share * cut_) continue;
        for (int64_t at = std::max<int64_t>(x - 1, 0);
             at <= std::min<int64_t>(x + 1, mosaic_.width - 1); ++at)
          is_bright_[size_t(row * columns_ + at / block)] = 1;
      }
  });
}

Highlights::Colours Highlights::mean_of_cell(int64_t top, int64_t left, int side) const {
  Colours sums{}, counts{};
  for (int64_t y = top; y < top + side; ++y)
    for (int64_t x = left; x < left + side; ++x) {
      const auto colour = size_t(cfa_colour(mosaic_.cfa, y, x));
      sums[colour] += light(y, x);
      ++counts[colour];
    }
  for (size_t c = 0; c < 3; ++c) sums[c] /= counts[c];
  return sums;
}

/// In blocks of which at least half the cells are bright and not clipped.
void Highlights::measure_ratios() {
  const int side = mosaic_.cfa.x_trans() ? XTrans::side / 2 : 2;  // has all colours
  ratios_.assign(size_t(rows_) * size_t(columns_), Colours{});
  Threads().parallel_for(rows_, [&](int64_t row) {
    throw_if_interrupted();
    for (int64_t column = 0; column < columns_; ++column) {
      Colours sum{}, of_last{};
      std::array<int, 3> cells{};
      const int64_t bottom = std::min<int64_t>(block * (row + 1), mosaic_.height);
      const int64_t right = std::min<int64_t>(block * (column + 1), mosaic_.width);
      for (int64_t y = block * row; y + side <= bottom; y += side)
        for (int64_t x = block * column; x + side <= right; x += side) {
          const Colours cell = mean_of_cell(y, x, side);
          const float last = cell[last_];
          if (last < least_of_last * clipped_[last_] || last > most_share * clipped_[last_])
            continue;
          for (size_t c = 0; c < 3; ++c) {
            if (cell[c] < least_share * clipped_[c] || cell[c] > most_share * clipped_[c]) continue;
            sum[c] += cell[c];
            of_last[c] += last;
            ++cells[c];
          }
        }
      const int least_cells = (block / side) * (block / side) / 2;
      for (size_t c = 0; c < 3; ++c)
        if (cells[c] >= least_cells)
          ratios_[size_t(row * columns_ + column)][c] = sum[c] / of_last[c];
    }
  });
}

/// Into the blocks around, in rounds, less and less coloured.
void Highlights::spread_ratios() {
  for (int round = 0; round < most_rounds; ++round) {
    const std::vector<Colours> before = ratios_;
    bool changed = false;
    for (int row = 0; row < rows_; ++row)
      for (int column = 0; column < columns_; ++column)
        for (size_t c = 0; c < 3; ++c) {
          float& ratio = ratios_[size_t(row * columns_ + column)][c];
          if (ratio > 0) continue;
          float sum = 0, weights = 0;
          for (int y = std::max(row - 1, 0); y <= std::min(row + 1, rows_ - 1); ++y)
            for (int x = std::max(column - 1, 0); x <= std::min(column + 1, columns_ - 1); ++x) {
              const float known = before[size_t(y * columns_ + x)][c];
              const float weight = y == row || x == column ? 2 : 1;
              sum += weight * known;
              weights += known > 0 ? weight : 0;
            }
          constexpr float least_weights = 4;
          if (weights < least_weights) continue;
          ratio = (sum + pull_to_grey) / (weights + pull_to_grey);
          changed = true;
        }
    if (!changed) break;
  }
  for (Colours& ratios : ratios_)
    for (float& ratio : ratios)
      if (!(ratio > 0)) ratio = 1;
}

/// Straight between the middles of the blocks.
Highlights::Colours Highlights::ratios_at(int64_t y, int64_t x) const {
  const auto between = [](int64_t at, int count) {
    const float place = std::clamp((float(at) + 0.5F) / block - 0.5F, 0.F, float(count - 1));
    const auto first = std::min(int(place), std::max(count - 2, 0));
    return std::pair{first, place - float(first)};
  };
  const auto [row, down] = between(y, rows_);
  const auto [column, across] = between(x, columns_);
  const auto at = [&, top = row, left = column](int dy, int dx, size_t c) {
    return ratios_[size_t(std::min(top + dy, rows_ - 1) * columns_ +
                          std::min(left + dx, columns_ - 1))][c];
  };
  Colours result{};
  for (size_t c = 0; c < 3; ++c) {
    const float above = at(0, 0, c) + across * (at(0, 1, c) - at(0, 0, c));
    const float below = at(1, 0, c) + across * (at(1, 1, c) - at(1, 0, c));
    result[c] = above + down * (below - above);
  }
  return result;
}

/// A clipped colour becomes what the last one tells, as far as its samples here are clipped: no
/// more than white, and no less than the others, as light in which just the clipped colour is
/// missing (magenta, where it is green) is rarer than a wrong ratio.
Highlights::Colours Highlights::rebuilt(const Colours& pixel, const Colours& clipped, int64_t y,
                                        int64_t x) const {
  if (clipped == Colours{}) return pixel;
  const Colours ratios = ratios_at(y, x);
  Colours told = pixel;
  for (size_t c = 0; c < 3; ++c)
    if (c != last_ && clipped[c] > 0)
      told[c] = std::max(pixel[c], std::min(ratios[c] * pixel[last_], clipped_[last_]));
  Colours result = pixel;
  for (size_t c = 0; c < 3; ++c) {
    const float least = std::min(told[(c + 1) % 3], told[(c + 2) % 3]);
    result[c] += clipped[c] * (std::max(told[c], least) - pixel[c]);
  }
  return result;
}

void Highlights::restore(int64_t y, int64_t left, std::span<float> red, std::span<float> green,
                         std::span<float> blue) const {
  for (size_t i = 0; i < red.size(); ++i) {
    const int64_t x = left + int64_t(i);
    if (is_bright_[size_t(y / block * columns_ + x / block)] == 0) continue;
    Colours pixel = {red[i], green[i], blue[i]};
    const Place here = place(y, x);
    for (size_t c = 0; c < 3; ++c) pixel[c] += here.excess[c];
    pixel =
        mode_ == HighlightMode::blend ? blended(pixel, cut_) : rebuilt(pixel, here.clipped, y, x);
    red[i] = pixel[0];
    green[i] = pixel[1];
    blue[i] = pixel[2];
  }
}

}  // namespace hyperconv
