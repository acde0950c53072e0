#include "scoring/synthetic_noise.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.hpp"
#include "raw/colour.hpp"
#include "simulation/photo_noise.hpp"

namespace hyperconv {
namespace {

constexpr int64_t side = 256;
constexpr double least_deviation = 10.0 / 255, most_deviation = 75.0 / 255;

/// Value i of `side` evenly spaced ones from `first` to `last`.
double spaced(int64_t i, double first, double last) {
  return first + (last - first) * double(i) / double(side - 1);
}

template <class Function>
std::vector<double> map_of(const Function& value) {
  std::vector<double> map;
  map.reserve(size_t(side * side));
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side; ++x) map.push_back(value(y, x));
  return map;
}

std::vector<double> peaks() {
  return map_of([](int64_t row, int64_t column) {
    const double y = spaced(row, -3, 3), x = spaced(column, -3, 3);
    return 3 * std::pow(1 - x, 2) * std::exp(-x * x - std::pow(y + 1, 2)) -
           10 * (x / 5 - std::pow(x, 3) - std::pow(y, 5)) * std::exp(-x * x - y * y) -
           std::exp(-std::pow(x + 1, 2) - y * y) / 3;
  });
}

std::vector<double> waves() {
  return map_of([](int64_t row, int64_t column) {
    return std::sin(spaced(column, 1, 10)) + std::cos(spaced(row, 1, 20));
  });
}

std::vector<double> mixture(uint64_t seed) {
  constexpr int cell = 32;
  struct Bump {
    double y, x, scale;
  };
  Random random(seed);
  std::vector<Bump> bumps;
  for (int row = 0; row < side / cell; ++row)
    for (int column = 0; column < side / cell; ++column) {
      const double x = cell * (column + random.uniform()), y = cell * (row + random.uniform());
      bumps.push_back({y, x, random.uniform(cell / 2.0, cell)});
    }
  return map_of([&](int64_t y, int64_t x) {
    double sum = 0;
    for (const Bump& b : bumps) {
      const double variance = b.scale * b.scale;
      const double distance2 = std::pow(double(y) - b.y, 2) + std::pow(double(x) - b.x, 2);
      sum += std::exp(-distance2 / (2 * variance)) / variance;
    }
    return sum;
  });
}

std::vector<double> map_for(NoiseCase kind, uint64_t seed) {
  switch (kind) {
    case NoiseCase::case1:
      return peaks();
    case NoiseCase::case2:
      return waves();
    case NoiseCase::case3:
      return mixture(seed);
    case NoiseCase::even:
    case NoiseCase::camera:
    case NoiseCase::phone:
      break;
  }
  fail("this noise has no map of its strength");
}

PhotoNoise phone_noise(Random& random) {
  PhotoNoise noise;
  noise.camera = phone_camera();
  noise.camera.white_balance = random_camera(random).white_balance;
  const double shot = std::exp(random.uniform(std::log(2e-3), std::log(2e-2)));
  noise.sensor = {.bits = 10, .noise = {shot, median_read_noise(shot)}};
  noise.demosaicking = Demosaicking::malvar;
  return noise;
}

NoisyAndClean seen_by(const PhotoNoise& noise, const Tensor& photo, Random& random) {
  Tensor linear = photo;
  for (size_t i = 0; i < linear.size(); ++i)
    linear.data()[i] = float(decode_srgb(double(linear.data()[i])));
  NoisyPhoto made = noisy_photo(linear, noise, random);
  return {std::move(made.noisy), std::move(made.clean)};
}

/// Where pixel i of `count` lies in the map, its frame stretched over the photo's.
struct Place {
  size_t first, second;
  double share;  ///< of the second
};
Place place_of(int64_t i, int64_t count) {
  const double at = std::clamp((double(i) + 0.5) * side / double(count) - 0.5, 0.0, side - 1.0);
  const auto first = size_t(at);
  return {first, std::min(first + 1, size_t(side - 1)), at - double(first)};
}

}  // namespace

SyntheticNoise synthetic_noise_from_string(const std::string& text) {
  for (const auto& [name, kind] : {std::pair{"case1", NoiseCase::case1},
                                   {"case2", NoiseCase::case2},
                                   {"case3", NoiseCase::case3},
                                   {"camera", NoiseCase::camera},
                                   {"phone", NoiseCase::phone}})
    if (text == name) return {kind, 0};
  double sigma = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sigma);
  if (error != std::errc() || end != text.data() + text.size() || !(sigma >= 0 && sigma <= 255))
    fail("noise is case1, case2, case3, camera, phone or a deviation from 0 to 255, not {}", text);
  return {NoiseCase::even, sigma};
}

std::string to_string(const SyntheticNoise& noise) {
  switch (noise.kind) {
    case NoiseCase::even:
      return fmt::format("{:g}", noise.sigma);
    case NoiseCase::case1:
      return "case1";
    case NoiseCase::case2:
      return "case2";
    case NoiseCase::case3:
      return "case3";
    case NoiseCase::camera:
      return "camera";
    case NoiseCase::phone:
      return "phone";
  }
  return {};
}

std::vector<float> deviation_map(const SyntheticNoise& noise, int64_t height, int64_t width,
                                 uint64_t seed) {
  if (noise.kind == NoiseCase::even)
    return std::vector<float>(size_t(height * width), float(noise.sigma / 255));
  const std::vector<double> map = map_for(noise.kind, seed);
  const auto [least, most] = std::ranges::minmax(map);
  const double factor = (most_deviation - least_deviation) / (most - least);
  std::vector<float> stretched;
  stretched.reserve(size_t(height * width));
  for (int64_t y = 0; y < height; ++y) {
    const Place row = place_of(y, height);
    for (int64_t x = 0; x < width; ++x) {
      const Place column = place_of(x, width);
      const auto along = [&](size_t line) {
        return map[line * side + column.first] * (1 - column.share) +
               map[line * side + column.second] * column.share;
      };
      const double value = along(row.first) * (1 - row.share) + along(row.second) * row.share;
      stretched.push_back(float(least_deviation + (value - least) * factor));
    }
  }
  return stretched;
}

Tensor with_noise(const Tensor& photo, const std::vector<float>& deviations, Random& random) {
  Tensor noisy = photo;
  for (size_t i = 0; i < noisy.size(); ++i)
    noisy.data()[i] += deviations[i % deviations.size()] * random.normal();
  return noisy;
}

NoisyAndClean with_noise(const Tensor& photo, const SyntheticNoise& noise, uint64_t seed,
                         uint64_t index) {
  Random random(seed, index);
  switch (noise.kind) {
    case NoiseCase::even:
    case NoiseCase::case1:
    case NoiseCase::case2:
    case NoiseCase::case3: {
      const auto& shape = photo.shape();
      return {with_noise(photo, deviation_map(noise, shape.h, shape.w, seed), random), photo};
    }
    case NoiseCase::camera:
      return seen_by(random_photo_noise({}, random), photo, random);
    case NoiseCase::phone:
      return seen_by(phone_noise(random), photo, random);
  }
  fail("this noise is not known");
}

}  // namespace hyperconv
