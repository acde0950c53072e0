#include "raw/white_balance.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hyperconv {
namespace {

constexpr double least_gain = 0.25, greatest_gain = 8;
constexpr int block = 8;

/// Light of each colour above black.
struct Sums {
  std::array<double, 3> light{}, count{};

  void add(const Sums& other) {
    for (size_t c = 0; c < 3; ++c) {
      light[c] += other.light[c];
      count[c] += other.count[c];
    }
  }
};

struct Part {
  int top = 0, left = 0, bottom = 0, right = 0;
};

/// Of the samples below white, and whether there are others.
Sums sums_of(const Mosaic& mosaic, const Part& part, bool& saturated) {
  Sums sums;
  for (int y = part.top; y < part.bottom; ++y)
    for (int x = part.left; x < part.right; ++x) {
      const double sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      if (sample >= mosaic.white) {
        saturated = true;
        continue;
      }
      const auto colour = size_t(cfa_colour(mosaic.cfa, y, x));
      sums.light[colour] += sample - mosaic.black[size_t(2 * (y % 2) + x % 2)];
      sums.count[colour] += 1;
    }
  return sums;
}

Sums sums_of_unsaturated_blocks(const Mosaic& mosaic) {
  Sums sums;
  for (int y = 0; y < mosaic.height; y += block)
    for (int x = 0; x < mosaic.width; x += block) {
      bool saturated = false;
      const Sums part = sums_of(
          mosaic, {y, x, std::min(y + block, mosaic.height), std::min(x + block, mosaic.width)},
          saturated);
      if (!saturated) sums.add(part);
    }
  return sums;
}

}  // namespace

std::array<double, 3> grey_world(const Mosaic& mosaic) {
  Sums sums = sums_of_unsaturated_blocks(mosaic);
  bool ignored = false;
  if (sums.count[0] == 0 || sums.count[1] == 0 || sums.count[2] == 0)
    sums = sums_of(mosaic, {0, 0, mosaic.height, mosaic.width}, ignored);
  std::array<double, 3> gain = {1, 1, 1};
  const auto mean = [&](size_t c) { return sums.light[c] / sums.count[c]; };
  for (const size_t c : {0, 2})
    if (sums.light[c] > 0 && sums.light[1] > 0)
      gain[c] = std::clamp(mean(1) / mean(c), least_gain, greatest_gain);
  return gain;
}

void take_grey_world(Mosaic& mosaic) {
  mosaic.white_balance = grey_world(mosaic);
  warn_of_grey_world(mosaic);
}

void warn_of_grey_world(Mosaic& mosaic) {
  mosaic.warnings.push_back(
      fmt::format("no white balance; grey-world is taken, red {:.3f} and blue {:.3f}",
                  mosaic.white_balance[0], mosaic.white_balance[2]));
}

}  // namespace hyperconv
