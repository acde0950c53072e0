#include "pipeline/noise_level.hpp"

#include <algorithm>
#include <cmath>

#include "base/wide.hpp"

namespace hyperconv {
namespace {

constexpr int64_t window = 2 * local_reach + 1;
constexpr int planes = 1 + NoiseLevel::components;
constexpr int segments = NoiseLevel::brightnesses - 1;

/// The middle of the first range of brightness, and the step from one to the next.
constexpr float step = 1.0f / NoiseLevel::brightnesses, first_middle = step / 2;

/// One row of the photo and of what is added, to the sums of `count` columns: luma, and the squares
/// of the three components.
HYPERCONV_WIDE void add_row(const float* const* photo, const float* const* added, int64_t count,
                            float* const* sums) {
  const auto [r, g, b] = luma_weights;
  for (int64_t i = 0; i < count; ++i) {
    sums[0][i] += r * photo[0][i] + g * photo[1][i] + b * photo[2][i];
    const float luma = r * added[0][i] + g * added[1][i] + b * added[2][i];
    const float blue = added[2][i] - luma, red = added[0][i] - luma;
    sums[1][i] += luma * luma;
    sums[2][i] += blue * blue;
    sums[3][i] += red * red;
  }
}

/// The mean of the window's columns from each on; its root where it is one of squares.
HYPERCONV_WIDE void mean_along(const float* sums, int64_t count, bool is_square, float* means) {
  for (int64_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int64_t k = 0; k < window; ++k) sum += sums[i + k];
    means[i] = sum / float(window * window);
  }
  if (!is_square) return;
  for (int64_t i = 0; i < count; ++i) means[i] = std::sqrt(means[i]);
}

/// A noise level as a sum of ramps, which vectorises without table look-ups.
struct Ramps {
  float start;
  std::array<float, segments> slopes;
};

Ramps ramps_of(const std::array<float, NoiseLevel::brightnesses>& deviations) {
  Ramps ramps{deviations[0], {}};
  for (size_t i = 0; i < segments; ++i)
    ramps.slopes[i] = (deviations[i + 1] - deviations[i]) / step;
  return ramps;
}

/// In place of a component's deviations the shares of it that stay.
HYPERCONV_WIDE void turn_into_shares(float* deviation, const float* luma, int64_t count,
                                     const Ramps& ramps) {
  for (int64_t i = 0; i < count; ++i) {
    float most = ramps.start;
    for (int s = 0; s < segments; ++s) {
      const float along = luma[i] - (first_middle + float(s) * step);
      most += ramps.slopes[size_t(s)] * std::min(std::max(along, 0.0f), step);
    }
    deviation[i] = deviation[i] > most ? most / deviation[i] : 1.0f;
  }
}

HYPERCONV_WIDE void shorten(const float* const* added, const float* const* shares, int64_t count,
                            float* const* rgb) {
  const auto [r, g, b] = luma_weights;
  for (int64_t i = 0; i < count; ++i) {
    const float luma = r * added[0][i] + g * added[1][i] + b * added[2][i];
    const float own = shares[0][i] * luma;
    const float blue = own + shares[1][i] * (added[2][i] - luma);
    const float red = own + shares[2][i] * (added[0][i] - luma);
    rgb[0][i] = red;
    rgb[1][i] = (own - r * red - b * blue) / g;
    rgb[2][i] = blue;
  }
}

std::array<const float*, 3> rows_of(const Tensor& tensor, int64_t y, int64_t left) {
  return {tensor.row(0, 0, y) + left, tensor.row(0, 1, y) + left, tensor.row(0, 2, y) + left};
}

/// The value that this share of them lies below.
float quantile(std::vector<float> values, double share) {
  const auto place = values.begin() + std::ptrdiff_t(double(values.size()) * share);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

using ByBrightness = std::array<float, NoiseLevel::brightnesses>;
using Known = std::array<std::optional<float>, NoiseLevel::brightnesses>;

bool any_of(const Known& known) {
  return std::ranges::any_of(known, [](const auto& value) { return value.has_value(); });
}

/// Those that are not known, from the known ones beside them: between two linear, else the nearest.
/// At least one is known.
ByBrightness filled(const Known& known) {
  ByBrightness all{};
  const int count = NoiseLevel::brightnesses;
  for (int i = 0; i < count; ++i) {
    int below = i, above = i;
    while (below >= 0 && !known[size_t(below)]) --below;
    while (above < count && !known[size_t(above)]) ++above;
    if (below < 0) below = above;
    if (above == count) above = below;
    const float low = *known[size_t(below)], high = *known[size_t(above)];
    const float share = above == below ? 0 : float(i - below) / float(above - below);
    all[size_t(i)] = low + share * (high - low);
  }
  return all;
}

/// Where there are enough places, the deviation that a tenth of them stay below.
Known lower_tenths(const std::array<std::vector<float>, NoiseLevel::brightnesses>& values,
                   size_t enough) {
  Known tenths;
  for (size_t i = 0; i < tenths.size(); ++i)
    if (values[i].size() >= enough) tenths[i] = quantile(values[i], 0.1);
  return tenths;
}

/// Whether at the flattest tenth of places what is taken away is a good share of all that varies
/// there: a third. In photos with a phone's colourless grain it is more, in gravel and sand less.
bool shows_noise(const std::vector<float>& taken, const std::vector<float>& photo) {
  constexpr float share = 1.0f / 3;
  const float flat = quantile(photo, 0.1);
  std::vector<float> shares;
  for (size_t i = 0; i < photo.size(); ++i)
    if (photo[i] <= flat) shares.push_back(photo[i] > 0 ? taken[i] / photo[i] : share);
  return quantile(std::move(shares), 0.5) >= share;
}

/// Luma's, without ranges that only texture supports: see NoiseLevelEstimate::level().
Known without_texture(const Known& luma, const ByBrightness& colour,
                      const std::array<bool, NoiseLevel::brightnesses>& shows) {
  Known trusted = luma;
  for (size_t i = 0; i < luma.size(); ++i)
    if (luma[i] > colour[i] && !shows[i]) trusted[i].reset();
  const auto neighbours = any_of(trusted) ? filled(trusted) : ByBrightness{};
  for (size_t i = 0; i < luma.size(); ++i)
    if (luma[i] && !trusted[i]) trusted[i] = std::min(*luma[i], std::max(neighbours[i], colour[i]));
  return trusted;
}

}  // namespace

float NoiseLevel::at(int component, float luma) const {
  const auto& d = deviations_[size_t(component)];
  const float place = std::clamp((luma - first_middle) / step, 0.0f, float(segments));
  const int below = std::min(int(place), segments - 1);
  return std::lerp(d[size_t(below)], d[size_t(below + 1)], place - float(below));
}

NoiseLevel NoiseLevel::times(double factor) const {
  Deviations stronger = deviations_;
  for (auto& of_component : stronger)
    for (float& deviation : of_component) deviation *= float(factor);
  return NoiseLevel(stronger);
}

void LocalNoise::measure(int64_t y, int64_t left, int64_t count, Row& row) const {
  const int64_t columns = count + window - 1;
  row.sums.assign(size_t(planes * columns), 0.0f);
  std::array<float*, planes> sums;
  for (int p = 0; p < planes; ++p) sums[size_t(p)] = row.sums.data() + p * columns;
  for (int64_t dy = -local_reach; dy <= local_reach; ++dy)
    add_row(rows_of(photo_, y + down_ + dy, left + right_ - local_reach).data(),
            rows_of(added_, y + dy, left - local_reach).data(), columns, sums.data());
  row.luma.resize(size_t(count));
  mean_along(sums[0], count, false, row.luma.data());
  for (size_t c = 0; c < row.deviation.size(); ++c) {
    row.deviation[c].resize(size_t(count));
    mean_along(sums[c + 1], count, true, row.deviation[c].data());
  }
}

void LocalNoise::limited(int64_t y, int64_t left, int64_t count, const NoiseLevel& limit, Row& row,
                         const std::array<float*, 3>& rgb) const {
  measure(y, left, count, row);
  std::array<const float*, NoiseLevel::components> shares;
  for (size_t c = 0; c < shares.size(); ++c) {
    turn_into_shares(row.deviation[c].data(), row.luma.data(), count,
                     ramps_of(limit.deviations()[c]));
    shares[c] = row.deviation[c].data();
  }
  shorten(rows_of(added_, y, left).data(), shares.data(), count, rgb.data());
}

float LocalNoise::photo_deviation(int64_t y, int64_t x) const {
  const auto [r, g, b] = luma_weights;
  double sum = 0, squares = 0;
  for (int64_t dy = -local_reach; dy <= local_reach; ++dy) {
    const auto rgb = rows_of(photo_, y + down_ + dy, x + right_ - local_reach);
    for (int64_t i = 0; i < window; ++i) {
      const double luma = double(r * rgb[0][i] + g * rgb[1][i] + b * rgb[2][i]);
      sum += luma;
      squares += luma * luma;
    }
  }
  constexpr double pixels = window * window;
  return float(std::sqrt(std::max(0.0, squares / pixels - sum * sum / (pixels * pixels))));
}

bool LocalNoise::is_grey(int64_t y, int64_t x) const {
  const auto rgb = rows_of(photo_, y + down_, x + right_);
  return *rgb[0] == *rgb[1] && *rgb[1] == *rgb[2];
}

void NoiseLevelEstimate::add(const LocalNoise& noise, int64_t top, int64_t left, int64_t height,
                             int64_t width) {
  constexpr int64_t every = 4;
  for (int64_t y = 0; y < height; y += every) {
    noise.measure(top + y, left, width, row_);
    for (int64_t x = 0; x < width; x += every) {
      const int range = int(row_.luma[size_t(x)] * NoiseLevel::brightnesses);
      const auto place = size_t(std::clamp(range, 0, NoiseLevel::brightnesses - 1));
      for (size_t c = 0; c < values_.size(); ++c)
        values_[c][place].push_back(row_.deviation[c][size_t(x)]);
      photo_[place].push_back(noise.photo_deviation(top + y, left + x));
      has_colour_ = has_colour_ || !noise.is_grey(top + y, left + x);
    }
  }
}

std::optional<NoiseLevel> NoiseLevelEstimate::level() const {
  size_t total = 0;
  for (const auto& values : photo_) total += values.size();
  const size_t enough = std::max<size_t>(20, total / 200);
  const Known luma = lower_tenths(values_[0], enough);
  if (!any_of(luma)) return std::nullopt;
  const ByBrightness blue = filled(lower_tenths(values_[1], enough)),
                     red = filled(lower_tenths(values_[2], enough));
  ByBrightness colour{};
  std::array<bool, NoiseLevel::brightnesses> shows{};
  for (size_t i = 0; i < colour.size(); ++i) {
    colour[i] = std::max(blue[i], red[i]);
    shows[i] = luma[i] && (!has_colour_ || shows_noise(values_[0][i], photo_[i]));
  }
  return NoiseLevel({filled(without_texture(luma, colour, shows)), blue, red});
}

}  // namespace hyperconv
