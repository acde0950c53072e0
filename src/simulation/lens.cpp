#include "simulation/lens.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "base/wide.hpp"

namespace hyperconv {
namespace {

constexpr int gaussian_reach = 3;          // three of the largest deviation
constexpr int reach = gaussian_reach + 1;  // and a pixel of shift
constexpr size_t taps = 2 * size_t(reach) + 1;
using Taps = std::array<float, taps>;

/// Weights of the samples at -reach..reach around a pixel.
Taps taps_of(double blur, double shift) {
  assert(blur >= 0 && blur <= 1 && std::abs(shift) <= 1);
  std::array<double, 2 * gaussian_reach + 1> gaussian{};
  double sum = 0;
  for (int k = -gaussian_reach; k <= gaussian_reach; ++k) {
    const double weight = k == 0 ? 1 : blur > 0 ? std::exp(-0.5 * k * k / (blur * blur)) : 0;
    sum += gaussian[size_t(k + gaussian_reach)] = weight;
  }
  // Linear interpolation between the two whole shifts beside this one; never beyond 1.
  const int whole = std::min(int(std::floor(shift)), 0);
  const double part = shift - whole;
  Taps result{};
  for (size_t k = 0; k < gaussian.size(); ++k) {
    const auto at = size_t(int(k) + reach - gaussian_reach + whole);
    result[at] += float(gaussian[k] / sum * (1 - part));
    result[at + 1] += float(gaussian[k] / sum * part);
  }
  return result;
}

/// Sum over k of weights[k] * in[k][x].
HYPERCONV_WIDE void weigh(const float* const* in, const float* weights, int64_t count, float* out) {
  const float *a = in[0], *b = in[1], *c = in[2], *d = in[3], *e = in[4], *f = in[5], *g = in[6],
              *h = in[7], *i = in[8];
  const float* w = weights;
  for (int64_t x = 0; x < count; ++x)
    out[x] = w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x] + w[4] * e[x] + w[5] * f[x] +
             w[6] * g[x] + w[7] * h[x] + w[8] * i[x];
}
static_assert(taps == 9);

void see_through(const Taps& along_y, const Taps& along_x, int64_t height, int64_t width,
                 float* plane) {
  // Rows with their ends repeated.
  const int64_t stride = width + 2 * reach;
  std::vector<float> padded(size_t(height * stride));
  for (int64_t y = 0; y < height; ++y) {
    const float* in = plane + y * width;
    float* out = padded.data() + y * stride;
    std::fill_n(out, reach, in[0]);
    std::copy_n(in, width, out + reach);
    std::fill_n(out + reach + width, reach, in[width - 1]);
  }
  std::vector<float> row(static_cast<size_t>(stride));
  const float* from[taps];
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t k = 0; k < int64_t(taps); ++k)
      from[k] = padded.data() + std::clamp<int64_t>(y + k - reach, 0, height - 1) * stride;
    weigh(from, along_y.data(), stride, row.data());
    for (size_t k = 0; k < taps; ++k) from[k] = row.data() + k;
    weigh(from, along_x.data(), width, plane + y * width);
  }
}

}  // namespace

void see_through(const Lens& lens, Tensor& camera_rgb) {
  const Shape& shape = camera_rgb.shape();
  for (size_t c = 0; c < 3; ++c) {
    if (lens.blur[c] == 0 && lens.shift[c] == std::array<double, 2>{}) continue;
    see_through(taps_of(lens.blur[c], lens.shift[c][0]), taps_of(lens.blur[c], lens.shift[c][1]),
                shape.h, shape.w, camera_rgb.row(0, int64_t(c), 0));
  }
}

}  // namespace hyperconv
