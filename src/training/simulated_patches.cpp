#include "training/simulated_patches.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "pipeline/develop.hpp"
#include "raw/colour.hpp"
#include "raw/stabilised.hpp"
#include "simulation/random_sensor.hpp"

namespace hyperconv {
namespace {

std::span<float> sample_of(const torch::Tensor& batch, int64_t index) {
  const torch::Tensor sample = batch[index];
  return {sample.data_ptr<float>(), size_t(sample.numel())};
}

/// A frame of three colours in cells, and what is to come out. What is told of the noise becomes
/// that of what is left of it.
void expose_linear(const Tensor& scene, const LinearShot& drawn, NormalNumbers numbers,
                   Random& random, RandomSensor& sensor, std::span<float> cells,
                   std::span<float> clean) {
  const Shape& shape = scene.shape();
  LinearShot shot = drawn;
  shot.lost = {0, 0};
  // Its colours are grey then, whatever the camera's matrix makes of colours.
  if (shot.is_monochrome) sensor.camera.white_balance = {1, 1, 1};
  const LinearTake take = take_linear(scene, sensor.camera, sensor.settings, shot, numbers, random);
  sensor.told.shot *= take.noise_left;
  sensor.told.read *= take.noise_left;
  const int64_t height = shape.h / 2, width = shape.w / 2;
  for (size_t channel = 0; channel < three_colour_places.size(); ++channel) {
    const auto [colour, down, across] = three_colour_places[channel];
    for (int64_t y = 0; y < height; ++y) {
      // A frame that lost its first row or column begins with what was the second.
      const int64_t row = std::min(2 * y + down + drawn.lost[0], shape.h - 1);
      const float* from = take.light.row(0, colour, row);
      float* out = &cells[(channel * size_t(height) + size_t(y)) * size_t(width)];
      for (int64_t x = 0; x < width; ++x)
        out[x] = std::min(from[std::min(2 * x + across + drawn.lost[1], shape.w - 1)], 1.f);
    }
  }
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < shape.h; ++y) {
      const float* from = take.clean.row(0, c, std::min(y + drawn.lost[0], shape.h - 1));
      float* out = &clean[size_t((c * shape.h + y) * shape.w)];
      for (int64_t x = 0; x < shape.w; ++x) out[x] = from[std::min(x + drawn.lost[1], shape.w - 1)];
    }
}

/// Sample i's noise as the network is told it; its cells go through the curve that follows from it
/// where the batch wants one.
void tell_noise(const RandomSensor& sensor, Batch& batch, int64_t index) {
  const auto condition = noise_condition(sensor.told, balance_gains(sensor.camera.white_balance));
  std::ranges::copy(condition, sample_of(batch.noise, index).begin());
  if (!batch.curve_offset.defined()) return;
  const StabilisingCurve curve(sensor.told);
  batch.curve_offset[index] = curve.offset();
  for (float& cell : sample_of(batch.input, index)) cell = curve(cell);
}

}  // namespace

SimulatedPatches::SimulatedPatches(const std::vector<std::filesystem::path>& photos,
                                   const SimulatedData& recipe, int patch, uint64_t seed,
                                   Domain domain, Packing packing)
    : recipe_(recipe),
      patch_(patch),
      seed_(seed),
      domain_(domain),
      packing_(packing),
      photos_(photos, recipe.draw, patch) {}

Batch SimulatedPatches::make(int64_t first, int64_t count) const {
  const int64_t side = patch_;
  Batch batch;
  const int64_t cell = cell_side(packing_);
  batch.input = torch::empty({count, cell_channels(packing_), side / cell, side / cell});
  batch.target = torch::empty({count, 3, side, side});
  batch.camera_to_srgb = torch::empty({count, 3, 3});
  batch.noise = torch::empty({count, noise_condition_size});
  if (domain_ == Domain::stabilised) batch.curve_offset = torch::empty({count});
  auto matrices = batch.camera_to_srgb.accessor<float, 3>();
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed_, uint64_t(first + i));
    const Tensor photo = photos_.crop(patch_, random);
    RandomSensor sensor = draw_sensor(recipe_.sensors, random);
    Tensor scene = scene_in_camera_colours(photo, sensor.camera);
    see_through(sensor.lens, scene);
    if (const auto filters = filters_of(packing_)) {
      sensor.settings.cfa = *filters;
      const SensorNoise noise =
          draw_noise(sensor.settings, patch_, patch_, recipe_.normal_numbers, random);
      expose_patch({scene.data(), scene.size()}, patch_, patch_, sensor.camera, sensor.settings,
                   noise, sample_of(batch.input, i), sample_of(batch.target, i));
    } else {
      const LinearShot shot = draw_linear_shot(recipe_.frames, random);
      expose_linear(scene, shot, recipe_.normal_numbers, random, sensor, sample_of(batch.input, i),
                    sample_of(batch.target, i));
    }
    tell_noise(sensor, batch, i);
    const Matrix3 colours = camera_to_srgb(sensor.camera.xyz_to_camera);
    for (int64_t r = 0; r < 3; ++r)
      for (int64_t c = 0; c < 3; ++c) matrices[i][r][c] = float(colours[size_t(r)][size_t(c)]);
  }
  return batch;
}

std::string SimulatedPatches::description() const {
  return fmt::format("simulated RAW patches {0}x{0} of photos shrunk by {1}", patch_,
                     fmt::join(recipe_.draw.shrink, " and "));
}

}  // namespace hyperconv
