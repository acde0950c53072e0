#include "pipeline/removed_noise.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "image/samples.hpp"

namespace hyperconv {
namespace {

float luma_of(const std::array<float, 3>& added) {
  float luma = 0;
  for (size_t c = 0; c < 3; ++c) luma += luma_weights[c] * added[c];
  return luma;
}

}  // namespace

void check_strength(const DenoiseStrength& strength) {
  for (const double share : {strength.luma, strength.colour})
    if (!(share >= 0 && share <= 1)) fail("a strength is {}, must be 0 to 1", share);
}

std::array<float, 3> Blend::operator()(const std::array<float, 3>& added) const {
  const float luma = luma_of(added);
  std::array<float, 3> blended{};
  for (size_t c = 0; c < 3; ++c) blended[c] = luma_ * luma + colour_ * (added[c] - luma);
  return blended;
}

float Blend::grey(const std::array<float, 3>& added) const { return luma_ * luma_of(added); }

void local_deviation(Tensor& values, Threads& threads) {
  constexpr int64_t reach = 7;
  const auto& shape = values.shape();
  const auto mean_along = [&](float* line, int64_t count, int64_t step) {
    throw_if_interrupted();
    std::vector<double> sums(size_t(count) + 1);
    for (int64_t i = 0; i < count; ++i) sums[size_t(i) + 1] = sums[size_t(i)] + line[i * step];
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = std::max<int64_t>(i - reach, 0), end = std::min(i + reach + 1, count);
      line[i * step] = float((sums[size_t(end)] - sums[size_t(first)]) / double(end - first));
    }
  };
  for (size_t i = 0; i < values.size(); ++i) values.data()[i] *= values.data()[i];
  threads.parallel_for(shape.c * shape.h,
                       [&](int64_t i) { mean_along(values.data() + i * shape.w, shape.w, 1); });
  threads.parallel_for(shape.c * shape.w, [&](int64_t i) {
    mean_along(values.row(0, i / shape.w, 0) + i % shape.w, shape.h, shape.w);
  });
  for (size_t i = 0; i < values.size(); ++i)
    values.data()[i] = std::sqrt(std::max(values.data()[i], 0.0f));
}

Image noise_picture(const Tensor& deviations, bool is_grey) {
  const auto& shape = deviations.shape();
  Image map{int(shape.w), int(shape.h), is_grey ? 1 : 3, {}, {}};
  std::vector<uint16_t> samples;
  samples.reserve(map.count());
  for (int64_t y = 0; y < shape.h; ++y) {
    throw_if_interrupted();
    for (int64_t x = 0; x < shape.w; ++x)
      for (int64_t c = 0; c < map.channels; ++c) {
        const float level = std::clamp(deviations.at(0, c, y, x) * noise_map_scale, 0.0f, 1.0f);
        samples.push_back(uint16_t(level * 65535 + 0.5f));
      }
  }
  map.samples = std::move(samples);
  return map;
}

Image with_some_grain(const Image& grainy, const Image& clean, const DenoiseStrength& strength) {
  check_strength(strength);
  assert(grainy.count() == clean.count());
  const Blend blend(strength);
  Image result = clean;
  std::visit(
      [&](auto& samples) {
        using Samples = std::decay_t<decltype(samples)>;
        using Sample = typename Samples::value_type;
        const auto& noisy = std::get<Samples>(grainy.samples);
        const auto set = [&](size_t i, float added) {
          const float value = float(noisy[i]) + added;
          if constexpr (std::is_same_v<Sample, float>)
            samples[i] = value;
          else
            samples[i] = Sample(std::clamp(value, 0.0f, white_of<Sample>()) + 0.5f);
        };
        const auto removed_at = [&](size_t i) { return float(samples[i]) - float(noisy[i]); };
        if (result.channels == 1)
          for (size_t i = 0; i < samples.size(); ++i) set(i, float(strength.luma) * removed_at(i));
        else
          for (size_t i = 0; i + 2 < samples.size(); i += 3) {
            const auto wanted = blend({removed_at(i), removed_at(i + 1), removed_at(i + 2)});
            for (size_t c = 0; c < 3; ++c) set(i + c, wanted[c]);
          }
      },
      result.samples);
  return result;
}

Tensor with_some_grain(const Tensor& grainy, const Tensor& clean, const DenoiseStrength& strength) {
  check_strength(strength);
  assert(grainy.shape() == clean.shape());
  const auto luma_share = float(strength.luma), colour_share = float(strength.colour);
  const auto plane = size_t(clean.shape().plane());
  Tensor result = grainy;
  if (clean.shape().c == 1) {
    for (size_t i = 0; i < plane; ++i)
      result.data()[i] += luma_share * (clean.data()[i] - grainy.data()[i]);
    return result;
  }
  for (size_t i = 0; i < plane; ++i) {
    std::array<float, 3> removed{};
    for (size_t c = 0; c < 3; ++c)
      removed[c] = clean.data()[c * plane + i] - grainy.data()[c * plane + i];
    const float luma = (removed[0] + 2 * removed[1] + removed[2]) / 4;
    for (size_t c = 0; c < 3; ++c)
      result.data()[c * plane + i] += luma_share * luma + colour_share * (removed[c] - luma);
  }
  return result;
}

Image removed_between(const Image& grainy, const Image& clean, Threads& threads) {
  assert(grainy.count() == clean.count());
  const auto channels = size_t(clean.channels);
  Tensor removed({1, clean.channels, clean.height, clean.width});
  const auto plane = size_t(removed.shape().plane());
  std::visit(
      [&](const auto& quiet) {
        using Samples = std::decay_t<decltype(quiet)>;
        const auto& noisy = std::get<Samples>(grainy.samples);
        for (size_t i = 0; i < quiet.size(); ++i)
          removed.data()[i % channels * plane + i / channels] =
              (float(noisy[i]) - float(quiet[i])) / white_of<typename Samples::value_type>();
      },
      clean.samples);
  local_deviation(removed, threads);
  return noise_picture(removed, channels == 1);
}

}  // namespace hyperconv
