// hyperconv evaluate on pairs: a model's pictures beside those of a data set.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/say.hpp"
#include "lab_cli/evaluate.hpp"
#include "network/cost.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// What was scored on.
struct Scored {
  fs::path folder;
  std::string kind;  ///< the layout of pairs, or the noise
  PairEvaluation evaluation;
};

Scored scored_on(const std::shared_ptr<const Model>& model, const EvaluatePairsArguments& a) {
  if (a.noise)
    return {a.data, fmt::format("noise {}, seed {}", to_string(*a.noise), a.seed),
            evaluate_noisy_photos(model, a.data, *a.noise, a.seed, a.options)};
  const PairSet set = find_pairs(a.data, a.part);
  return {set.folder(), to_string(set.layout()), evaluate_pairs(model, set, a.options)};
}

/// One line that tells a run's scores from another's.
std::string identity_of(const Model& model, const Scored& scored, const EvaluatePairsArguments& a) {
  const std::string line = fmt::format(
      "{} ({}; {}) on {} ({}), limit {}, patch {}, crops {}", model.info().name, a.model,
      model.info().summary, fs::absolute(scored.folder).lexically_normal().string(), scored.kind,
      a.options.limit, a.options.patch, a.options.crop);
  if (a.options.noise_limit == 0) return line;
  return line + fmt::format(", noise limit {:g}", a.options.noise_limit);
}

/// What the first picture that was scored costs.
Cost cost_of(const Model& model, const std::vector<PairScore>& scores) {
  if (scores.empty()) return {};
  const int samples = model.info().task == Task::isp ? 2 : 1, side = size_multiple(model.graph());
  const auto extent = [&](int size) { return (size / samples + side - 1) / side * side; };
  const int channels = std::get<Input>(model.graph().node(0).op).channels;
  return total_cost(model.graph(),
                    {1, channels, extent(scores[0].height), extent(scores[0].width)});
}

std::optional<MeanScore> mean_of(const std::vector<PairScore>& scores, const std::string& name) {
  for (const ScoreColumn& column : score_columns())
    if (column.name == name) return mean_score(scores, column);
  return std::nullopt;
}

/// The worst picture; null where there is none.
const PairScore* least_psnr(const std::vector<PairScore>& scores) {
  const auto least = std::ranges::min_element(scores, {}, &PairScore::psnr);
  return least == scores.end() ? nullptr : &*least;
}

void print_table(const std::vector<PairScore>& scores) {
  fmt::print("{} pictures; means and 95 % intervals\n", scores.size());
  for (const ScoreColumn& column : score_columns()) {
    const std::string name = column.name;
    const auto mean = mean_score(scores, column);
    if (!mean || name.starts_with("input_")) continue;
    fmt::print("  {:<24} {:>9.4f} +- {:.4f}", name, mean->mean, mean->interval);
    if (const auto input = mean_of(scores, "input_" + name))
      fmt::print("   of the input {:>9.4f} +- {:.4f}", input->mean, input->interval);
    fmt::print("\n");
  }
  if (const PairScore* least = least_psnr(scores))
    fmt::print("  {:<24} {:>9.4f}   {}\n", "least psnr", least->psnr, least->name);
}

Json to_json(const std::vector<PairScore>& scores) {
  Json json = {{"images", scores.size()}};
  for (const ScoreColumn& column : score_columns()) {
    const auto mean = mean_score(scores, column);
    json[column.name] = mean ? Json(mean->mean) : Json(nullptr);
    json[std::string(column.name) + "_interval"] = mean ? Json(mean->interval) : Json(nullptr);
  }
  if (const PairScore* least = least_psnr(scores)) {
    json["psnr_least"] = least->psnr;
    json["psnr_least_name"] = least->name;
  }
  return json;
}

void report(const std::vector<PairScore>& scores, Json json, bool as_json) {
  if (!as_json) {
    print_table(scores);
    return;
  }
  json.update(to_json(scores));
  fmt::print("{}\n", to_line(json));
}

/// Scores of a share; the last one to end reports all.
void hand_in(const std::vector<PairScore>& scores, const std::string& identity, const Json& json,
             const EvaluatePairsArguments& a) {
  const Shard& shard = a.options.shard;
  write_part(a.csv, shard, identity, scores);
  fs::path missing;
  if (const auto all = merge_parts(a.csv, shard.count, missing)) {
    report(*all, json, a.json);
    return;
  }
  Json partial = json;
  partial["share"] = to_string(shard);
  report(scores, partial, a.json);
  if (!a.json) fmt::print("share {} of {}\n", to_string(shard), a.csv);
}

}  // namespace

void evaluate_on_pairs(const std::shared_ptr<const Model>& model, const EvaluatePairsArguments& a) {
  if (!a.options.shard.is_all() && a.csv.empty())
    fail("share {} of the pairs: --csv must say where the shares' scores meet",
         to_string(a.options.shard));
  if (!a.options.save.empty() && !fs::is_directory(a.options.save))
    fail("{}: no such folder", a.options.save.string());
  const Scored scored = scored_on(model, a);
  const PairEvaluation& evaluation = scored.evaluation;
  for (const auto& line : evaluation.skipped) say("hyperconv: skipped: {}\n", line);
  if (ComparisonPage* page = a.options.page) {
    for (const auto& line : evaluation.skipped) page->add_failure(line);
    page->finish(fmt::format("{} on the first of {} ({}), {} scored", a.model,
                             scored.folder.string(), scored.kind, evaluation.scores.size()));
  }
  const std::string identity = identity_of(*model, scored, a);
  const Cost cost = cost_of(*model, evaluation.scores);
  const Json json = {{"model", a.model},
                     {"task", to_string(model->info().task)},
                     {"parameters", cost.parameters},
                     {"flops", cost.flops},
                     {"data", scored.folder.string()},
                     {a.noise ? "noise" : "layout", a.noise ? to_string(*a.noise) : scored.kind},
                     {"patch", a.options.patch},
                     {"crops", a.options.crop},
                     {"noise_limit", a.options.noise_limit},
                     {"skipped", evaluation.skipped}};
  if (!a.options.shard.is_all()) {
    hand_in(evaluation.scores, identity, json, a);
    return;
  }
  if (!a.csv.empty()) write_file(a.csv, "# " + identity + "\n" + scores_to_csv(evaluation.scores));
  if (!a.json)
    fmt::print("{} ({:.3f} M parameters, {:.2f} GFLOP for the first picture) on {} ({})\n", a.model,
               double(cost.parameters) / 1e6, double(cost.flops) / 1e9, scored.folder.string(),
               scored.kind);
  report(evaluation.scores, json, a.json);
}

void merge_score_table(const std::string& csv, bool json) {
  const fs::path path = csv;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string start = path.filename().string() + ".part-";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const size_t of = name.rfind("-of-");
    if (!name.starts_with(start) || of == std::string::npos) continue;
    const Shard shard =
        shard_from_string(name.substr(start.size(), of - start.size()) + "/" + name.substr(of + 4));
    fs::path missing;
    const auto all = merge_parts(csv, shard.count, missing);
    if (!all) fail("{}: this share of {} is not there", missing.string(), csv);
    report(*all, Json::object(), json);
    return;
  }
  fail("{}: no shares of it are there ({}...)", csv, start);
}

}  // namespace hyperconv::cli
