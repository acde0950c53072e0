#include "cli/enhancer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "cli/size.hpp"
#include "image/codec.hpp"
#include "pipeline/shipped.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class Stopwatch {
 public:
  /// Seconds since the last lap.
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  Clock::time_point start_ = Clock::now();
};

/// What a job does with samples does not know their file.
template <class Work>
auto naming(const fs::path& file, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (interrupted()) throw;
    fail("{}: {}", file.string(), error.what());
  }
}

/// The S-Net that was trained beside a model: NAME-noise.safetensors beside NAME.safetensors.
fs::path noise_model_beside(const fs::path& model) {
  return model.parent_path() / (model.stem().string() + "-noise.safetensors");
}

FileKind kind_of(const Model& model) {
  switch (model.info().task) {
    case Task::develop:
      return FileKind::mosaic;
    case Task::denoise:
      return FileKind::photo;
    case Task::isp:
    case Task::noise:
      break;
  }
  fail("the model '{}' is for the task '{}', not for 'develop' or 'denoise'", model.info().name,
       to_string(model.info().task));
}

}  // namespace

bool is_dng(const fs::path& path) { return lower_ending(path) == ".dng"; }

Enhancer::Enhancer(const EnhanceArguments& arguments) : arguments_(arguments) {
  if (!arguments.task.empty())
    kind_ = arguments.task == "denoise" ? FileKind::photo : FileKind::mosaic;
  if (arguments.model.empty()) return;
  named_ = {arguments.model, std::make_shared<const Model>(Model::load(arguments.model))};
  const FileKind kind = kind_of(*named_->model);
  if (kind_ && *kind_ != kind)
    fail("the model '{}' is for the task '{}', not for '{}'", named_->model->info().name,
         to_string(named_->model->info().task), arguments.task);
  kind_ = kind;
  // It is refused before the first file is touched, if it is.
  if (kind == FileKind::mosaic)
    developer();
  else
    denoiser();
}

Enhancer::Loaded Enhancer::load(Task task) const {
  if (named_) return *named_;
  const std::string path = shipped_model(task).string();
  return {path, std::make_shared<const Model>(Model::load(path))};
}

Developer& Enhancer::developer() {
  if (!developer_) {
    develops_ = load(Task::develop);
    developer_.emplace(
        develops_.model,
        DevelopOptions{.engine = arguments_.engine, .noise = arguments_.noise, .memory = memory()});
  }
  return *developer_;
}

std::optional<int64_t> Enhancer::memory() const {
  if (arguments_.memory_gib == 0) return std::nullopt;
  return int64_t(arguments_.memory_gib * (1 << 30));
}

DenoiseOptions Enhancer::denoise_options() const {
  DenoiseOptions options{.engine = arguments_.engine, .memory = memory()};
  if (arguments_.photo.noise_limit) options.noise_limit = *arguments_.photo.noise_limit;
  return options;
}

Denoiser& Enhancer::denoiser() {
  if (!denoiser_) {
    denoises_ = load(Task::denoise);
    denoiser_.emplace(denoises_.model, denoise_options());
  }
  return *denoiser_;
}

Outcome Enhancer::enhance(const Job& job) {
  const FileKind kind = kind_ ? *kind_ : file_kind(job.input);
  return kind == FileKind::mosaic ? develop(job) : denoise(job);
}

Outcome Enhancer::develop(const Job& job) {
  if (arguments_.photo.any())
    fail(
        "{}: is a mosaic to be developed; --strength, --noise-limit, --preview and --noise-map are "
        "for photos",
        job.input.string());
  Developer& developer = this->developer();
  Outcome outcome;
  outcome.job = job;
  outcome.task = Task::develop;
  outcome.model = develops_.path;
  Stopwatch total, stage;
  const Mosaic mosaic = read_mosaic(job.input, arguments_.format);
  for (const auto& warning : mosaic.warnings)
    fmt::print(stderr, "hyperconv: {}: {}\n", job.input.string(), warning);
  outcome.decode = stage.lap();
  if (is_dng(job.output)) {
    const Tensor rgb = naming(job.input, [&] { return developer.camera_rgb(mosaic); });
    outcome.process = stage.lap();
    write_linear_dng(job.output, rgb, mosaic);
    outcome.width = mosaic.width;
    outcome.height = mosaic.height;
  } else {
    const Image picture = naming(job.input, [&] { return upright(developer.picture(mosaic)); });
    outcome.process = stage.lap();
    write_image(job.output, picture, arguments_.write);
    outcome.width = picture.width;
    outcome.height = picture.height;
  }
  outcome.encode = stage.lap();
  outcome.total = total.lap();
  outcome.develop = developer.times();
  outcome.noise = developer.noise();
  return outcome;
}

Outcome Enhancer::denoise(const Job& job) {
  if (is_dng(job.output))
    fail("{}: is a photo, which cannot become a DNG; name a .jpg, .png or .tif",
         job.input.string());
  if (arguments_.noise)
    fail("{}: is a photo; --noise is for a sensor's mosaics", job.input.string());
  Denoiser& denoiser = this->denoiser();
  Outcome outcome;
  outcome.job = job;
  outcome.task = Task::denoise;
  outcome.model = denoises_.path;
  Stopwatch total, stage;
  const Image photo = read_image(job.input);
  for (const auto& note : photo.metadata.notes)
    fmt::print(stderr, "hyperconv: {}: {}\n", job.input.string(), note);
  outcome.decode = stage.lap();
  const PhotoArguments& wanted = arguments_.photo;
  const Region part = wanted.preview.value_or(Region{0, 0, photo.height, photo.width});
  const DenoiseStrength strength = wanted.strength.value_or(DenoiseStrength{});
  std::optional<Image> estimated;
  const Denoiser::Result result = naming(job.input, [&]() -> Denoiser::Result {
    if (!wanted.noise_map.empty()) estimated = estimated_noise_map(photo, part);
    if (wanted.noise_map.empty() || estimated) return {denoiser.part(photo, part, strength), {}};
    return denoiser.picture_and_noise(photo, part, strength);
  });
  outcome.process = stage.lap();
  write_image(job.output, result.picture, arguments_.write);
  if (!wanted.noise_map.empty()) {
    Image map = estimated ? *estimated : result.removed_noise;
    // It lies on the photo: turned as that is.
    map.metadata.orientation = photo.metadata.orientation;
    write_image(wanted.noise_map, map, arguments_.write);
    outcome.noise_map = wanted.noise_map;
    outcome.noise_estimated = estimated.has_value();
  }
  outcome.width = result.picture.width;
  outcome.height = result.picture.height;
  outcome.encode = stage.lap();
  outcome.total = total.lap();
  outcome.denoise = denoiser.times();
  return outcome;
}

std::optional<Image> Enhancer::estimated_noise_map(const Image& photo, const Region& part) const {
  const fs::path beside = noise_model_beside(denoises_.path);
  if (!fs::exists(beside)) return std::nullopt;
  const auto model = std::make_shared<const Model>(Model::load(beside));
  return estimated_noise(model, photo, part, denoise_options());
}

}  // namespace hyperconv::cli
