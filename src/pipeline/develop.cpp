#include "pipeline/develop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/fail.hpp"
#include "base/watch.hpp"
#include "raw/colour.hpp"
#include "raw/exif.hpp"
#include "raw/mosaic_noise.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr const char* noise_input = "noise";

// About which share of a photo's time these take: for progress.
constexpr double packing_share = 0.1, network_share = 0.75;

const Model& checked(const std::shared_ptr<const Model>& model) {
  const ModelInfo& info = model->info();
  if (info.task != Task::develop)
    fail("the model '{}' is for the task '{}', not for 'develop'", info.name, to_string(info.task));
  const int side = size_multiple(model->graph());
  const Shape in{1, 4, side, side}, out = infer_shapes(model->graph(), in).back();
  if (out != Shape{1, 3, 2 * side, 2 * side})
    fail("the model '{}' turns {} into {}; a developer needs {}", info.name, to_string(in),
         to_string(out), to_string(Shape{1, 3, 2 * side, 2 * side}));
  for (const Node& node : model->graph().nodes()) {
    const auto* beside = std::get_if<SideInput>(&node.op);
    if (beside != nullptr && (node.name != noise_input || beside->channels != noise_condition_size))
      fail("the model '{}' takes the side input '{}' of {} numbers; a developer gives '{}' of {}",
           info.name, node.name, beside->channels, noise_input, noise_condition_size);
  }
  return *model;
}

bool takes_noise(const Graph& graph) {
  return std::ranges::any_of(
      graph.nodes(), [](const Node& node) { return std::holds_alternative<SideInput>(node.op); });
}

/// The curve whose light a network works in; nothing: linear.
std::optional<StabilisingCurve> curve_for(const Model& model,
                                          const std::optional<KnownNoise>& noise) {
  switch (model.info().domain) {
    case Domain::linear:
      return std::nullopt;
    case Domain::stabilised:
      return StabilisingCurve(noise->profile);
  }
  fail("the model's domain is not known");
}

SideInputs noise_inputs(const Graph& graph, const NoiseProfile& noise, const Mosaic& mosaic) {
  if (!takes_noise(graph)) return {};
  const auto condition = noise_condition(noise, balance_gains(mosaic.white_balance));
  Tensor values({1, noise_condition_size, 1, 1});
  std::ranges::copy(condition, values.data());
  return {{noise_input, std::move(values)}};
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

Matrix3 rendering_matrix(const Mosaic& mosaic) {
  Matrix3 matrix = camera_to_srgb(mosaic);
  const double gain = std::exp2(mosaic.baseline_exposure);
  for (auto& row : matrix)
    for (double& value : row) value *= gain;
  return matrix;
}

Image picture_of(const LinearFrame& frame) {
  Image picture = frame.light.shape().c == 3
                      ? srgb_picture(frame.light, rendering_matrix(frame.facts))
                      : grey_picture(frame.light, std::exp2(frame.facts.baseline_exposure));
  picture.metadata = metadata_for_picture(frame.facts);
  return picture;
}

Developer::Developer(std::shared_ptr<const Model> model, const DevelopOptions& options)
    : model_(std::move(model)),
      engine_(model_, options.engine),
      memory_(options.memory),
      given_(options.noise),
      is_told_noise_(takes_noise(model_->graph()) || model_->info().domain != Domain::linear),
      // A cell is two samples wide, and the network looks half its receptive field to each side.
      margin_(receptive_field(checked(model_).graph())),
      multiple_(size_multiple(model_->graph())) {}

void Developer::check_memory(const Mosaic& mosaic) {
  if (!memory_) return;
  const Shape cells = packed_shape(mosaic, margin_, multiple_);
  const int64_t floats = cells.count() + infer_shapes(model_->graph(), cells).back().count();
  const int64_t needed = engine_.arena_bytes(cells) + floats * int64_t(sizeof(float));
  if (needed > *memory_)
    fail_as(
        ErrorCode::out_of_memory,
        "{:.3g} GiB of memory are too little: {}x{} samples through this network need {:.3g} GiB",
        double(*memory_) / (1 << 30), mosaic.width, mosaic.height, double(needed) / (1 << 30));
}

Region Developer::run_network(const Mosaic& mosaic) {
  const auto start = Clock::now();
  check_memory(mosaic);
  PackedMosaic packed = pack_mosaic(mosaic, margin_, multiple_);
  if (is_told_noise_) noise_ = noise_of(mosaic, given_);
  if (model_->info().domain == Domain::stabilised) stabilise(packed.cells, noise_->profile);
  const SideInputs side =
      noise_ ? noise_inputs(model_->graph(), noise_->profile, mosaic) : SideInputs();
  {
    const WatchStage stage(packing_share, packing_share + network_share);
    engine_.run(packed.cells, output_, side);
  }
  times_ = {.network = seconds_since(start)};
  return {packed.top, packed.left, packed.height, packed.width};
}

Tensor Developer::camera_rgb(const Mosaic& mosaic) {
  const Region photo = run_network(mosaic);
  Tensor rgb = cropped(output_, photo);
  if (const auto curve = curve_for(*model_, noise_))
    for (size_t i = 0; i < rgb.size(); ++i) rgb.data()[i] = curve->inverse(rgb.data()[i]);
  return rgb;
}

Image Developer::picture(const Mosaic& mosaic) {
  const Region photo = run_network(mosaic);
  const auto start = Clock::now();
  Image picture =
      srgb_picture(output_, photo, rendering_matrix(mosaic), curve_for(*model_, noise_));
  picture.metadata = metadata_for_picture(mosaic);
  times_.colour = seconds_since(start);
  return picture;
}

}  // namespace hyperconv
