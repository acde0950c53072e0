// hyperconv enhance: camera files or photos in, clean pictures out.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/memory.hpp"
#include "base/progress.hpp"
#include "base/say.hpp"
#include "cli/at_once.hpp"
#include "cli/batch.hpp"
#include "cli/commands.hpp"
#include "cli/enhancer.hpp"
#include "cli/failures.hpp"
#include "cli/hot_folder.hpp"
#include "cli/numbers.hpp"
#include "cli/precision.hpp"
#include "cli/rendering.hpp"
#include "cli/report.hpp"
#include "cli/report_rows.hpp"
#include "cli/size.hpp"
#include "pipeline/shard.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

/// Of every stage; those of `process` by the task.
nlohmann::ordered_json seconds_of(const Outcome& o) {
  nlohmann::ordered_json seconds = {{"decode", o.decode}, {"process", o.process}};
  if (o.task == Task::develop) {
    seconds["network"] = o.develop.network;
    seconds["colour"] = o.develop.colour;
  } else {
    seconds["filters"] = o.denoise.filters;
    seconds["level"] = o.denoise.level;
    seconds["network"] = o.denoise.network;
  }
  seconds["encode"] = o.encode;
  seconds["total"] = o.total;
  return seconds;
}

/// Deviations at four brightnesses, dark to bright, of the photo's range.
nlohmann::ordered_json to_json(const Grain& grain) {
  return {{"source", "estimated"},
          {"luma", {{"level", grain.luma.level}, {"octave", grain.luma.octave}}},
          {"colour", {{"level", grain.colour.level}, {"octave", grain.colour.octave}}}};
}

nlohmann::ordered_json to_json(const KnownNoise& noise) {
  return {{"source", to_string(noise.source)},
          {"shot", noise.profile.shot},
          {"read", noise.profile.read}};
}

nlohmann::ordered_json to_json(const WrittenDng& dng) {
  nlohmann::ordered_json json = {{"samples", dng.mosaic ? "mosaic" : "linear"},
                                 {"compression", to_string(dng.compression)}};
  if (dng.noise_reduction) json["noise_reduction_applied"] = dng.noise_reduction->applied;
  if (dng.noise) json["noise_left"] = {{"shot", dng.noise->shot}, {"read", dng.noise->read}};
  return json;
}

nlohmann::ordered_json to_json(const Outcome& o) {
  nlohmann::ordered_json json = {{"input", o.job.input.string()},
                                 {"output", o.job.output.string()},
                                 {"width", o.width},
                                 {"height", o.height},
                                 {"task", to_string(o.task)},
                                 {"model", o.model},
                                 {"seconds", seconds_of(o)},
                                 {"peak_rss_bytes", peak_resident_bytes()}};
  if (o.precision) json["precision"] = to_string(*o.precision);
  if (o.white_balance) json["white_balance"] = *o.white_balance;
  if (o.rendering) json["rendering"] = rendering_json(*o.rendering);
  if (o.crop)
    json["crop"] = {{"left", o.crop->left},
                    {"top", o.crop->top},
                    {"width", o.crop->width},
                    {"height", o.crop->height}};
  if (o.lens) json["lens"] = lens_json(*o.lens);
  if (!o.rotate.empty()) json["rotate"] = o.rotate;
  if (!o.resize.empty()) json["resize"] = o.resize;
  if (o.noise) json["noise"] = to_json(*o.noise);
  if (o.grain) json["noise"] = to_json(*o.grain);
  if (o.dng) json["dng"] = to_json(*o.dng);
  if (!o.noise_map.empty())
    json["noise_map"] = {{"output", o.noise_map},
                         {"shows", o.noise_estimated ? "estimated" : "removed"},
                         {"white", 1 / noise_map_scale}};
  return json;
}

void print_outcome(const Outcome& o) {
  fmt::print("{} -> {}  {}x{}  {:.2f} s (decode {:.2f}, process {:.2f}, encode {:.2f})\n",
             o.job.input.string(), o.job.output.string(), o.width, o.height, o.total, o.decode,
             o.process, o.encode);
  if (o.lens)
    fmt::print("{}  the lens's {} corrected ({}: {})\n", o.job.output.string(), o.lens->corrected(),
               o.lens->source, o.lens->name);
  if (!o.noise_map.empty())
    fmt::print("{}  the noise's deviation, {}; white is {:g} of the photo's range\n", o.noise_map,
               o.noise_estimated         ? "as the model's S-Net estimates it"
               : o.task == Task::develop ? "of what was removed"
                                         : "of what was removed (the model has no S-Net)",
               1 / noise_map_scale);
}

CLI::Validator strength_validator() {
  return {[](const std::string& text) -> std::string {
            const auto values = numbers_of<double>(text);
            const bool fits =
                values && values->size() <= 2 &&
                std::ranges::all_of(*values, [](double v) { return v >= 0 && v <= 1; });
            return fits ? std::string()
                        : "a strength is a number from 0 to 1, or two (luma,colour), not " + text;
          },
          "S|LUMA,COLOUR"};
}

CLI::Validator preview_validator() {
  return {[](const std::string& text) -> std::string {
            const auto values = numbers_of<int>(text);
            const bool fits = values && values->size() == 4 && (*values)[0] >= 0 &&
                              (*values)[1] >= 0 && (*values)[2] > 0 && (*values)[3] > 0;
            return fits ? std::string() : "a part of a photo is x,y,width,height, not " + text;
          },
          "X,Y,W,H"};
}

CLI::Validator noise_validator() {
  return {
      [](const std::string& text) -> std::string {
        const auto values = numbers_of<double>(text);
        const bool fits = values && values->size() == 2 &&
                          std::ranges::all_of(*values, [](double v) { return v >= 0 && v <= 1; });
        return fits ? std::string() : "noise is two variances from 0 to 1, shot,read, not " + text;
      },
      "SHOT,READ"};
}

/// The text has passed noise_validator(), or is empty.
std::optional<NoiseProfile> noise_of_text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto values = *numbers_of<double>(text);
  return NoiseProfile{values.front(), values.back()};
}

/// The text has passed strength_validator(), or is empty.
std::optional<DenoiseStrength> strength_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto values = *numbers_of<double>(text);
  return DenoiseStrength{values.front(), values.back()};
}

/// The text has passed preview_validator(), or is empty.
std::optional<Region> preview_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto values = *numbers_of<int>(text);
  return Region{.top = values[1], .left = values[0], .height = values[3], .width = values[2]};
}

MosaicFormat format_of(const EnhanceArguments& a) {
  MosaicFormat format = a.format;
  format.cfa = cfa_from_string(a.cfa);
  if (a.white > 0) format.white = a.white;
  if (!a.raw_size.empty()) {
    const auto [width, height] = parse_size(a.raw_size);
    format.width = width;
    format.height = height;
  }
  return format;
}

/// A single photo; every Error names its file.
std::optional<Outcome> enhanced(Enhancer& enhancer, const Job& job) {
  try {
    return enhancer.enhance(job, false);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(line_about(job, error));
  }
}

nlohmann::ordered_json to_json(const std::vector<Failure>& failures) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Failure& failure : failures)
    list.push_back({{"input", failure.input.string()}, {"error", failure.line}});
  return list;
}

/// Where a report is wanted, it takes the pictures.
void report_on(const Outcome& outcome, const EnhanceArguments& a, Report* report) {
  if (report != nullptr && outcome.pictures)
    report->add(outcome.job.input.filename().string(), std::move(*outcome.pictures), outcome.total,
                report_rows(outcome, a));
}

/// Tells of a batch as it goes, and of all of it at the end.
class BatchLog {
 public:
  /// `page` is the report that is wanted, or null.
  BatchLog(const EnhanceArguments& a, int at_once, Report* page)
      : arguments_(a), at_once_(at_once), page_(page), failures_(a.failures) {}

  /// What is no photo to do.
  void skip(size_t count) { skipped_ += count; }
  void add(const Failure& failure) { failures_.add(failure); }

  /// Does jobs by `workers`.
  void run(AtOnce& workers, const std::vector<Job>& jobs) {
    const Stopwatch stopwatch;
    Progress progress("enhancing", int64_t(jobs.size()));
    const auto begins = [&](size_t done, const Job& at_hand) {
      progress.show(int64_t(done), at_hand.input.filename().string());
    };
    const auto ends = [&](const Job& job, Done&& done) {
      progress.clear();
      for (const std::string& line : done.warnings) say("hyperconv: {}\n", line);
      tell(job, done);
      seconds_ = before_ + stopwatch.seconds();
    };
    workers.run(jobs, {begins, ends});
    before_ = seconds_ = before_ + stopwatch.seconds();
  }

  /// The report's, of what is done.
  void write_page() const {
    if (page_ == nullptr) return;
    for (const Failure& failure : failures_.all()) page_->add_failure(failure.line);
    page_->finish();
  }

  /// Throws Error where photos failed.
  void finish() const {
    write_page();
    if (arguments_.json)
      print_json();
    else
      print_summary();
    if (failures_.count() == 0) return;
    if (done_ > 0 && !arguments_.json) failures_.say_all();
    fail("{} of {} photos failed", failures_.count(), done_ + failures_.count() + others_);
  }

 private:
  class Stopwatch {
   public:
    double seconds() const {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

   private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  void tell(const Job& job, const Done& done) {
    if (!done.failure.empty()) {
      failures_.add({job.input, done.failure});
    } else if (!done.outcome) {
      ++skipped_;
      ++others_;
    } else {
      ++done_;
      report_on(*done.outcome, arguments_, page_);
      if (arguments_.json)
        results_.push_back(to_json(*done.outcome));
      else
        print_outcome(*done.outcome);
      // For who reads along.
      std::fflush(stdout);
    }
  }

  double photos_per_minute() const { return seconds_ > 0 ? 60 * double(done_) / seconds_ : 0; }

  void print_json() const {
    fmt::print("{}\n", to_line(nlohmann::ordered_json{{"results", results_},
                                                      {"failed", failures_.count()},
                                                      {"failures", to_json(failures_.all())},
                                                      {"skipped", skipped_},
                                                      {"at_once", at_once_},
                                                      {"seconds", seconds_},
                                                      {"photos_per_minute", photos_per_minute()}}));
  }

  void print_summary() const {
    if (skipped_ > 0) fmt::print("{} other files skipped\n", skipped_);
    if (done_ > 1)
      fmt::print("{} photos in {:.1f} s, {:.1f} a minute{}\n", done_, seconds_, photos_per_minute(),
                 at_once_ > 1 ? fmt::format(", {} at once", at_once_) : "");
  }

  const EnhanceArguments& arguments_;
  int at_once_;
  Report* page_;
  FailureList failures_;
  nlohmann::ordered_json results_ = nlohmann::ordered_json::array();
  size_t done_ = 0, skipped_ = 0;
  size_t others_ = 0;                ///< jobs that were of another kind
  double before_ = 0, seconds_ = 0;  ///< of work
};

int at_once_of(const EnhanceArguments& a, size_t jobs) {
  return std::max(1, std::min(a.at_once > 0 ? a.at_once : usual_at_once(), int(jobs)));
}

void run_batch(Enhancer& enhancer, const Batch& batch, const EnhanceArguments& a, Report* page) {
  const int count = at_once_of(a, batch.jobs.size());
  AtOnce workers(a, enhancer, count);
  BatchLog log(a, count, page);
  log.skip(batch.skipped);
  for (const Failure& failure : batch.failures) log.add(failure);
  try {
    log.run(workers, batch.jobs);
  } catch (const Error&) {
    log.write_page();
    throw;
  }
  log.finish();
}

/// Until Ctrl-C: what is there, then what arrives.
void watch_folders(Enhancer& enhancer, const EnhanceArguments& a, Report* page) {
  HotFolder folders(a);
  constexpr size_t any = 1000;
  const int count = at_once_of(a, any);
  AtOnce workers(a, enhancer, count);
  BatchLog log(a, count, page);
  std::set<std::string> said;
  const auto say_once = [&](const std::string& line) {
    if (said.insert(line).second) say("hyperconv: {}\n", line);
  };
  while (!interrupted()) {
    try {
      Batch batch = plan_batch(a, enhancer.kind());
      batch.skipped = 0;
      keep_existing(a, batch);
      for (const auto& line : batch.oddities) say_once(line);
      for (const auto& failure : batch.failures) say_once(failure.line);
      log.run(workers, folders.due(batch.jobs));
    } catch (const Error& error) {
      if (interrupted()) break;
      say_once(error.what());
    }
    folders.wait();
  }
  log.finish();
}

Shard shard_of(const EnhanceArguments& a) {
  return a.shard.empty()
             ? shard_from_environment([](const char* name) { return std::getenv(name); })
             : shard_from_string(a.shard);
}

/// This process's share of a batch, whose failures it keeps a list of its own of; a single photo is
/// everyone's.
void take_share(const Shard& shard, Batch& batch, EnhanceArguments& a) {
  if (batch.jobs.size() == 1 || shard.is_all()) return;
  const size_t all = batch.jobs.size();
  std::vector<Job> mine;
  for (size_t i = 0; i < all; ++i)
    if (shard.has(int64_t(i))) mine.push_back(batch.jobs[i]);
  batch.jobs = std::move(mine);
  say("hyperconv: share {}: {} of {} photos\n", to_string(shard), batch.jobs.size(), all);
  if (a.failures.empty()) return;
  fs::path file = a.failures;
  file.replace_filename(fmt::format("{}-{}-of-{}{}", file.stem().string(), shard.index + 1,
                                    shard.count, file.extension().string()));
  a.failures = file.string();
}

void enhance_command(EnhanceArguments a) {
  a.format = format_of(a);
  a.write.threads = a.engine.threads;
  a.noise = noise_of_text(a.noise_text);
  a.removal.strength = strength_of(a.strength);
  a.removal.preview = preview_of(a.preview);
  Enhancer enhancer(a);
  if (a.write.depth == 32 && a.framing.size())
    fail("--depth 32 keeps light above white, which --resize would cut; leave one of them out");
  std::optional<Report> report;
  if (a.watch) {
    a.skip_existing = !a.overwrite;
    if (!a.report.empty()) report.emplace(a.report, a.overwrite);
    watch_folders(enhancer, a, report ? &*report : nullptr);
    return;
  }
  Batch batch = plan_batch(a, enhancer.kind());
  if (batch.many) take_share(shard_of(a), batch, a);
  keep_existing(a, batch);
  if (!a.report.empty() && !batch.jobs.empty()) report.emplace(a.report, a.overwrite);
  for (const auto& line : batch.oddities) say("hyperconv: {}\n", line);
  if (batch.many || batch.jobs.empty() || !a.failures.empty()) {
    run_batch(enhancer, batch, a, report ? &*report : nullptr);
    return;
  }
  const Outcome outcome = *enhanced(enhancer, batch.jobs[0]);
  if (report) {
    report_on(outcome, a, &*report);
    report->finish();
  }
  if (a.json)
    fmt::print("{}\n", to_line(to_json(outcome)));
  else
    print_outcome(outcome);
}

void add_mosaic_options(CLI::App& command, EnhanceArguments& a) {
  command
      .add_option("--noise", a.noise_text,
                  "The noise's variance, shot * x + read, x in [0,1] between black and white level "
                  "(default: the DNG's NoiseProfile, or estimated; hyperconv info says which)")
      ->check(noise_validator())
      ->group("Mosaics (camera RAW files)");
}

void add_headerless_options(CLI::App& command, EnhanceArguments& a) {
  const char* group = "Mosaics without a header (.raw, one-channel PNG)";
  command.add_option("--raw-size", a.raw_size, "Size of a headerless .raw file, like 4096x3072")
      ->check(size_validator())
      ->group(group);
  command.add_option("--cfa", a.cfa, "rggb, bggr, grbg or gbrg (default rggb)")->group(group);
  command.add_option("--bits", a.format.bits, "Bits a sample holds (default 10)")
      ->check(CLI::Range(1, 16))
      ->group(group);
  command.add_option("--black", a.format.black, "Black level (default 0)")
      ->check(CLI::Range(0.0, 65535.0))
      ->group(group);
  command.add_option("--white", a.white, "White level (default 2^bits - 1)")
      ->check(CLI::Range(1.0, 65535.0))
      ->group(group);
}

void add_removal_options(CLI::App& command, EnhanceArguments& a) {
  const char* group = "Noise removal";
  command
      .add_option("--strength", a.strength,
                  "Share of the noise that is removed, 0 to 1, or of luma's and colour's (default "
                  "1); the rest is the photo's own grain; of a camera file twice the time")
      ->check(strength_validator())
      ->group(group);
  command
      .add_option(
          "--noise-limit", a.removal.noise_limit,
          fmt::format("Of photos (JPEG, PNG, TIFF, ...): at most so many times the photo's own "
                      "noise level is removed at any place; 0: all that the network says "
                      "(default {:g})",
                      DenoiseOptions{}.noise_limit))
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  command
      .add_flag("--again", a.again,
                "Also of files whose noise was removed before, as their NoiseReductionApplied says")
      ->group(group);
  command
      .add_option("--preview", a.preview,
                  "Only this part, in pixels of the photo as it is stored; filters follow from "
                  "the whole photo")
      ->check(preview_validator())
      ->group(group);
  command
      .add_option(
          "--noise-map", a.removal.noise_map,
          "Picture to write: how strong the noise is at each place, as a photo model's S-Net "
          "estimates it, or of what was removed")
      ->group(group);
}

void add_dng_options(CLI::App& command, EnhanceArguments& a) {
  const char* group = "DNGs to write";
  command
      .add_flag("--mosaic", a.dng.mosaic,
                "One colour a pixel, as the camera has it: one's own raw converter demosaics")
      ->group(group);
  static const std::map<std::string, DngCompression> choices = {
      {to_string(DngCompression::lossless_jpeg), DngCompression::lossless_jpeg},
      {to_string(DngCompression::none), DngCompression::none}};
  command
      .add_option("--dng-compression", a.dng.compression,
                  "lossless-jpeg or none (default lossless-jpeg, which all raw converters read)")
      ->transform(CLI::CheckedTransformer(choices))
      ->option_text("lossless-jpeg|none")
      ->group(group);
}

void add_batch_options(CLI::App& command, EnhanceArguments& a) {
  command
      .add_option(
          "--jobs", a.at_once,
          "Photos of a folder at once, as long as memory allows (default: three, of sixteen "
          "cores or more one for every four)")
      ->check(CLI::Range(1, 64));
  command.add_flag("--watch", a.watch,
                   "Go on until Ctrl-C: enhance what is in the folder and has no output yet, then "
                   "whatever arrives there, once it is written");
  auto* overwrite =
      command.add_flag("--overwrite", a.overwrite, "Replace outputs that are there already");
  command
      .add_flag("--skip-existing", a.skip_existing,
                "Leave out what has its output already: a batch goes on where it stopped")
      ->excludes(overwrite);
  command.add_flag("--recursive", a.recursive,
                   "Look into the folders of a folder, too, and keep them in the output folder");
  command
      .add_option("--name", a.name,
                  "Names of pictures in a folder, like {stem}-clean; {stem}, {ending} and {folder} "
                  "are the photo's (default {stem})")
      ->check(CLI::Validator(fault_of_template, "TEMPLATE"));
  command.add_option("--failures", a.failures,
                     "File for a list of the photos that failed: a line each, its file, a tab and "
                     "the reason; of a share with its number in the name");
  static const std::map<std::string, OfPairs> choices = {
      {"raw", OfPairs::raw}, {"photo", OfPairs::photo}, {"both", OfPairs::both}};
  command
      .add_option("--of-pairs", a.of_pairs,
                  "Of a folder's RAW file and photo of one name: raw, photo or both (default raw)")
      ->transform(CLI::CheckedTransformer(choices))
      ->option_text("raw|photo|both");
}

void add_engine_options(CLI::App& command, EnhanceArguments& a) {
  command.add_option("--threads", a.engine.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option(
          "--precision", a.engine.precision,
          "f32 or bf16: what the network is computed in (default: f32 for photos; for camera files "
          "bf16 where the processor multiplies in it)")
      ->transform(precisions({Precision::f32, Precision::bf16}))
      ->option_text("f32|bf16");
  command
      .add_option("--max-memory", a.memory_gib,
                  "GiB for a photo's floats and the network's values; a photo or mosaic that needs "
                  "more is processed in parts (default: three quarters of what is free)")
      ->check(CLI::Range(0.001, 1e6));
}

}  // namespace

void add_enhance(CLI::App& program) {
  auto* command = program.add_subcommand(
      "enhance",
      "Develop camera RAW files into clean pictures (or clean linear DNGs), and remove the noise "
      "of photos; which of the two a file is, its content says");
  auto a = std::make_shared<EnhanceArguments>();
  command->add_option("IN", a->inputs, "Camera files, mosaic PNGs, photos, or a folder of them")
      ->required();
  command
      ->add_option(
          "-o,--output", a->output,
          "Picture (.jpg .png .tif .jxl .avif .heic .dng), or a folder that exists for many")
      ->required();
  command->add_option(
      "--model", a->model,
      "Model file, or the name of a shipped one, like develop-best (default: develop, of photos "
      "denoise)");
  command
      ->add_option(
          "--task", a->task,
          "develop or denoise: take every file, and of a folder only such files, for a "
          "mosaic or a photo (default: by content; a grey PNG is a mosaic where its 16 bits "
          "hold 14 at most, or where --bits, --cfa, --black or --white are given)")
      ->check(CLI::IsMember({"develop", "denoise"}));
  command->add_option("--format", a->ending, "Ending of pictures in a folder (default jpg)")
      ->check(CLI::IsMember({"jpg", "png", "tif", "jxl", "avif", "heic", "dng"}));
  command
      ->add_option("--quality", a->write.quality,
                   "Of JPEG, JPEG XL, AVIF and HEIF, 1..100 (default 95; 100 is lossless in .jxl)")
      ->check(CLI::Range(1, 100));
  command
      ->add_option("--depth", a->write.depth,
                   "Bits a sample: 8, 16 (.png .tif .jxl), 10 or 12 (.avif .heic), or 32, which "
                   "are floats in linear light (.tif of camera files); default: the photo's, of "
                   "camera files 16 or 10 where the format has them")
      ->check(CLI::IsMember({8, 10, 12, 16, 32}));
  command->add_flag("--strip-metadata", a->write.strip_metadata,
                    "Leave out EXIF, XMP, IPTC and texts (default: all is kept)");
  command->add_option("--report", a->report,
                      "Folder for a page that shows photos before and after, the noise that was "
                      "found, what was done and how long it took; a camera file's picture before "
                      "takes its time again");
  add_batch_options(*command, *a);
  add_engine_options(*command, *a);
  command
      ->add_option("--shard", a->shard,
                   "Of many photos only this share, like 2/8 (default: what torchrun, mpirun, "
                   "srun or a Slurm array says)")
      ->excludes("--watch");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  add_rendering_options(*command, a->rendering);
  add_lens_option(*command, a->lens);
  add_removal_options(*command, *a);
  add_framing_options(*command, a->framing);
  add_dng_options(*command, *a);
  add_mosaic_options(*command, *a);
  add_headerless_options(*command, *a);
  command->callback([a, command] {
    for (const char* fact : {"--cfa", "--bits", "--black", "--white"})
      a->describes_mosaic |= command->count(fact) > 0;
    enhance_command(*a);
  });
}

}  // namespace hyperconv::cli
