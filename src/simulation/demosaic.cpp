#include "simulation/demosaic.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/threads.hpp"
#include "simulation/libraw_demosaic.hpp"

namespace hyperconv {
namespace {

// Sample -> normalised value, by the sample's place in the 2x2 cell and its colour.
struct Normalisation {
  ColourFilters filters;
  std::array<float, 4> black{};
  std::array<std::array<float, 3>, 4> factor{};
  float most = 1;

  explicit Normalisation(const Mosaic& mosaic) : filters(mosaic.cfa) {
    const double least = std::ranges::min(mosaic.white_balance);
    if (mosaic.saturated_at)
      most = float((*mosaic.saturated_at - mosaic.black[0]) / (mosaic.white - mosaic.black[0]));
    for (int place = 0; place < 4; ++place) {
      const double range = mosaic.white - mosaic.black[size_t(place)];
      black[size_t(place)] = float(mosaic.black[size_t(place)]);
      for (size_t c = 0; c < 3; ++c)
        factor[size_t(place)][c] = float(mosaic.white_balance[c] / least / range);
    }
  }

  float operator()(uint16_t sample, int y, int x) const {
    const auto place = size_t(2 * (y & 1) + (x & 1));
    const auto colour = size_t(cfa_colour(filters, y, x));
    return std::min((float(sample) - black[place]) * factor[place][colour], most);
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
  const auto gather = [&](int reach, const std::array<int, 3>& known) {
    for (int row = std::max(y - reach, 0); row <= std::min(y + reach, mosaic.height - 1); ++row)
      for (int column = std::max(x - reach, 0); column <= std::min(x + reach, mosaic.width - 1);
           ++column) {
        const auto c = size_t(cfa_colour(mosaic.cfa, row, column));
        if (known[c] > 0) continue;
        sum[c] += value(row, column);
        ++count[c];
      }
  };
  gather(1, {});
  // In a corner of X-Trans.
  if (std::ranges::count(count, 0) > 0) gather(2, std::array(count));
  Pixel pixel;
  for (size_t c = 0; c < 3; ++c) pixel.colour[c] = count[c] > 0 ? sum[c] / float(count[c]) : 0;
  // What was measured here needs no neighbours.
  pixel.colour[size_t(cfa_colour(mosaic.cfa, y, x))] = value(y, x);
  return pixel;
}

/// Normalised samples with two mirrored ones around, which keeps the phase.
class Surrounded {
 public:
  Surrounded(const Mosaic& mosaic, Threads& threads)
      : width_(mosaic.width + 2 * reach),
        samples_(size_t(width_) * size_t(mosaic.height + 2 * reach)) {
    const Normalisation normalise(mosaic);
    const auto inside = [](int place, int extent) {
      return place < 0 ? -place : place >= extent ? 2 * (extent - 1) - place : place;
    };
    threads.parallel_for(mosaic.height + 2 * reach, [&](int64_t row) {
      const int y = inside(int(row) - reach, mosaic.height);
      for (int column = 0; column < width_; ++column) {
        const int x = inside(column - reach, mosaic.width);
        samples_[size_t(row) * size_t(width_) + size_t(column)] =
            normalise(mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)], y, x);
      }
    });
  }

  static constexpr int reach = 2;
  int64_t width() const { return width_; }
  /// Of the mosaic's row and column.
  const float* at(int64_t y, int64_t x) const {
    return samples_.data() + (y + reach) * width_ + x + reach;
  }

 private:
  int width_;
  std::vector<float> samples_;
};

/// A pixel's neighbourhood, in sums of what lies alike.
struct Neighbours {
  Neighbours(const float* p, int64_t row)
      : own(p[0]),
        beside(p[-1] + p[1]),
        above(p[-row] + p[row]),
        diagonal(p[-row - 1] + p[-row + 1] + p[row - 1] + p[row + 1]),
        far_beside(p[-2] + p[2]),
        far_above(p[-2 * row] + p[2 * row]) {}
  float own, beside, above, diagonal, far_beside, far_above;

  float green_at_another() const {
    return (4 * own + 2 * (beside + above) - far_beside - far_above) / 8;
  }
  /// Of the colour that lies to the left and right of a green pixel, and of that above and below.
  float colour_beside() const {
    return (5 * own + 4 * beside - diagonal - far_beside + 0.5f * far_above) / 8;
  }
  float colour_above() const {
    return (5 * own + 4 * above - diagonal - far_above + 0.5f * far_beside) / 8;
  }
  float red_at_blue() const {
    return (6 * own + 2 * diagonal - 1.5f * (far_beside + far_above)) / 8;
  }
};

}  // namespace

Tensor bilinear_camera_rgb(const Mosaic& mosaic, int threads) {
  const Normalisation normalise(mosaic);
  Tensor rgb({1, 3, mosaic.height, mosaic.width});
  Threads(threads).parallel_for(mosaic.height, [&](int64_t y) {
    float* const rows[3] = {rgb.row(0, 0, y), rgb.row(0, 1, y), rgb.row(0, 2, y)};
    for (int x = 0; x < mosaic.width; ++x) {
      const Pixel pixel = interpolate(mosaic, normalise, int(y), x);
      for (size_t c = 0; c < 3; ++c) rows[c][x] = pixel.colour[c];
    }
  });
  return rgb;
}

Tensor malvar_camera_rgb(const Mosaic& mosaic, int threads) {
  if (mosaic.cfa.bayer() == nullptr) fail("these filters are for Bayer's pattern alone");
  if (std::min(mosaic.width, mosaic.height) < 3)
    fail("the mosaic has {}x{} samples; these filters need 3x3", mosaic.width, mosaic.height);
  Threads pool(threads);
  const Surrounded samples(mosaic, pool);
  Tensor rgb({1, 3, mosaic.height, mosaic.width});
  pool.parallel_for(mosaic.height, [&](int64_t y) {
    float* const rows[3] = {rgb.row(0, 0, y), rgb.row(0, 1, y), rgb.row(0, 2, y)};
    for (int64_t x = 0; x < mosaic.width; ++x) {
      const Neighbours around(samples.at(y, x), samples.width());
      const int own = cfa_colour(mosaic.cfa, y, x);
      const int beside = cfa_colour(mosaic.cfa, y, x + 1);
      rows[own][x] = around.own;
      if (own == 1) {
        rows[beside][x] = around.colour_beside();
        rows[2 - beside][x] = around.colour_above();
      } else {
        rows[1][x] = around.green_at_another();
        rows[2 - own][x] = around.red_at_blue();
      }
    }
    for (float* row : rows)
      for (int64_t x = 0; x < mosaic.width; ++x) row[x] = std::min(row[x], 1.0f);
  });
  return rgb;
}

Tensor demosaicked(const Mosaic& mosaic, Demosaicking how) {
  switch (how) {
    case Demosaicking::none:
      break;
    case Demosaicking::bilinear:
      return bilinear_camera_rgb(mosaic, 1);
    case Demosaicking::malvar:
      return malvar_camera_rgb(mosaic, 1);
    case Demosaicking::ahd:
      return demosaic_with_libraw(mosaic, LibRawMethod::ahd, 1);
    case Demosaicking::dht:
      return demosaic_with_libraw(mosaic, LibRawMethod::dht, 1);
  }
  fail("a mosaic is to be demosaicked by no method");
}

}  // namespace hyperconv
