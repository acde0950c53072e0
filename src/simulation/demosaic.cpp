#include "simulation/demosaic.hpp"

#include <algorithm>

#include "base/threads.hpp"

namespace hyperconv {
namespace {

// Sample -> normalised value, by the sample's place in the 2x2 cell.
struct Normalisation {
  std::array<float, 4> black{}, factor{};
  float most = 1;

  explicit Normalisation(const Mosaic& mosaic) {
    const double least = std::ranges::min(mosaic.white_balance);
    if (mosaic.saturated_at)
      most = float((*mosaic.saturated_at - mosaic.black[0]) / (mosaic.white - mosaic.black[0]));
    for (int place = 0; place < 4; ++place) {
      const auto colour = size_t(cfa_colour(mosaic.cfa, place / 2, place % 2));
      const double range = mosaic.white - mosaic.black[size_t(place)];
      black[size_t(place)] = float(mosaic.black[size_t(place)]);
      factor[size_t(place)] = float(mosaic.white_balance[colour] / least / range);
    }
  }

  float operator()(uint16_t sample, int y, int x) const {
    const auto place = size_t(2 * (y & 1) + (x & 1));
    return std::min((float(sample) - black[place]) * factor[place], most);
  }
};

struct Pixel {
  std::array<float, 3> colour{};
};

Pixel interpolate(const Mosaic& mosaic, const Normalisation& normalise, int y, int x) {
  std::array<float, 3> sum{};
  std::array<int, 3> count{};
  const auto value = [&](int row, int column) {
    return normalise(mosaic.samples[size_t(row) * size_t(mosaic.width) + size_t(column)], row,
                     column);
  };
  for (int row = std::max(y - 1, 0); row <= std::min(y + 1, mosaic.height - 1); ++row)
    for (int column = std::max(x - 1, 0); column <= std::min(x + 1, mosaic.width - 1); ++column) {
      const auto c = size_t(cfa_colour(mosaic.cfa, row, column));
      sum[c] += value(row, column);
      ++count[c];
    }
  Pixel pixel;
  for (size_t c = 0; c < 3; ++c) pixel.colour[c] = count[c] > 0 ? sum[c] / float(count[c]) : 0;
  // What was measured here needs no neighbours.
  pixel.colour[size_t(cfa_colour(mosaic.cfa, y, x))] = value(y, x);
  return pixel;
}

}  // namespace

Tensor bilinear_camera_rgb(const Mosaic& mosaic) {
  const Normalisation normalise(mosaic);
  Tensor rgb({1, 3, mosaic.height, mosaic.width});
  Threads threads;
  threads.parallel_for(mosaic.height, [&](int64_t y) {
    float* const rows[3] = {rgb.row(0, 0, y), rgb.row(0, 1, y), rgb.row(0, 2, y)};
    for (int x = 0; x < mosaic.width; ++x) {
      const Pixel pixel = interpolate(mosaic, normalise, int(y), x);
      for (size_t c = 0; c < 3; ++c) rows[c][x] = pixel.colour[c];
    }
  });
  return rgb;
}

}  // namespace hyperconv
