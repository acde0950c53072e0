// hyperconv evaluate: a model's quality, on simulated shots of photos or on a data set of pairs.
#include "lab_cli/evaluate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "lab_cli/commands.hpp"
#include "lab_cli/report_options.hpp"
#include "pipeline/denoise.hpp"
#include "pipeline/shipped.hpp"
#include "scoring/evaluate.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

struct EvaluateArguments {
  std::string merge, shard, part = "test", save, noise, frames;
  ReportArguments report;
  EvaluateOptions simulated;
  EvaluatePairsArguments pairs;  ///< and what both kinds share
};

Json to_json(const Quality& quality) {
  Json json = {{"psnr", quality.psnr}, {"ssim", quality.ssim}};
  json["ms_ssim"] = quality.ms_ssim ? Json(*quality.ms_ssim) : Json(nullptr);
  return json;
}

/// The mean over the levels.
Quality overall(const Evaluation& evaluation) {
  Quality mean{0, 0, 0.0};
  const auto n = double(evaluation.levels.size());
  for (const LevelResult& level : evaluation.levels) {
    mean.psnr += level.model.psnr / n;
    mean.ssim += level.model.ssim / n;
    if (!level.model.ms_ssim)
      mean.ms_ssim.reset();
    else if (mean.ms_ssim)
      *mean.ms_ssim += *level.model.ms_ssim / n;
  }
  return mean;
}

/// "LibRaw AHD" is "ahd", as it always was.
std::string json_key(std::string rival) {
  constexpr std::string_view libraw = "LibRaw ";
  if (rival.starts_with(libraw)) rival.erase(0, libraw.size());
  std::ranges::replace(rival, ' ', '_');
  std::ranges::transform(rival, rival.begin(),
                         [](unsigned char c) { return char(std::tolower(c)); });
  return rival;
}

void print_json(const Evaluation& evaluation, const std::string& model) {
  Json json = {{"model", model}, {"images", evaluation.images}};
  json.update(to_json(overall(evaluation)));
  json["levels"] = Json::array();
  for (const LevelResult& level : evaluation.levels) {
    Json entry = {{"shot", level.noise.shot}, {"read", level.noise.read}};
    entry.update(to_json(level.model));
    for (size_t i = 0; i < level.rivals.size(); ++i)
      entry["baselines"][json_key(evaluation.rivals[i])] = to_json(level.rivals[i]);
    json["levels"].push_back(std::move(entry));
  }
  json["skipped"] = evaluation.skipped;
  fmt::print("{}\n", to_line(json));
}

void print_table(const Evaluation& evaluation, const std::string& model,
                 const EvaluateOptions& options) {
  fmt::print("{} on {} photos shrunk by {}, seen by simulated cameras (seed {})\n", model,
             evaluation.images, options.shrink, options.seed);
  fmt::print("PSNR dB / SSIM of 16-bit sRGB pictures\n\n");
  fmt::print("{:>8} {:>8}   {:>14}", "shot", "read", "model");
  for (const auto& rival : evaluation.rivals) fmt::print("   {:>20}", rival);
  fmt::print("\n");
  const auto cell = [](const Quality& q) {
    return fmt::format("{:6.2f} / {:.4f}", q.psnr, q.ssim);
  };
  for (const LevelResult& level : evaluation.levels) {
    fmt::print("{:8.1e} {:8.1e}   {:>14}", level.noise.shot, level.noise.read, cell(level.model));
    for (const Quality& rival : level.rivals) fmt::print("   {:>20}", cell(rival));
    fmt::print("\n");
  }
  for (const auto& line : evaluation.skipped) fmt::print("skipped: {}\n", line);
}

void finish_page(ComparisonPage& page, const Evaluation& evaluation, const std::string& model,
                 const EvaluateOptions& options) {
  for (const auto& line : evaluation.skipped) page.add_failure(line);
  page.finish(
      fmt::format("{} and its rivals on the first of {} photos shrunk by {}, seen by simulated "
                  "cameras (seed {})",
                  model, evaluation.images, options.shrink, options.seed));
}

std::vector<std::string> frame_names() {
  std::vector<std::string> names;
  for (const auto& [name, shot] : named_linear_shots()) names.push_back(name);
  return names;
}

LinearShot shot_named(const std::string& name) {
  return std::ranges::find(named_linear_shots(), name, &NamedLinearShot::name)->shot;
}

void evaluate_on_photos(const std::shared_ptr<const Model>& model, const EvaluateArguments& a) {
  if (!a.pairs.csv.empty() || !a.save.empty() || a.pairs.options.patch > 0 ||
      a.pairs.options.crop > 0 || !a.shard.empty() || !a.noise.empty() ||
      a.pairs.options.noise_limit > 0)
    fail(
        "--csv, --save, --patch, --crops, --noise, --noise-limit and --shard are for models of the "
        "tasks isp and denoise; '{}' is for {}",
        model->info().name, to_string(model->info().task));
  EvaluateOptions options = a.simulated;
  options.limit = a.pairs.options.limit;
  options.engine = a.pairs.options.engine;
  Developer developer(model, {.engine = options.engine});
  if (developer.packing() == Packing::three_colours) {
    options.shot = shot_named(a.frames.empty() ? "measured" : a.frames);
    if (const auto path = find_shipped_model(Task::denoise))
      options.denoiser = std::make_shared<const Model>(Model::load(*path));
  } else if (!a.frames.empty()) {
    fail("--frames is for models of three-colours; '{}' is for {}", model->info().name,
         to_string(developer.packing()));
  }
  const auto page = a.report.page();
  options.page = page.get();
  const Evaluation evaluation = evaluate_develop(developer, a.pairs.data, options);
  if (page) finish_page(*page, evaluation, a.pairs.model, options);
  if (a.pairs.json)
    print_json(evaluation, a.pairs.model);
  else
    print_table(evaluation, a.pairs.model, options);
}

/// Of the shipped models the one that the data are for.
Task task_of_data(const EvaluateArguments& a) {
  if (!a.noise.empty()) return Task::denoise;
  try {
    return find_pairs(a.pairs.data, Split::test).is_mosaic() ? Task::isp : Task::denoise;
  } catch (const Error&) {
    return Task::develop;  // photos, or what it finds wrong with them
  }
}

void evaluate_command(EvaluateArguments a) {
  if (!a.merge.empty()) {
    if (!a.report.folder.empty()) fail("--report is of what is scored now, not of --merge");
    merge_score_table(a.merge, a.pairs.json);
    return;
  }
  if (a.pairs.data.empty()) throw CLI::RequiredError("--data");
  if (a.pairs.model.empty()) a.pairs.model = shipped_model(task_of_data(a)).string();
  const auto model = std::make_shared<const Model>(Model::load(a.pairs.model));
  if (model->info().task == Task::develop) {
    evaluate_on_photos(model, a);
    return;
  }
  if (!a.frames.empty() || a.simulated.estimates_noise)
    fail("--frames and --estimate are for models of the task develop; '{}' is for {}",
         model->info().name, to_string(model->info().task));
  a.pairs.part = a.part == "train" ? Split::train : Split::test;
  a.pairs.options.save = a.save;
  if (!a.noise.empty()) a.pairs.noise = synthetic_noise_from_string(a.noise);
  a.pairs.seed = a.simulated.seed;
  a.pairs.options.shard =
      a.shard.empty() ? shard_from_environment([](const char* name) { return std::getenv(name); })
                      : shard_from_string(a.shard);
  if (!a.report.folder.empty() && !a.pairs.options.shard.is_all())
    fail("--report is of a whole evaluation, not of share {}", to_string(a.pairs.options.shard));
  const auto page = a.report.page();
  a.pairs.options.page = page.get();
  evaluate_on_pairs(model, a.pairs);
}

void add_pair_options(CLI::App& command, EvaluateArguments& a) {
  const char* group = "Pairs (models of the tasks isp and denoise)";
  command.add_option("--part", a.part, "test (default) or train, of a set that has both")
      ->check(CLI::IsMember({"test", "train"}))
      ->group(group);
  command.add_option("--csv", a.pairs.csv, "Table to write, a row a pair")->group(group);
  command
      .add_option("--patch", a.pairs.options.patch,
                  "The network sees squares of this side, as in training (default: whole pictures)")
      ->check(CLI::Range(8, 1 << 20))
      ->group(group);
  command
      .add_option("--crops", a.pairs.options.crop,
                  "Score squares of this side one by one, a row each, as CC15 and PolyU are "
                  "published (default: whole pictures)")
      ->check(CLI::Range(8, 1 << 20))
      ->group(group);
  command.add_option("--save", a.save, "Folder for the network's pictures (PNG)")->group(group);
  command
      .add_option("--shard", a.shard,
                  "Only this share of the pairs, like 2/8 (default: what torchrun, mpirun, srun or "
                  "a Slurm array says); the last share to end puts them together in --csv")
      ->group(group);
  command
      .add_option("--noise", a.noise,
                  "For denoise: --data are clean photos, which get this noise: case1, case2 or "
                  "case3 of VDN's paper, camera or phone (simulated), or a deviation of 255, like "
                  "15, 25, 50; 0 adds none")
      ->group(group);
  command
      .add_option(
          "--noise-limit", a.pairs.options.noise_limit,
          fmt::format("For denoise: photos as `enhance` cleans them, with at most so many times "
                      "their noise level removed; {:g} there (default 0: what the network "
                      "says, as published scores are)",
                      DenoiseOptions{}.noise_limit))
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  command.add_option("--merge", a.merge, "Instead: put the shares of this table together")
      ->group(group);
}

}  // namespace

void add_evaluate(CLI::App& program) {
  auto* command = add_laboratory_command(program, "evaluate");
  auto a = std::make_shared<EvaluateArguments>();
  command->add_option("--model", a->pairs.model, "Model file (default: the one that is shipped)");
  command->add_option("--data", a->pairs.data,
                      "Folder of clean photos, or of pairs (hyperconv info DIR names its layout)");
  command
      ->add_option("--shrink", a->simulated.shrink,
                   "Shrink photos by this in linear light, so that JPEG artefacts go (default 2)")
      ->check(CLI::Range(1, 16));
  command->add_option("--seed", a->simulated.seed, "Of cameras and noise (default 1)");
  command->add_option("--limit", a->pairs.options.limit, "Use only so many photos or pairs")
      ->check(CLI::PositiveNumber);
  command->add_option("--threads", a->pairs.options.engine.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--frames", a->frames,
                   fmt::format("For models of frames with three colours a pixel: how these came to "
                               "them, {} (default measured)",
                               fmt::join(frame_names(), ", ")))
      ->check(CLI::IsMember(frame_names()));
  command->add_flag(
      "--estimate", a->simulated.estimates_noise,
      "For develop: the model is told not the true noise but what is estimated of it");
  add_report_options(*command, a->report);
  command->add_flag("--json", a->pairs.json, "One JSON object on stdout");
  add_pair_options(*command, *a);
  command->callback([a] { evaluate_command(*a); });
}

}  // namespace hyperconv::cli
