#include "training/simulated_patches.hpp"

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "hyperconv/image.hpp"
#include "image/folder.hpp"
#include "raw/colour.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Spread of read noise around its regression line, Brooks et al. 2019.
constexpr double read_spread = 0.26;
constexpr std::array<int, 3> sensor_bits = {10, 12, 14};

double log_uniform(double low, double high, Random& random) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

SensorSettings random_sensor(const SimulatedData& recipe, Random& random) {
  SensorSettings settings;
  settings.bits = sensor_bits[size_t(random.below(int64_t(sensor_bits.size())))];
  if (random.uniform() < 0.5) settings.exposure = log_uniform(recipe.least_exposure, 1, random);
  if (random.uniform() >= recipe.clean_share) {
    settings.noise.shot = log_uniform(recipe.least_shot, recipe.most_shot, random);
    settings.noise.read =
        typical_read_noise(settings.noise.shot) * std::exp(read_spread * double(random.normal()));
  }
  return settings;
}

std::span<float> sample_of(const torch::Tensor& batch, int64_t index) {
  const torch::Tensor sample = batch[index];
  return {sample.data_ptr<float>(), size_t(sample.numel())};
}

}  // namespace

PhotoPool::PhotoPool(const fs::path& folder, int shrink, int patch) {
  const auto files = pictures_in(folder);
  Progress progress("reading photos", int64_t(files.size()));
  double area = 0;
  for (const fs::path& file : files) {
    throw_if_interrupted();
    Tensor photo = linear_srgb(read_image(file), shrink);
    const auto& shape = photo.shape();
    if (std::min(shape.h, shape.w) < patch)
      fail("{}: is {}x{} after shrinking by {}, smaller than a patch of {}", file.string(), shape.w,
           shape.h, shrink, patch);
    area += double(shape.plane());
    cumulative_area_.push_back(area);
    photos_.push_back(std::move(photo));
    progress.show(int64_t(photos_.size()));
  }
}

Tensor PhotoPool::crop(int side, Random& random) const {
  const double place = random.uniform() * cumulative_area_.back();
  const auto found = std::upper_bound(cumulative_area_.begin(), cumulative_area_.end(), place);
  const auto index = std::min(size_t(found - cumulative_area_.begin()), photos_.size() - 1);
  const Tensor& photo = photos_[index];
  const int64_t top = random.below(photo.shape().h - side + 1);
  const int64_t left = random.below(photo.shape().w - side + 1);
  const auto turn = random.below(8);
  Tensor patch({1, 3, side, side});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t x = 0; x < side; ++x) {
        int64_t v = (turn & 1) != 0 ? side - 1 - y : y;
        int64_t u = (turn & 2) != 0 ? side - 1 - x : x;
        if ((turn & 4) != 0) std::swap(u, v);
        patch.at(0, c, y, x) = photo.at(0, c, top + v, left + u);
      }
  return patch;
}

SimulatedPatches::SimulatedPatches(const fs::path& photos, const SimulatedData& recipe, int patch,
                                   uint64_t seed)
    : recipe_(recipe), patch_(patch), seed_(seed), photos_(photos, recipe.shrink, patch) {}

Batch SimulatedPatches::make(int64_t first, int64_t count) const {
  const int64_t side = patch_;
  Batch batch;
  batch.input = torch::empty({count, 4, side / 2, side / 2});
  batch.target = torch::empty({count, 3, side, side});
  batch.camera_to_srgb = torch::empty({count, 3, 3});
  auto matrices = batch.camera_to_srgb.accessor<float, 3>();
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed_, uint64_t(first + i));
    const Tensor photo = photos_.crop(patch_, random);
    const SimulatedCamera camera = random_camera(random);
    const SensorSettings sensor = random_sensor(recipe_, random);
    const Tensor scene = scene_in_camera_colours(photo, camera);
    expose_patch({scene.data(), scene.size()}, patch_, patch_, camera, sensor, random,
                 sample_of(batch.input, i), sample_of(batch.target, i));
    const Matrix3 colours = camera_to_srgb(camera.xyz_to_camera);
    for (int64_t r = 0; r < 3; ++r)
      for (int64_t c = 0; c < 3; ++c) matrices[i][r][c] = float(colours[size_t(r)][size_t(c)]);
  }
  return batch;
}

std::string SimulatedPatches::description() const {
  return fmt::format("simulated RAW patches {0}x{0} of photos shrunk by {1}", patch_,
                     recipe_.shrink);
}

}  // namespace hyperconv
