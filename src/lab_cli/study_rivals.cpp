// hyperconv study rivals: our pictures beside other people's.
#include <fmt/format.h>
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
#include "pipeline/develop.hpp"
#include "pipeline/shipped.hpp"
#include "studies/rivals.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Contenders = std::vector<std::unique_ptr<Contender>>;

struct RivalsArguments {
  std::vector<std::string> models, data, rivals;
  std::string environment = pictures_environment, pmrid, csv, markdown, crops;
  RivalOptions options;
  ReportArguments report;
  int threads = 0;
  std::string cfa = "rggb";
  bool estimate = false, json = false;
};

/// Those of Python that somebody who names none gets: CBM3D takes minutes a megapixel.
const std::vector<std::string> usual_rivals = {"menon", "demosaicnet", "pmrid+menon",
                                               "pmrid+demosaicnet"};
const std::vector<std::string> x_trans_rivals = {"demosaicnet-xtrans"};

const std::vector<std::string>& usual_rivals_for(const ColourFilters& filters) {
  return filters.x_trans() != nullptr ? x_trans_rivals : usual_rivals;
}

std::string shipped_model_for(const ColourFilters& filters) {
  return shipped_model(Task::develop, packing_of(filters)).string();
}

Contenders contending_ours(const RivalsArguments& a) {
  Contenders contenders;
  for (const std::string& model : a.models)
    for (const bool estimates : {false, true})
      if (!estimates || a.estimate)
        std::ranges::move(contending_model(model, estimates, a.threads, a.options.filters),
                          std::back_inserter(contenders));
  for (const LibRawMethod method : libraw_methods(a.options.filters))
    contenders.push_back(contending_libraw(method));
  return contenders;
}

PythonHome home_of(const RivalsArguments& a, const fs::path& folder) {
  PythonHome home = python_home(
      a.environment, {"bm3d", "colour_demosaicing", "demosaicnet", "onnx", "onnxruntime"}, folder,
      a.threads);
  if (!a.pmrid.empty()) home.pmrid = fs::absolute(a.pmrid);
  if (!home.pmrid.empty() && !fs::exists(home.pmrid)) fail("{}: no such file", a.pmrid);
  return home;
}

/// Of the Python contenders those who are asked for, in the order in which they are.
void add_python(const RivalsArguments& a, const fs::path& folder, Contenders& contenders) {
  if (a.rivals == std::vector<std::string>{"none"}) return;
  Contenders all = contending_python(home_of(a, folder));
  const bool named = !a.rivals.empty();
  const auto& usual = usual_rivals_for(a.options.filters);
  for (const std::string& name : named ? a.rivals : usual) {
    const auto found =
        std::ranges::find_if(all, [&](const auto& c) { return c && c->name() == name; });
    if (found != all.end()) {
      contenders.push_back(std::move(*found));
    } else if (named) {
      fail("no rival is called '{}'; there are {}{}, or none{}", name, fmt::join(usual, ", "),
           &usual == &usual_rivals ? ", menon+cbm3d" : "",
           name.starts_with("pmrid") ? " (pmrid needs --pmrid FILE)" : "");
    }
  }
}

Json to_json(const RivalTable& table) {
  Json json = {{"set", table.set},
               {"shrink", table.shrink},
               {"crop", table.crop},
               {"photos", table.photos},
               {"rows", Json::array()}};
  for (const auto& row : table.rows) {
    Json line = {{"method", row.name},
                 {"flops_a_sample", row.flops ? Json(*row.flops) : Json(nullptr)},
                 {"seconds_a_megapixel", row.seconds_per_megapixel},
                 {"levels", Json::array()}};
    for (size_t i = 0; i < row.levels.size(); ++i) {
      const auto& cell = row.levels[i];
      Json level = {{"shot", rival_levels[i].shot}, {"read", rival_levels[i].read}};
      level["psnr"] = cell.count > 0 ? Json(cell.psnr) : Json(nullptr);
      level["ssim"] = cell.count > 0 ? Json(cell.ssim) : Json(nullptr);
      line["levels"].push_back(std::move(level));
    }
    json["rows"].push_back(std::move(line));
  }
  return json;
}

void finish_page(ComparisonPage& page, const RivalOutcome& outcome, const RivalsArguments& a) {
  for (const auto& line : outcome.skipped) page.add_failure(line);
  page.finish(fmt::format("The same mosaics ({}) of {}, simulated shots (seed {})", a.cfa,
                          fmt::join(a.data, ", "), a.options.seed));
}

void rivals_command(RivalsArguments a) {
  if (a.cfa == "x-trans") a.options.filters = XTrans{};
  if (a.models.empty()) a.models = {shipped_model_for(a.options.filters)};
  if (a.threads == 0) a.threads = available_cores();
  if (!a.crops.empty() && !fs::is_directory(a.crops)) fail("{}: no such folder", a.crops);
  a.options.folders.assign(a.data.begin(), a.data.end());
  a.options.csv = a.csv;
  a.options.crops = a.crops;
  const TemporaryFolder folder;
  Contenders contenders = contending_ours(a);
  add_python(a, folder.path(), contenders);
  const auto page = a.report.page();
  a.options.page = page.get();
  const RivalOutcome outcome = score_rivals(contenders, a.options);
  for (const auto& line : outcome.skipped) say("hyperconv: skipped: {}\n", line);
  if (page) finish_page(*page, outcome, a);
  const std::string text = to_markdown(outcome.tables);
  if (!a.markdown.empty()) write_file(a.markdown, text);
  if (!a.json) {
    fmt::print("{}", text);
    return;
  }
  Json json = {{"threads", a.threads}, {"tables", Json::array()}, {"skipped", outcome.skipped}};
  for (const RivalTable& table : outcome.tables) json["tables"].push_back(to_json(table));
  fmt::print("{}\n", to_line(json));
}

}  // namespace

void add_rivals(CLI::App& study) {
  auto* command = study.add_subcommand(
      "rivals",
      "Develop models beside LibRaw's, Menon's and two networks' demosaicking and denoising, on "
      "the "
      "same simulated mosaics from no noise to beyond ISO 25600: docs/quality.md");
  auto a = std::make_shared<RivalsArguments>();
  command->add_option(
      "--model", a->models,
      "Develop model; may stand several times (default: the one that is shipped); one "
      "for frames of three colours gets them by plain interpolation");
  command->add_option("--data", a->data, "Folder of clean photos; may stand several times")
      ->required();
  command
      ->add_option("--shrink", a->options.shrinks,
                   "Shrink photos by this in linear light; several: a table each (default 1)")
      ->check(CLI::Range(1, 16));
  command
      ->add_option(
          "--cfa", a->cfa,
          "rggb (default) or x-trans: the cameras' pattern; models and rivals are those for it")
      ->check(CLI::IsMember({"rggb", "x-trans"}));
  command
      ->add_option("--crop", a->options.crop,
                   "Take only a square of this side from the middle of each photo")
      ->check(CLI::Range(22, 1 << 20));
  command->add_option("--limit", a->options.limit, "Use only so many photos of a folder")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", a->options.seed, "Of cameras and noise (default 1)");
  command->add_flag("--estimate", a->estimate,
                    "Each model once more, told not the true noise but what is estimated of it");
  command
      ->add_option("--rivals", a->rivals,
                   fmt::format("Of Python, or none (default {}); menon+cbm3d takes minutes a "
                               "megapixel",
                               fmt::join(usual_rivals, ",")))
      ->delimiter(',');
  command->add_option("--pmrid", a->pmrid,
                      "PMRID's weights, as NumPy arrays by name (default: without it)");
  command->add_option("--environment", a->environment,
                      "Python environment, made with bench/rivals/setup --pictures FOLDER (default "
                      "build/rivals-pictures)");
  command->add_option("--threads", a->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--csv", a->csv,
                      "Scores, a line each; what stands there already is not done again");
  command->add_option("--markdown", a->markdown, "The tables as Markdown, as they are printed");
  command->add_option("--crops", a->crops,
                      "Folder for pictures side by side, sample for sample (PNG): of the first six "
                      "photos of a folder, the most detailed square at three levels of noise");
  add_report_options(*command, a->report);
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { rivals_command(*a); });
}

}  // namespace hyperconv::cli
