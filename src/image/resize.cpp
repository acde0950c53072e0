#include "image/resize.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/overloaded.hpp"
#include "base/threads.hpp"
#include "image/icc.hpp"

namespace hyperconv {
namespace {

constexpr double lobes = 3;
constexpr int most = 65535;

/// Encoded samples as linear light in [0,1], and back.
class LightCurve {
 public:
  explicit LightCurve(std::vector<float> light) : light_(std::move(light)) {
    size_t at = 0;
    for (size_t i = 0; i < start_.size(); ++i) {
      const double root = double(i) / intervals;
      while (at + 1 < light_.size() && double(light_[at + 1]) <= root * root) ++at;
      start_[i] = uint16_t(at);
    }
  }

  float light(uint8_t sample) const { return light_[size_t(sample) * 257]; }
  float light(uint16_t sample) const { return light_[sample]; }
  float light(float sample) const {
    const float place = std::clamp(sample, 0.f, 1.f) * most;
    const auto i = size_t(std::min(place, float(most - 1)));
    return std::lerp(light_[i], light_[i + 1], place - float(i));
  }

  /// 0..65535, not rounded.
  float encoded(float light) const {
    if (!(light > light_.front())) return 0;
    if (light >= light_.back()) return most;
    // A table over the square root of light, as curves are steep at black.
    const auto range = size_t(std::sqrt(std::clamp(light, 0.f, 1.f)) * intervals);
    const auto first = light_.begin() + start_[range];
    const auto last = range + 1 < start_.size()
                          ? std::min(light_.begin() + start_[range + 1] + 2, light_.end())
                          : light_.end();
    const auto above = std::upper_bound(first, last, light);
    const auto below = above - 1;
    return float(below - light_.begin()) + (light - *below) / (*above - *below);
  }

 private:
  static constexpr int intervals = 4096;
  std::vector<float> light_;
  std::array<uint16_t, intervals + 1> start_{};
};

std::vector<LightCurve> curves_of(const Image& image, SampleMeaning meaning) {
  const size_t colours = image.channels >= 3 ? 3 : 1;
  std::vector<LightCurve> curves;
  switch (meaning) {
    case SampleMeaning::colours:
      for (auto& table : light_tables(image.metadata.icc, image.channels))
        curves.emplace_back(std::move(table));
      break;
    case SampleMeaning::values: {
      std::vector<float> same(most + 1);
      for (size_t i = 0; i < same.size(); ++i) same[i] = float(i) / most;
      curves.assign(colours, LightCurve(std::move(same)));
      break;
    }
  }
  assert(curves.size() == colours);
  return curves;
}

template <class Sample>
Sample rounded(float of_most) {
  if constexpr (std::is_same_v<Sample, float>)
    return of_most / most;
  else
    return Sample(of_most * (float(Sample(-1)) / most) + 0.5f);
}

/// Which samples a new one is made of, along one side.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> taps_of(int from, int to) {
  const double ratio = double(from) / to, width = std::max(ratio, 1.0);
  std::vector<Taps> all(size_t(to), Taps{});
  for (int i = 0; i < to; ++i) {
    const double middle = (i + 0.5) * ratio - 0.5;
    const int first = std::max(int(std::ceil(middle - lobes * width)), 0);
    const int last = std::min(int(std::floor(middle + lobes * width)), from - 1);
    std::vector<double> weights;
    double sum = 0;
    for (int place = first; place <= last; ++place) {
      weights.push_back(lanczos3((place - middle) / width));
      sum += weights.back();
    }
    // The sum varies a little with the place; what lies outside of the picture is not counted.
    Taps& taps = all[size_t(i)];
    taps.first = first;
    for (const double weight : weights) taps.weights.push_back(float(weight / sum));
  }
  return all;
}

/// One picture on its way to another size, by bands of its new rows.
template <class Sample>
class Resizing {
 public:
  Resizing(const Image& image, Image& result, const std::vector<LightCurve>& curves)
      : image_(image),
        from_(std::get<std::vector<Sample>>(image.samples)),
        to_(std::get<std::vector<Sample>>(result.samples)),
        result_(result),
        curves_(curves),
        columns_(taps_of(image.width, result.width)),
        rows_(taps_of(image.height, result.height)) {}

  void run(int threads) {
    constexpr int band = 32;
    Threads(threads).parallel_for((result_.height + band - 1) / band, [&](int64_t i) {
      throw_if_interrupted();
      make(int(i) * band, std::min(int(i + 1) * band, result_.height));
    });
  }

 private:
  size_t row_size() const { return size_t(result_.width) * size_t(result_.channels); }
  bool has_alpha() const { return result_.channels % 2 == 0; }

  /// A row of the picture as light; colours times alpha.
  void read(int y, std::vector<float>& light) const {
    const auto channels = size_t(image_.channels);
    const Sample* at = from_.data() + size_t(y) * size_t(image_.width) * channels;
    for (size_t x = 0; x < size_t(image_.width); ++x) {
      float* out = light.data() + x * channels;
      float alpha = 1;
      if (has_alpha()) {
        const Sample sample = at[x * channels + channels - 1];
        if constexpr (std::is_same_v<Sample, float>)
          alpha = sample;
        else
          alpha = float(sample) / float(Sample(-1));
        out[channels - 1] = alpha;
      }
      for (size_t c = 0; c < curves_.size(); ++c)
        out[c] = curves_[c].light(at[x * channels + c]) * alpha;
    }
  }

  void narrow(const std::vector<float>& light, float* out) const {
    const auto channels = size_t(image_.channels);
    for (const Taps& taps : columns_) {
      const float* at = light.data() + size_t(taps.first) * channels;
      std::array<float, 4> sum{};
      for (const float weight : taps.weights)
        for (size_t c = 0; c < channels; ++c) sum[c] += weight * *at++;
      out = std::copy_n(sum.begin(), channels, out);
    }
  }

  void write(int y, const std::vector<float>& light) const {
    const auto channels = size_t(image_.channels);
    Sample* out = to_.data() + size_t(y) * row_size();
    for (size_t x = 0; x < size_t(result_.width); ++x, out += channels) {
      const float* at = light.data() + x * channels;
      float scale = 1;
      if (has_alpha()) {
        const float alpha = at[channels - 1];  // beyond 1 beside an edge, as its colours are
        out[channels - 1] = rounded<Sample>(std::clamp(alpha, 0.f, 1.f) * most);
        scale = alpha > 0 ? 1 / alpha : 0;
      }
      for (size_t c = 0; c < curves_.size(); ++c)
        out[c] = rounded<Sample>(curves_[c].encoded(at[c] * scale));
    }
  }

  void make(int top, int bottom) const {
    const int first = rows_[size_t(top)].first;
    const Taps& last = rows_[size_t(bottom - 1)];
    const int count = last.first + int(last.weights.size()) - first;
    std::vector<float> light(size_t(image_.width) * size_t(image_.channels));
    std::vector<float> narrowed(size_t(count) * row_size()), sum(row_size());
    for (int i = 0; i < count; ++i) {
      read(first + i, light);
      narrow(light, narrowed.data() + size_t(i) * row_size());
    }
    for (int y = top; y < bottom; ++y) {
      const Taps& taps = rows_[size_t(y)];
      std::ranges::fill(sum, 0.f);
      for (size_t i = 0; i < taps.weights.size(); ++i) {
        const float weight = taps.weights[i];
        const float* row = narrowed.data() + (size_t(taps.first - first) + i) * row_size();
        for (size_t x = 0; x < sum.size(); ++x) sum[x] += weight * row[x];
      }
      write(y, sum);
    }
  }

  const Image& image_;
  const std::vector<Sample>& from_;
  std::vector<Sample>& to_;
  const Image& result_;
  const std::vector<LightCurve>& curves_;
  std::vector<Taps> columns_, rows_;
};

}  // namespace

double lanczos3(double distance) {
  const double x = std::abs(distance) * std::numbers::pi;
  if (x < 1e-8) return 1;
  if (x >= lobes * std::numbers::pi) return 0;
  return lobes * std::sin(x) * std::sin(x / lobes) / (x * x);
}

bool can_be_wanted(const WantedSize& wanted) {
  constexpr int longest = 65535;
  const auto is_side = [](int side) { return side >= 1 && side <= longest; };
  return std::visit(Overloaded{[&](const LongestSide& side) { return is_side(side.pixels); },
                               [](const ShareOfSize& of_size) {
                                 return of_size.share >= 0.001 && of_size.share <= 4;
                               },
                               [&](const WithinSize& within) {
                                 return is_side(within.width) && is_side(within.height);
                               }},
                    wanted);
}

std::array<int, 2> size_as_wanted(int width, int height, const WantedSize& wanted) {
  const double share = std::visit(
      Overloaded{
          [&](const LongestSide& longest) {
            return std::min(double(longest.pixels) / std::max(width, height), 1.0);
          },
          [](const ShareOfSize& of_size) { return of_size.share; },
          [&](const WithinSize& within) {
            return std::min({double(within.width) / width, double(within.height) / height, 1.0});
          }},
      wanted);
  const auto side = [share](int length) { return std::max(int(std::lround(length * share)), 1); };
  return {side(width), side(height)};
}

Image resized(const Image& image, int width, int height, SampleMeaning meaning, int threads) {
  assert(width > 0 && height > 0 && image.count() > 0);
  if (width == image.width && height == image.height) return image;
  Image result{width, height, image.channels, {}, image.metadata};
  const std::vector<LightCurve> curves = curves_of(image, meaning);
  std::visit(
      [&]<class Sample>(const std::vector<Sample>&) {
        result.samples = large_vector<Sample>(result.count());
        Resizing<Sample>(image, result, curves).run(threads);
      },
      image.samples);
  return result;
}

}  // namespace hyperconv
