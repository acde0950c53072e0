#include "cli/enhancer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/say.hpp"
#include "cli/size.hpp"
#include "image/codec.hpp"
#include "image/row_writer.hpp"
#include "pipeline/clean_dng.hpp"
#include "pipeline/finished.hpp"
#include "pipeline/kept_grain.hpp"
#include "pipeline/shipped.hpp"
#include "raw/dng_opcodes.hpp"
#include "raw/exif.hpp"

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

Mosaic& facts_of(RawFrame& frame) {
  if (auto* linear = std::get_if<LinearFrame>(&frame)) return linear->facts;
  return std::get<Mosaic>(frame);
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

std::string DngArguments::named() const {
  if (!compression) return mosaic ? "--mosaic" : "";
  return mosaic ? "--mosaic and --dng-compression" : "--dng-compression";
}

bool is_dng(const fs::path& path) { return lower_ending(path) == ".dng"; }

Enhancer::Enhancer(const EnhanceArguments& arguments) : arguments_(arguments) {
  lenses_.check(arguments.lens.wanted);
  if (!arguments.task.empty())
    kind_ = arguments.task == "denoise" ? FileKind::photo : FileKind::mosaic;
  if (arguments.model.empty()) return;
  const std::string path = named_model(arguments.model).string();
  named_ = {path, std::make_shared<const Model>(Model::load(path))};
  const FileKind kind = kind_of(*named_->model);
  if (kind_ && *kind_ != kind)
    fail("the model '{}' is for the task '{}', not for '{}'", named_->model->info().name,
         to_string(named_->model->info().task), arguments.task);
  kind_ = kind;
  // It is refused before the first file is touched, if it is.
  if (kind == FileKind::mosaic)
    developing(named_->model->info().packing);
  else
    denoiser();
}

void Enhancer::warn(const Job& job, const std::vector<std::string>& warnings) const {
  for (const auto& warning : warnings) {
    const std::string line = fmt::format("{}: {}", job.input.string(), warning);
    if (warning_)
      warning_(line);
    else
      say("hyperconv: {}\n", line);
  }
}

Enhancer::Loaded Enhancer::load(Task task, Packing packing) const {
  if (named_) return *named_;
  const std::string path = shipped_model(task, packing).string();
  return {path, std::make_shared<const Model>(Model::load(path))};
}

Enhancer::Developing& Enhancer::developing(Packing packing) {
  if (named_) packing = named_->model->info().packing;
  Developing& found = developing_[packing];
  if (!found.developer) {
    found.model = load(Task::develop, packing);
    EngineOptions engine = arguments_.engine;
    if (!engine.precision) engine.precision = fastest_precision(found.model.model->graph());
    naming(found.model.path, [&] {
      found.developer.emplace(
          found.model.model,
          DevelopOptions{.engine = engine, .noise = arguments_.noise, .memory = memory()});
    });
  }
  return found;
}

std::optional<int64_t> Enhancer::memory() const {
  if (arguments_.memory_gib == 0) return std::nullopt;
  return int64_t(arguments_.memory_gib * (1 << 30));
}

std::shared_ptr<void> Enhancer::room_for(int64_t pixels) const {
  if (!memory_) return nullptr;
  // 41 to 61 bytes a pixel were measured at 12 megapixels (docs/performance.md), of which
  // --max-memory does not count the file, its samples and the picture.
  constexpr int64_t in_all = 60, uncounted = 20;
  int64_t bytes = pixels * in_all;
  if (const auto limit = memory()) bytes = std::min(bytes, *limit + pixels * uncounted);
  return memory_(bytes);
}

DenoiseOptions Enhancer::denoise_options() const {
  DenoiseOptions options{.engine = arguments_.engine, .memory = memory()};
  if (arguments_.removal.noise_limit) options.noise_limit = *arguments_.removal.noise_limit;
  return options;
}

Denoiser& Enhancer::denoiser() {
  if (!denoiser_) {
    denoises_ = load(Task::denoise);
    naming(denoises_.path, [&] { denoiser_.emplace(denoises_.model, denoise_options()); });
  }
  return *denoiser_;
}

FileKind Enhancer::wanted_kind(const InputFile& file) const {
  if (kind_) return *kind_;
  if (arguments_.describes_mosaic && file.may_be(FileKind::mosaic)) return FileKind::mosaic;
  return file.kind();
}

std::optional<Outcome> Enhancer::enhance(const Job& job, bool may_skip) {
  InputFile file(job.input);
  if (may_skip && kind_ && !file.may_be(*kind_)) return std::nullopt;
  if (!is_dng(job.output)) refuse_dng_options(job);
  return wanted_kind(file) == FileKind::mosaic ? develop(job, file) : denoise(job, file);
}

Outcome Enhancer::develop(const Job& job, InputFile& file) {
  if (arguments_.removal.noise_limit)
    fail("{}: is a mosaic to be developed; --noise-limit is for photos", job.input.string());
  if (is_dng(job.output)) refuse_for_dng(job);
  Outcome outcome;
  outcome.job = job;
  outcome.rotate = arguments_.framing.rotate;
  outcome.resize = arguments_.framing.resize;
  outcome.task = Task::develop;
  Stopwatch total, stage;
  RawFrame frame = file.raw(arguments_.format);
  if (const auto orientation = arguments_.framing.orientation())
    facts_of(frame).orientation = *orientation;
  outcome.decode = stage.lap();
  const int64_t pixels = int64_t(facts_of(frame).width) * facts_of(frame).height;
  const auto room = room_for(pixels);
  stage.lap();  // waiting for memory is no work
  auto* linear = std::get_if<LinearFrame>(&frame);
  if (linear != nullptr && !develops_linear())
    render_linear(*linear, outcome);
  else
    develop_frame(frame, outcome);
  outcome.total = total.lap() - outcome.before;
  return outcome;
}

void Enhancer::refuse_linear_floats(const Job& job, const char* why) const {
  if (wants_linear_floats())
    fail("{}: {}; --depth 32, linear light, is for mosaics: take --depth 16", job.input.string(),
         why);
}

void Enhancer::refuse_for_dng(const Job& job) const {
  if (const auto named = arguments_.rendering.named_of_rendering(); !named.empty())
    fail(
        "{}: becomes a DNG, which a raw converter renders; {} would have no effect: name a .jpg, "
        ".png or .tif",
        job.input.string(), named);
  if (arguments_.removal.preview || !arguments_.removal.noise_map.empty())
    fail("{}: becomes a DNG; --preview and --noise-map are of pictures: name a .jpg, .png or .tif",
         job.input.string());
  if (!arguments_.report.empty())
    fail("{}: becomes a DNG; --report is of pictures: name a .jpg, .png or .tif",
         job.input.string());
  if (arguments_.lens.corrects())
    fail(
        "{}: becomes a DNG, whose lens a raw converter corrects; --lens would have no effect: name "
        "a .jpg, .png or .tif",
        job.input.string());
  if (arguments_.framing.crops() || arguments_.framing.size())
    fail(
        "{}: becomes a DNG, which a raw converter crops and resizes; --crop and --resize would "
        "have no effect: name a .jpg, .png or .tif",
        job.input.string());
}

void Enhancer::refuse_dng_options(const Job& job) const {
  if (const auto named = arguments_.dng.named(); !named.empty())
    fail("{}: becomes no DNG; {} would have no effect: name a .dng, or --format dng",
         job.input.string(), named);
}

bool Enhancer::removes_noise() const {
  const auto& strength = arguments_.removal.strength;
  return !strength || strength->luma > 0 || strength->colour > 0;
}

void Enhancer::refuse_twice(const Mosaic& facts, const Job& job) const {
  if (!facts.noise_reduction || arguments_.again || !removes_noise()) return;
  const auto& [applied, by_hyperconv] = *facts.noise_reduction;
  if (was_denoised(facts))
    fail(
        "{}: its noise was removed already{} (NoiseReductionApplied is {:g}); --again removes "
        "noise "
        "once more, --strength 0 none",
        job.input.string(), by_hyperconv ? " by hyperconv" : "", applied);
  if (applied > 0)
    warn(job, {fmt::format("some of its noise was removed already (NoiseReductionApplied is {:g})",
                           applied)});
}

void Enhancer::refuse_for_linear(const LinearFrame& frame, const Job& job) const {
  const bool is_grey = frame.light.shape().c == 1;
  if (arguments_.dng.mosaic)
    fail("{}: is {}; --mosaic is for files that hold a mosaic", job.input.string(),
         is_grey ? "monochrome" : "demosaiced already");
  if (is_grey) refuse_rendering_of(frame, job);
}

void Enhancer::refuse_rendering_of(const LinearFrame& frame, const Job& job) const {
  refuse_linear_floats(job, "is demosaiced already");
  const bool is_grey = frame.light.shape().c == 1;
  RenderingArguments refused = arguments_.rendering;
  refused.exposure.reset();
  if (!is_grey) refused.space.reset();
  if (const auto named = refused.named(); !named.empty())
    fail("{}: is {}; {} would have no effect: take {}", job.input.string(),
         is_grey ? "monochrome" : "demosaiced already, balanced and with its highlights clipped",
         named, is_grey ? "--exposure" : "--exposure and --colour-space");
}

bool Enhancer::develops_linear() const {
  if (named_) return named_->model->info().packing == Packing::three_colours;
  return find_shipped_model(Task::develop, Packing::three_colours).has_value();
}

void Enhancer::develop_frame(RawFrame& frame, Outcome& outcome) {
  const Job& job = outcome.job;
  Mosaic& facts = facts_of(frame);
  const FrameView seen(frame);
  if (seen.light != nullptr) refuse_for_linear(std::get<LinearFrame>(frame), job);
  refuse_twice(facts, job);
  naming(job.input, [&] {
    std::visit([&](auto& kind) { balance_as_wanted(kind, arguments_.rendering.wanted_balance()); },
               frame);
  });
  if (!seen.is_monochrome()) outcome.white_balance = facts.white_balance;
  const auto lens = lens_of(facts, outcome);
  warn(job, facts.warnings);
  Developing& developing = this->developing(packing_of(seen));
  Developer& developer = *developing.developer;
  outcome.model = developing.model.path;
  Stopwatch stage;
  if (is_dng(job.output)) {
    const Tensor light = naming(job.input, [&] {
      return light_with_grain(developer, seen, arguments_.removal.strength, &outcome.develop);
    });
    const DenoiseStrength strength = arguments_.removal.strength.value_or(DenoiseStrength{});
    Mosaic clean =
        cleaned(seen, light, strength, developer.model_name(), arguments_.engine.threads);
    outcome.process = stage.lap();
    write_dng_of(std::move(clean), light, arguments_.dng.mosaic, outcome);
    outcome.encode = stage.lap();
  } else if (is_written_by_rows(seen, lens.get(), job)) {
    write_rows(developer, seen, outcome);
  } else {
    Image picture =
        naming(job.input, [&] { return picture_of_frame(developer, seen, lens.get(), outcome); });
    outcome.process = stage.lap() - outcome.before;
    write(std::move(picture), facts, outcome);
    outcome.encode = stage.lap();
  }
  outcome.noise = developer.noise();
  outcome.precision = developer.precision();
}

Image Enhancer::picture_of_frame(Developer& developer, const FrameView& frame,
                                 const LensCorrection* lens, Outcome& outcome) const {
  const NoiseRemovalArguments& wanted = arguments_.removal;
  outcome.rendering = arguments_.rendering.rendering();
  outcome.rendering->linear = wants_linear_floats();
  PictureRequest request{
      .rendering = *outcome.rendering, .part = wanted_part(frame.facts, outcome), .lens = lens};
  std::optional<Image> grainy;
  const bool needs_grain = wanted.strength || !wanted.noise_map.empty();
  if (needs_grain || !arguments_.report.empty()) {
    Stopwatch watch;
    request.keeps_grain = true;
    grainy = developer.picture(frame, request);
    if (needs_grain) outcome.develop = developer.times();
    request.keeps_grain = false;
    keep_before(*grainy, outcome);
    if (!needs_grain) outcome.before = watch.lap();
  }
  Image clean = developer.picture(frame, request);
  outcome.develop = sum_of(outcome.develop, developer.times());
  if (!wanted.noise_map.empty()) {
    Threads threads(arguments_.engine.threads);
    write_noise_map(
        with_square_pixels(removed_between(*grainy, clean, threads), frame.facts.pixel_aspect),
        clean.metadata.orientation, outcome);
  }
  if (wanted.strength) return with_some_grain(*grainy, clean, *wanted.strength);
  return clean;
}

void Enhancer::keep_before(const Image& picture, Outcome& outcome) const {
  if (arguments_.report.empty()) return;
  outcome.pictures = std::make_shared<ReportPictures>();
  outcome.pictures->before = picture;
}

void Enhancer::write_noise_map(Image map, int orientation, Outcome& outcome) const {
  WriteOptions options = arguments_.write;
  options.depth.reset();
  map.metadata.orientation = orientation;
  write_image(arguments_.removal.noise_map,
              framed(std::move(map), outcome.task == Task::denoise, SampleMeaning::values),
              options);
  outcome.noise_map = arguments_.removal.noise_map;
}

std::unique_ptr<LensCorrection> Enhancer::lens_of(Mosaic& facts, Outcome& outcome) {
  auto found =
      naming(outcome.job.input, [&] { return lenses_.find(arguments_.lens.wanted, facts); });
  if (!found.note.empty()) warn(outcome.job, {found.note});
  if (found.lens) outcome.lens = found.lens->report();
  return std::move(found.lens);
}

std::optional<Region> Enhancer::wanted_part(const Mosaic& facts, Outcome& outcome) const {
  if (arguments_.removal.preview) return arguments_.removal.preview;
  if (!arguments_.framing.crops()) return std::nullopt;
  if (!facts.camera_crop)
    warn(outcome.job, {"says of no crop of its camera's; all that the sensor saw is taken"});
  outcome.crop = facts.camera_crop;
  return facts.camera_crop;
}

Image Enhancer::framed(Image picture, bool is_photo, SampleMeaning meaning) const {
  // A camera file's picture is turned as it is seen; a photo's stays as it is stored, unless it is
  // to be turned, and its orientation says the rest.
  Image seen = is_photo && !arguments_.framing.orientation() ? std::move(picture)
                                                             : upright(std::move(picture));
  return resized_as_seen(std::move(seen), arguments_.framing.size(), meaning,
                         arguments_.write.threads);
}

void Enhancer::render_linear(LinearFrame& frame, Outcome& outcome) {
  const Job& job = outcome.job;
  refuse_rendering_of(frame, job);
  const bool is_grey = frame.light.shape().c == 1;
  if (!is_grey) outcome.white_balance = frame.facts.white_balance;
  const auto lens = lens_of(frame.facts, outcome);
  warn(job, frame.facts.warnings);
  const bool denoises = !is_dng(job.output) && !named_;
  refuse_for_linear(frame, job);
  if (denoises) refuse_twice(frame.facts, job);
  warn(job, {fmt::format("is {}; {} applied, and {}", is_grey ? "monochrome" : "demosaiced already",
                         is_grey ? "its levels are" : "white balance and colours are",
                         denoises ? "noise is removed as of a photo" : "no noise is removed")});
  outcome.model = denoises ? "" : "none";
  if (const auto& removal = arguments_.removal;
      !denoises && (removal.strength || removal.preview || !removal.noise_map.empty()))
    fail(
        "{}: no noise is removed of it; --strength, --preview and --noise-map would have no effect",
        job.input.string());
  Stopwatch stage;
  if (is_dng(job.output)) {
    write_dng_of(frame.facts, frame.light, false, outcome);
  } else {
    outcome.rendering = arguments_.rendering.rendering();
    Image picture = naming(job.input, [&] {
      if (lens) correct_lens(frame, *lens, arguments_.write.threads);
      const Image noisy = picture_of(frame, *outcome.rendering);
      const Region part =
          wanted_part(frame.facts, outcome).value_or(Region{0, 0, noisy.height, noisy.width});
      keep_before(part_of(noisy, part), outcome);
      return denoises ? without_noise(noisy, part, outcome) : part_of(noisy, part);
    });
    if (denoises) outcome.model = denoises_.path;
    outcome.process = stage.lap();
    write(std::move(picture), frame.facts, outcome);
  }
  outcome.encode = stage.lap();
}

Image Enhancer::without_noise(const Image& photo, const Region& part, Outcome& outcome) {
  Denoiser& denoiser = this->denoiser();
  const NoiseRemovalArguments& wanted = arguments_.removal;
  const DenoiseStrength strength = wanted.strength.value_or(DenoiseStrength{});
  std::optional<Image> map;
  Image picture;
  if (!wanted.noise_map.empty()) map = estimated_noise_map(photo, part);
  outcome.noise_estimated = map.has_value();
  if (wanted.noise_map.empty() || map) {
    picture = denoiser.part(photo, part, strength);
  } else {
    Denoiser::Result result = denoiser.picture_and_noise(photo, part, strength);
    picture = std::move(result.picture);
    map = std::move(result.removed_noise);
  }
  outcome.denoise = denoiser.times();
  outcome.grain = denoiser.grain();
  if (map) write_noise_map(std::move(*map), photo.metadata.orientation, outcome);
  return picture;
}

bool Enhancer::is_written_by_rows(const FrameView& frame, const LensCorrection* lens,
                                  const Job& job) const {
  const NoiseRemovalArguments& removal = arguments_.removal;
  const bool is_one_picture =
      !removal.strength && removal.noise_map.empty() && arguments_.report.empty();
  const bool is_seen_as_made =
      lens == nullptr && frame.facts.pixel_aspect == 1 && !arguments_.framing.size() &&
      metadata_for_picture(frame.facts, OutputSpace::srgb).orientation == 1;
  return !frame.is_monochrome() && is_one_picture && is_seen_as_made &&
         is_writable_by_rows(job.output);
}

void Enhancer::write_rows(Developer& developer, const FrameView& frame, Outcome& outcome) const {
  const Mosaic& facts = frame.facts;
  const Rendering rendering = arguments_.rendering.rendering();
  outcome.rendering = rendering;
  const PictureRequest request{.rendering = rendering, .part = wanted_part(facts, outcome)};
  const Region part = request.part.value_or(Region{0, 0, facts.height, facts.width});
  warn_of_opcodes(facts, outcome);
  Stopwatch total;
  Image picture{int(part.width), int(part.height), 3, {}, {}};
  picture.metadata = metadata_for_picture(facts, rendering.space);
  double encoding = 0;
  const auto timed = [&](const auto& work) {
    Stopwatch watch;
    work();
    encoding += watch.lap();
  };
  RowWriter writer(outcome.job.output, picture, arguments_.write);
  naming(outcome.job.input, [&] {
    developer.picture_rows(frame, request,
                           [&](const Image& rows) { timed([&] { writer.add(rows); }); });
  });
  timed([&] { writer.commit(); });
  outcome.develop = developer.times();
  outcome.encode = encoding;
  outcome.process = total.lap() - encoding;
  outcome.width = picture.width;
  outcome.height = picture.height;
}

void Enhancer::warn_of_opcodes(const Mosaic& facts, const Outcome& outcome) const {
  if (facts.later_opcodes.empty() || outcome.lens) return;
  warn(outcome.job, {fmt::format("its DNG opcodes {} are for raw converters and not applied; "
                                 "they stay in a .dng, and --lens auto applies a lens's",
                                 opcode_names(facts.later_opcodes))});
}

void Enhancer::write(Image picture, const Mosaic& facts, Outcome& outcome) const {
  warn_of_opcodes(facts, outcome);
  const Finish finish{.pixel_aspect = facts.pixel_aspect,
                      .size = arguments_.framing.size(),
                      .lens = outcome.lens ? &*outcome.lens : nullptr,
                      .threads = arguments_.write.threads};
  const Image seen = finished(std::move(picture), finish);
  if (outcome.pictures) {
    Image& before = outcome.pictures->before;
    before = finished(std::move(before), finish);
    outcome.pictures->after = seen;
  }
  write_image(outcome.job.output, seen, arguments_.write);
  outcome.width = seen.width;
  outcome.height = seen.height;
}

void Enhancer::write_dng_of(Mosaic facts, const Tensor& light, bool as_mosaic,
                            Outcome& outcome) const {
  if (arguments_.write.strip_metadata) strip_metadata(facts);
  DngOptions options{.threads = arguments_.engine.threads};
  if (arguments_.dng.compression) options.compression = *arguments_.dng.compression;
  if (as_mosaic)
    write_mosaic_dng(outcome.job.output, facts, light, options);
  else
    write_linear_dng(outcome.job.output, light, facts, options);
  outcome.width = facts.width;
  outcome.height = facts.height;
  outcome.dng = WrittenDng{as_mosaic, options.compression, facts.noise_reduction, facts.noise};
}

Outcome Enhancer::denoise(const Job& job, InputFile& file) {
  if (is_dng(job.output))
    fail("{}: is a photo, which cannot become a DNG; name a .jpg, .png or .tif",
         job.input.string());
  if (arguments_.noise)
    fail("{}: is a photo; --noise is for a sensor's mosaics", job.input.string());
  if (const auto named = arguments_.rendering.named(); !named.empty())
    fail("{}: is a photo, rendered already; {} would have no effect: name a camera file",
         job.input.string(), named);
  if (arguments_.lens.corrects())
    fail("{}: is a photo, rendered already; --lens would have no effect: name a camera file",
         job.input.string());
  if (arguments_.framing.crops())
    fail(
        "{}: is a photo, cropped by its camera already; --crop would have no effect: name a camera "
        "file",
        job.input.string());
  refuse_linear_floats(job, "is a photo");
  denoiser();  // a model that cannot be used is named before the photo is read
  Outcome outcome;
  outcome.job = job;
  outcome.rotate = arguments_.framing.rotate;
  outcome.resize = arguments_.framing.resize;
  outcome.task = Task::denoise;
  outcome.model = denoises_.path;
  Stopwatch total, stage;
  Image photo = file.photo();
  warn(job, photo.metadata.notes);
  outcome.decode = stage.lap();
  const auto room = room_for(int64_t(photo.width) * photo.height);
  stage.lap();
  photo.metadata.orientation =
      arguments_.framing.orientation().value_or(photo.metadata.orientation);
  const Region part = arguments_.removal.preview.value_or(Region{0, 0, photo.height, photo.width});
  const Image picture = naming(job.input, [&] {
    return framed(without_noise(photo, part, outcome), true, SampleMeaning::colours);
  });
  if (!arguments_.report.empty()) {
    keep_before(framed(part_of(photo, part), true, SampleMeaning::colours), outcome);
    outcome.pictures->after = picture;
  }
  outcome.process = stage.lap();
  write_image(job.output, picture, arguments_.write);
  outcome.width = picture.width;
  outcome.height = picture.height;
  outcome.encode = stage.lap();
  outcome.total = total.lap();
  return outcome;
}

std::optional<Image> Enhancer::estimated_noise_map(const Image& photo, const Region& part) const {
  const fs::path beside = noise_model_beside(denoises_.path);
  if (!fs::exists(beside)) return std::nullopt;
  const auto model = std::make_shared<const Model>(Model::load(beside));
  return estimated_noise(model, photo, part, denoise_options());
}

}  // namespace hyperconv::cli
