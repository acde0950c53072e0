#include "training/noisy_patches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "image/grain.hpp"
#include "raw/colour.hpp"
#include "training/told_grain.hpp"

namespace hyperconv {
namespace {

constexpr double least_rise = 5.0 / 255;

std::vector<float> bump(int side, Random& random) {
  const double middle_y = random.uniform() * side, middle_x = random.uniform() * side;
  const double scale = random.uniform(side / 4.0, side * 3 / 4.0);
  std::vector<float> map;
  map.reserve(size_t(side) * size_t(side));
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const double distance2 = std::pow(y - middle_y, 2) + std::pow(x - middle_x, 2);
      map.push_back(float(std::exp(-distance2 / (2 * scale * scale))));
    }
  return map;
}

}  // namespace

std::vector<float> deviation_map(int side, double most_sigma, Random& random) {
  std::vector<float> map = bump(side, random);
  double up = random.uniform(0, most_sigma / 255), down = random.uniform(0, most_sigma / 255);
  if (up < down) std::swap(up, down);
  up += least_rise;
  const auto [least, most] = std::ranges::minmax(map);
  for (float& value : map)
    value = float(down + double(value - least) / double(most - least) * (up - down));
  return map;
}

NoisyPatches::NoisyPatches(std::shared_ptr<const PhotoPool> photos, const NoisyData& recipe,
                           int patch, uint64_t seed)
    : photos_(std::move(photos)), recipe_(recipe), patch_(patch), seed_(seed) {}

Batch NoisyPatches::make(int64_t first, int64_t count) const {
  const int64_t side = patch_, plane = side * side;
  Batch batch;
  batch.input = torch::empty({count, 3, side, side});
  batch.target = torch::empty_like(batch.input);
  batch.variance = torch::empty_like(batch.input);
  batch.noise = torch::empty({count, grain_condition_size});
  float* input = batch.input.data_ptr<float>();
  float* target = batch.target.data_ptr<float>();
  float* variance = batch.variance.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed_, uint64_t(first + i));
    const Tensor photo = photos_->crop(patch_, random);
    const std::vector<float> map = deviation_map(patch_, recipe_.most_sigma, random);
    for (int64_t k = 0; k < 3 * plane; ++k) {
      const int64_t at = i * 3 * plane + k;
      const float sigma = map[size_t(k % plane)];
      target[at] = float(encode_srgb(photo.data()[k]));
      input[at] = target[at] + sigma * random.normal();
      variance[at] = sigma * sigma;
    }
    tell_grain(batch, i, random);
  }
  return batch;
}

std::string NoisyPatches::description() const {
  return fmt::format("patches {0}x{0} of photos shrunk by {1} with Gaussian noise up to {2:g}/255",
                     patch_, recipe_.shrink, recipe_.most_sigma);
}

}  // namespace hyperconv
