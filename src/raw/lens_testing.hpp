// A grid as a lens shows it, and how straight its lines are. Not part of the library.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "base/tensor.hpp"

namespace hyperconv {

/// Vertical and horizontal lines of light, every `spacing` pixels.
struct Grid {
  static constexpr double spacing = 20, width = 1.5;

  static double line(double place) {
    const double off = place - spacing * std::round((place - 10) / spacing) - 10;
    return std::exp(-off * off / (2 * width * width));
  }
  /// Smooth where lines cross, too: what is sampled can be put together again.
  static double at(double x, double y) { return 0.1 + 0.7 * (1 - (1 - line(x)) * (1 - line(y))); }
};

/// The photo of a grid through a lens: light that belongs at (x,y) is seen at place(channel, x, y).
/// The inverse of `place` is found by walking back what it is off by.
using SeenAt = std::function<std::array<double, 2>(int channel, double x, double y)>;
inline Tensor photographed_grid(int width, int height, const SeenAt& place) {
  Tensor light({1, 3, height, width});
  for (int c = 0; c < 3; ++c)
    for (int v = 0; v < height; ++v)
      for (int u = 0; u < width; ++u) {
        double x = u, y = v;
        for (int i = 0; i < 60; ++i) {
          const auto [seen_x, seen_y] = place(c, x, y);
          x += u - seen_x;
          y += v - seen_y;
        }
        light.row(0, c, v)[u] = float(Grid::at(x, y));
      }
  return light;
}

/// How far, in pixels, the vertical lines of a channel bend at most: each line's middle in each row
/// between two horizontal lines, from its mean. Lines are looked for where `start` begins them, and
/// within `border` of the frame not at all.
inline double bend_of_lines(const Tensor& light, int64_t channel, int border) {
  double worst = 0;
  const auto width = int(light.shape().w), height = int(light.shape().h);
  for (int line = 10; line < width; line += int(Grid::spacing)) {
    if (line < border || line >= width - border) continue;
    std::vector<double> middles;
    double followed = line;
    const auto middle_in = [&](int y, double near) {
      const float* row = light.row(0, channel, y);
      // In the row's own mean, so that what lies under it does not pull.
      double sum = 0, weighted = 0;
      for (int x = int(std::lround(near)) - 5; x <= int(std::lround(near)) + 5; ++x) {
        const double value = std::max(double(row[std::clamp(x, 0, width - 1)]) - 0.15, 0.0);
        sum += value;
        weighted += value * x;
      }
      return sum > 0 ? weighted / sum : near;
    };
    // From the middle of the frame up and down, along the line.
    for (const int step : {-1, 1}) {
      double at = followed;
      for (int y = height / 2; y >= border && y < height - border; y += step) {
        const double found = middle_in(y, at);
        // Where a horizontal line crosses, nothing is measured.
        const bool is_clear =
            light.row(0, channel, y)[std::clamp(int(at) + 10, 0, width - 1)] < 0.2f;
        if (!is_clear) continue;
        at = found;
        middles.push_back(found);
      }
      if (step < 0 && !middles.empty()) followed = middles.front();
    }
    if (middles.empty()) continue;
    const auto [least, most] = std::ranges::minmax(middles);
    worst = std::max(worst, most - least);
  }
  return worst;
}

}  // namespace hyperconv
