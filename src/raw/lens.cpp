#include "raw/lens.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/resize.hpp"

namespace hyperconv {
namespace {

constexpr int taps = 6;    // Lanczos' three lobes on both sides
constexpr int before = 2;  // taps before the sample that a place lies behind

/// The filter's weights for places between two samples, at so many steps: between two steps they
/// differ by less than 0.001.
class Weights {
 public:
  static constexpr int steps = 1024;

  Weights() {
    for (int i = 0; i <= steps; ++i) {
      double sum = 0;
      std::array<double, taps> weights{};
      for (int tap = 0; tap < taps; ++tap) {
        weights[size_t(tap)] = lanczos3(tap - before - double(i) / steps);
        sum += weights[size_t(tap)];
      }
      for (int tap = 0; tap < taps; ++tap)
        rows_[size_t(i)][size_t(tap)] = float(weights[size_t(tap)] / sum);
    }
  }

  /// `share` in [0,1].
  const std::array<float, 8>& of(float share) const { return rows_[size_t(share * steps + 0.5f)]; }

 private:
  std::array<std::array<float, 8>, steps + 1> rows_{};  // two more, which are 0
};

/// What a photo's plane is at any place.
class Sampler {
 public:
  Sampler(const Tensor& light, const Region& held, int64_t width, int64_t height)
      : light_(light), held_(held), width_(width), height_(height) {}

  float at(int64_t channel, const LensPlace& place) const {
    static const Weights weights;
    // Also true for what is no number.
    const float x = clamped(place.x, float(width_ - 1)), y = clamped(place.y, float(height_ - 1));
    const auto column = int64_t(x), row = int64_t(y);
    const auto& across = weights.of(x - float(column));
    const auto& down = weights.of(y - float(row));
    const int64_t first = column - before - held_.left, top = row - before - held_.top;
    const bool is_inside =
        first >= 0 && first + 8 <= held_.width && top >= 0 && top + taps <= held_.height;
    if (is_inside) return sum(light_.row(0, channel, top) + first, held_.width, across, down);
    // The same numbers in the same order, so that a part is as the whole is there.
    std::array<float, size_t(8) * taps> window{};
    for (int i = 0; i < taps; ++i) {
      const float* line = light_.row(0, channel, std::clamp<int64_t>(top + i, 0, held_.height - 1));
      for (int k = 0; k < 8; ++k)
        window[size_t(8 * i + k)] = line[std::clamp<int64_t>(first + k, 0, held_.width - 1)];
    }
    return sum(window.data(), 8, across, down);
  }

 private:
  static float clamped(float value, float last) { return value > 0 ? std::min(value, last) : 0; }

  static float sum(const float* window, int64_t stride, const std::array<float, 8>& across,
                   const std::array<float, 8>& down) {
    std::array<float, 8> sums{};
    for (int i = 0; i < taps; ++i)
      for (size_t k = 0; k < sums.size(); ++k)
        sums[k] += down[size_t(i)] * window[i * stride + int64_t(k)];
    float result = 0;
    for (size_t k = 0; k < taps; ++k) result += across[k] * sums[k];
    return result;
  }

  const Tensor& light_;
  Region held_;
  int64_t width_, height_;
};

}  // namespace

std::string LensReport::corrected() const {
  std::vector<std::string> all;
  if (distortion) all.emplace_back("distortion");
  if (vignetting) all.emplace_back("vignetting");
  if (lateral_colour) all.emplace_back("lateral colour");
  std::string text;
  for (size_t i = 0; i < all.size(); ++i)
    text += (i == 0 ? "" : i + 1 == all.size() ? " and " : ", ") + all[i];
  return text.empty() ? "nothing" : text;
}

Region needed_for(const LensCorrection& lens, const Region& part, int64_t width, int64_t height) {
  // Corrections are smooth: a part's extremes lie on its border, or within a line of a grid.
  constexpr int64_t grid = 16;
  double left = double(width), right = 0, top = double(height), bottom = 0;
  std::vector<LensPixel> row(size_t(part.width));
  for (int64_t y = 0; y < part.height;
       y = y + 1 < part.height ? std::min(y + grid, part.height - 1) : part.height) {
    lens.places(part.top + y, part.left, row);
    for (const LensPixel& pixel : row)
      for (const LensPlace& place : pixel) {
        if (std::isfinite(place.x)) {
          left = std::min(left, double(place.x));
          right = std::max(right, double(place.x));
        }
        if (std::isfinite(place.y)) {
          top = std::min(top, double(place.y));
          bottom = std::max(bottom, double(place.y));
        }
      }
  }
  // The filter's reach, and what places vary by within the grid.
  constexpr int64_t around = 8;
  const auto first = [](double value, int64_t last) {
    return std::clamp(int64_t(std::floor(value)) - around, int64_t(0), last);
  };
  const auto end = [](double value, int64_t last) {
    return std::clamp(int64_t(std::ceil(value)) + around, int64_t(0), last);
  };
  Region needed{.top = first(std::clamp(top, 0.0, double(height)), height - 1),
                .left = first(std::clamp(left, 0.0, double(width)), width - 1)};
  needed.height = end(std::clamp(bottom, 0.0, double(height)), height - 1) + 1 - needed.top;
  needed.width = end(std::clamp(right, 0.0, double(width)), width - 1) + 1 - needed.left;
  return needed;
}

Tensor corrected(const LensCorrection& lens, const Tensor& light, const Region& held,
                 const Region& part, int64_t width, int64_t height, int threads) {
  const int64_t channels = light.shape().c;
  assert(channels == 1 || channels == 3);
  assert(light.shape().h == held.height && light.shape().w == held.width);
  Tensor result({1, channels, part.height, part.width});
  const Sampler sampler(light, held, width, height);
  Threads(threads).parallel_for(part.height, [&](int64_t y) {
    throw_if_interrupted();
    std::vector<LensPixel> pixels(size_t(part.width));
    lens.places(part.top + y, part.left, pixels);
    for (int64_t c = 0; c < channels; ++c) {
      float* to = result.row(0, c, y);
      for (const LensPixel& pixel : pixels) {
        const LensPlace& place = pixel[channels == 1 ? 1 : size_t(c)];
        *to++ = place.gain * sampler.at(c, place);
      }
    }
  });
  return result;
}

}  // namespace hyperconv
