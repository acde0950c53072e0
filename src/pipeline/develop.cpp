#include "hyperconv/develop.hpp"

#include <chrono>

#include "base/fail.hpp"
#include "raw/colour.hpp"
#include "raw/exif.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const Model& checked(const std::shared_ptr<const Model>& model) {
  const ModelInfo& info = model->info();
  if (info.task != Task::develop)
    fail("the model '{}' is for the task '{}', not for 'develop'", info.name, to_string(info.task));
  const int side = size_multiple(model->graph());
  const Shape in{1, 4, side, side}, out = infer_shapes(model->graph(), in).back();
  if (out != Shape{1, 3, 2 * side, 2 * side})
    fail("the model '{}' turns {} into {}; a developer needs {}", info.name, to_string(in),
         to_string(out), to_string(Shape{1, 3, 2 * side, 2 * side}));
  return *model;
}

/// The photo's part of a padded frame.
Tensor cropped(const Tensor& frame, const Region& part) {
  Tensor photo({1, 3, part.height, part.width});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < part.height; ++y) {
      const float* from = frame.row(0, c, part.top + y) + part.left;
      std::copy(from, from + part.width, photo.row(0, c, y));
    }
  return photo;
}

}  // namespace

Matrix3 camera_to_srgb(const Mosaic& mosaic) {
  return mosaic.xyz_to_camera ? camera_to_srgb(*mosaic.xyz_to_camera) : identity3;
}

Developer::Developer(std::shared_ptr<const Model> model, const DevelopOptions& options)
    : model_(std::move(model)),
      engine_(model_, options.engine),
      memory_(options.memory),
      // A cell is two samples wide, and the network looks half its receptive field to each side.
      margin_(receptive_field(checked(model_).graph())),
      multiple_(size_multiple(model_->graph())) {}

void Developer::check_memory(const Mosaic& mosaic) {
  if (!memory_) return;
  const Shape cells = packed_shape(mosaic, margin_, multiple_);
  const int64_t floats = cells.count() + infer_shapes(model_->graph(), cells).back().count();
  const int64_t needed = engine_.arena_bytes(cells) + floats * int64_t(sizeof(float));
  if (needed > *memory_)
    fail("{:.3g} GiB of memory are too little: {}x{} samples through this network need {:.3g} GiB",
         double(*memory_) / (1 << 30), mosaic.width, mosaic.height, double(needed) / (1 << 30));
}

Region Developer::run_network(const Mosaic& mosaic) {
  const auto start = Clock::now();
  check_memory(mosaic);
  const PackedMosaic packed = pack_mosaic(mosaic, margin_, multiple_);
  engine_.run(packed.cells, output_);
  times_ = {.network = seconds_since(start)};
  return {packed.top, packed.left, packed.height, packed.width};
}

Tensor Developer::camera_rgb(const Mosaic& mosaic) {
  const Region photo = run_network(mosaic);
  return cropped(output_, photo);
}

Image Developer::picture(const Mosaic& mosaic) {
  const Region photo = run_network(mosaic);
  const auto start = Clock::now();
  Image picture = srgb_picture(output_, photo, camera_to_srgb(mosaic));
  picture.metadata.exif = exif_for_picture(mosaic);
  picture.metadata.orientation = mosaic.orientation;
  times_.colour = seconds_since(start);
  return picture;
}

}  // namespace hyperconv
