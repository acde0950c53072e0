// hyperconv evaluate: a model's quality on simulated shots of a folder of photos.
#include "pipeline/evaluate.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "pipeline/shipped.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

struct EvaluateArguments {
  std::string model, data;
  EvaluateOptions options;
  EngineOptions engine;
  bool json = false;
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

void print_json(const Evaluation& evaluation, const std::string& model) {
  Json json = {{"model", model}, {"images", evaluation.images}};
  json.update(to_json(overall(evaluation)));
  json["levels"] = Json::array();
  for (const LevelResult& level : evaluation.levels) {
    Json entry = {{"shot", level.noise.shot}, {"read", level.noise.read}};
    entry.update(to_json(level.model));
    entry["baselines"] = {{"ahd", to_json(level.ahd)}, {"dht", to_json(level.dht)}};
    json["levels"].push_back(std::move(entry));
  }
  json["skipped"] = evaluation.skipped;
  fmt::print("{}\n", json.dump());
}

void print_table(const Evaluation& evaluation, const std::string& model,
                 const EvaluateOptions& options) {
  fmt::print("{} on {} photos shrunk by {}, seen by simulated cameras (seed {})\n", model,
             evaluation.images, options.shrink, options.seed);
  fmt::print("PSNR dB / SSIM of 16-bit sRGB pictures\n\n");
  fmt::print("{:>8} {:>8}   {:>14}   {:>14}   {:>14}\n", "shot", "read", "model", "LibRaw AHD",
             "LibRaw DHT");
  const auto cell = [](const Quality& q) {
    return fmt::format("{:6.2f} / {:.4f}", q.psnr, q.ssim);
  };
  for (const LevelResult& level : evaluation.levels)
    fmt::print("{:8.1e} {:8.1e}   {:>14}   {:>14}   {:>14}\n", level.noise.shot, level.noise.read,
               cell(level.model), cell(level.ahd), cell(level.dht));
  for (const auto& line : evaluation.skipped) fmt::print("skipped: {}\n", line);
}

void evaluate_command(const EvaluateArguments& a) {
  const std::string model = a.model.empty() ? shipped_model(Task::develop).string() : a.model;
  Developer developer(std::make_shared<const Model>(Model::load(model)), a.engine);
  const Evaluation evaluation = evaluate_develop(developer, a.data, a.options);
  if (a.json)
    print_json(evaluation, model);
  else
    print_table(evaluation, model, a.options);
}

}  // namespace

void add_evaluate(CLI::App& program) {
  auto* command = program.add_subcommand(
      "evaluate", "A model's PSNR and SSIM at four noise levels, beside LibRaw's demosaicers");
  auto a = std::make_shared<EvaluateArguments>();
  command->add_option("--model", a->model, "Model file (default: the one that is shipped)");
  command->add_option("--data", a->data, "Folder of clean photos")->required();
  command
      ->add_option("--shrink", a->options.shrink,
                   "Shrink photos by this in linear light, so that JPEG artefacts go (default 2)")
      ->check(CLI::Range(1, 16));
  command->add_option("--seed", a->options.seed, "Of cameras and noise (default 1)");
  command->add_option("--limit", a->options.limit, "Use only so many photos")
      ->check(CLI::PositiveNumber);
  command->add_option("--threads", a->engine.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { evaluate_command(*a); });
}

}  // namespace hyperconv::cli
