#include "studies/poster.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "scoring/evaluate_pairs.hpp"
#include "studies/learning_curve.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int patch = 128, batch = 8;
/// A step's cost is that of the forward pass and about twice as much for the backward one.
constexpr double passes = 3;

/// Zurich RAW-to-DSLR as Muller 2021 printed it.
struct PosterScore {
  std::optional<double> psnr, ssim, ms_ssim;
};

struct Row {
  const char *group, *variant;
  const char* network;
  std::optional<int> hidden = {};
  bool is_large = false;  ///< trained with the first seed alone, and not by the quick form
  double learning_rate = 1e-3;
  int accumulate = 1;  ///< less memory; changes nothing else
  PosterScore poster = {};
};

constexpr const char *posters = "poster", *controls = "control";
/// The backbone of hyper-iii with ordinary convolutions.
constexpr const char* backbone = "plain";

/// The cheap ones first: what is there after half the time is of use. Rivals learn at the rates of
/// recipes/zrr-*.toml.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {posters, "plain-0.6t", "plain-0.6t", {}, false, 1e-3, 1, {19.82, .7185, .8446}},
      {posters, "hyper-iii-64", "hyper-iii", 64},
      {controls, backbone, "hyper-iii-plain"},
      {controls, "film", "hyper-iii-film"},
      {controls, "squeeze-excitation", "hyper-iii-squeeze-excitation"},
      {controls, "colour-affine", "hyper-iii-colour-affine"},
      {controls, "hidden-1", "hyper-iii", 1},
      {posters, "hyper-iii", "hyper-iii", {}, false, 1e-3, 1, {21.15, .7471, .8617}},
      {controls, "constant", "hyper-iii-constant"},
      {controls, "image", "hyper-iii-image"},
      {posters, "plain-1.3t", "plain-1.3t", {}, false, 1e-3, 1, {19.93, .7213, .8463}},
      {posters, "hyper-ii", "hyper-ii", {}, false, 1e-3, 1, {21.11, .7466, .8618}},
      {posters, "hyper-i", "hyper-i", {}, true, 1e-3, 2, {21.37, .7509, .8640}},
      {posters, "awnet", "awnet", {}, true, 1e-4, 8, {21.38, .7451, .8590}},
      {posters, "pynet", "pynet", {}, true, 1e-4, 8, {21.19, {}, .8620}},
  };
  return all;
}

struct Size {
  int seeds;
  int64_t steps;
  int64_t pictures;  ///< scored; 0: all
  int64_t validation_samples;
  bool all_rows;
};

Size size_of(StudyForm form) {
  switch (form) {
    case StudyForm::full:
      return {3, 120'000, 0, 100, true};
    case StudyForm::quick:
      return {1, 60, 6, 8, false};
    case StudyForm::smoke:
      return {1, 4, 1, 2, true};
  }
  return {};
}

/// Points of a learning curve.
constexpr int64_t points = 24;

std::string recipe_text(const Row& row, int64_t steps, int64_t validation_samples,
                        const DataPaths& paths) {
  std::string text = fmt::format(
      "[model]\nnetwork = \"{}\"\nname = \"study\"\ndata_licence = \"a study's\"\n", row.network);
  if (row.hidden) text += fmt::format("hidden = {}\n", *row.hidden);
  text += fmt::format("\n[data]\npairs = \"{}\"\ncache = \"{}\"\npatch = {}\nbatch = {}\n",
                      paths.pairs, paths.cache, patch, batch);
  text += fmt::format(
      "\n[training]\nsteps = {}\nwarmup = {}\nlearning_rate = {:g}\nloss = \"l1\"\naccumulate = "
      "{}\ncheckpoint_every = 500\nlog_every = 20\nvalidate_every = {}\nvalidation_samples = {}\n",
      steps, std::min<int64_t>(300, steps / 4), row.learning_rate, row.accumulate,
      std::max<int64_t>(1, steps / points), validation_samples);
  return text;
}

StudyRun run_of(const StudyPlan& plan, const Row& row, uint64_t seed, int64_t steps) {
  const int64_t validation_samples = size_of(plan.form).validation_samples;
  StudyRun run;
  run.key = fmt::format("{}-{}", row.group, row.variant);
  run.seed = seed;
  run.steps = steps;
  run.batch = batch;
  run.net.name = row.network;
  run.net.options.hidden = row.hidden;
  run.facts = {{"group", row.group}, {"variant", row.variant}};
  run.data = {plan.pairs};
  run.recipe = [=](const DataPaths& paths) {
    return recipe_text(row, steps, validation_samples, paths);
  };
  run.recipe_id = fingerprint(recipe_text(row, steps, validation_samples, {}));
  return run;
}

constexpr const char* score_names[] = {"psnr", "ssim", "ms_ssim", "psnr_affine"};

int64_t flops_of_a_patch(const StudyNet& net) {
  const Graph graph = net.graph();
  return total_cost(graph, network_input(net.name, graph, {patch, patch})).flops_total;
}

}  // namespace

std::vector<StudyRun> PosterStudy::runs(const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  const int seeds = plan.seeds > 0 ? plan.seeds : size.seeds;
  const int64_t steps = plan.steps.value_or(size.steps);
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const Row& row : rows())
      if (!row.is_large || (size.all_rows && seed == 1))
        runs.push_back(run_of(plan, row, seed, steps));
  return runs;
}

Facts PosterStudy::measure(const StudyRun& run, const TrainedRun& trained,
                           const StudyPlan& plan) const {
  PairEvaluateOptions options;
  options.limit = size_of(plan.form).pictures;
  options.engine.threads = 1;
  const auto scores =
      evaluate_pairs(trained.model, find_pairs(plan.pairs, Split::test), options).scores;
  Facts facts{{"steps", fmt::format("{}", run.steps)},
              {"samples", fmt::format("{}", run.steps * run.batch)},
              {"flops_a_patch", fmt::format("{}", flops_of_a_patch(run.net))},
              {"pictures", fmt::format("{}", scores.size())}};
  for (const char* name : score_names)
    for (const ScoreColumn& column : score_columns())
      if (column.name == std::string(name)) {
        const auto mean = mean_score(scores, column);
        if (!mean)
          fail("{}: its pictures have no {}; a side of 176 would do", plan.pairs.string(), name);
        facts.emplace_back(name, fmt::format("{:.6f}", mean->mean));
      }
  facts.emplace_back("curve", to_text(read_curve(trained.log)));
  return facts;
}

namespace {

/// Runs of all seeds of one row that were trained for the same number of steps.
struct Point {
  std::string group, variant;
  int64_t steps = 0;
  double parameters = 0, flops = 0, flops_a_patch = 0;
  std::map<std::string, Mean> scores;
  Mean over_backbone;             ///< PSNR, against the control "plain" of the same seed and steps
  std::map<int64_t, Mean> curve;  ///< validation PSNR by step
};

const Row* row_of(const Point& point) {
  for (const Row& row : rows())
    if (row.group == point.group && row.variant == point.variant) return &row;
  return nullptr;
}

bool is_backbone(const Results& results, size_t row) {
  return results.text(row, "group") == controls && results.text(row, "variant") == backbone;
}

Point point_of(const Results& results, const std::vector<size_t>& all) {
  const size_t first = all.front();
  Point point{results.text(first, "group"),
              results.text(first, "variant"),
              int64_t(results.number(first, "steps")),
              results.number(first, "parameters"),
              results.number(first, "flops_12mp"),
              results.number(first, "flops_a_patch"),
              {},
              {},
              {}};
  for (const char* name : score_names) {
    std::vector<double> values;
    for (const size_t row : all) values.push_back(results.number(row, name));
    point.scores[name] = mean_of(values);
  }
  std::vector<double> gains;
  std::map<int64_t, std::vector<double>> curves;
  for (const size_t row : all) {
    for (size_t other = 0; other < results.size(); ++other)
      if (is_backbone(results, other) && results.text(other, "seed") == results.text(row, "seed") &&
          results.text(other, "steps") == results.text(row, "steps"))
        gains.push_back(results.number(row, "psnr") - results.number(other, "psnr"));
    for (const CurvePoint& p : curve_from_string(results.text(row, "curve")))
      curves[p.step].push_back(p.validation_psnr);
  }
  point.over_backbone = mean_of(gains);
  for (const auto& [step, values] : curves) point.curve[step] = mean_of(values);
  return point;
}

/// The poster's rows first, the most expensive one before the others; then controls.
std::vector<Point> points_of(const Results& results) {
  std::map<std::tuple<std::string, std::string, int64_t>, std::vector<size_t>> groups;
  for (size_t row = 0; row < results.size(); ++row)
    groups[{results.text(row, "group"), results.text(row, "variant"),
            int64_t(results.number(row, "steps"))}]
        .push_back(row);
  std::vector<Point> all;
  for (const auto& [place, rows_of_it] : groups) all.push_back(point_of(results, rows_of_it));
  std::ranges::stable_sort(all, [](const Point& a, const Point& b) {
    if (a.group != b.group) return a.group == posters;
    return a.flops != b.flops ? a.flops > b.flops : a.parameters > b.parameters;
  });
  return all;
}

/// A name in a figure; the number of steps where there are several.
std::string title_of(const Point& point, const std::vector<Point>& all) {
  const std::string name = point.group == controls ? "iii: " + point.variant : point.variant;
  const bool is_only =
      std::ranges::all_of(all, [&](const Point& other) { return other.steps == point.steps; });
  return is_only ? name : fmt::format("{}, {} steps", name, point.steps);
}

std::string curves_csv(const std::vector<Point>& all) {
  std::string csv = "network,step,samples,training_pflop,seeds,psnr,psnr_interval\n";
  for (const Point& p : all)
    for (const auto& [step, psnr] : p.curve) {
      const double samples = double(step) * batch;
      std::string name = title_of(p, all);
      std::ranges::replace(name, ',', ' ');
      csv += fmt::format("{},{},{:.0f},{:.6g},{},{:.4f},{:.4f}\n", name, step, samples,
                         samples * passes * p.flops_a_patch / 1e15, psnr.count, psnr.mean,
                         psnr.interval);
    }
  return csv;
}

std::string commands(const std::string& csv, const std::vector<Point>& all, bool over_flops) {
  std::vector<std::string> plots;
  for (const Point& p : all) {
    std::string name = title_of(p, all);
    std::ranges::replace(name, ',', ' ');
    plots.push_back(fmt::format(
        "'{}' using (column('{}')):(strcol('network') eq '{}' ? column('psnr') : NaN) with "
        "linespoints lw 1.5 ps 0.4 dt {} title '{}'",
        csv, over_flops ? "training_pflop" : "samples", name, p.group == controls ? 2 : 1, name));
  }
  return fmt::format(
      "set datafile missing NaN\nset key autotitle columnhead outside right\nset title 'simzrr, a "
      "simulated stand-in: what is learned over {}'\nset logscale x\nset grid\nset xlabel "
      "'{}'\nset ylabel 'PSNR of {} test patches of {}x{}, dB (mean over seeds)'\nplot {}\n",
      over_flops ? "FLOPs spent" : "samples seen",
      over_flops ? "PFLOP of training: three times the forward pass" : "patches seen",
      size_of(StudyForm::full).validation_samples, patch, patch, fmt::join(plots, ", \\\n  "));
}

std::string digits(const std::optional<double>& value, int count) {
  return value ? fmt::format("{:.{}f}", *value, count) : "-";
}

}  // namespace

std::vector<fs::path> PosterStudy::draw(const fs::path& path) const {
  const auto all = points_of(read_results(path));
  std::vector<fs::path> drawn;
  for (const bool over_flops : {false, true}) {
    const fs::path csv = path.parent_path() / fmt::format("{}-over-{}.csv", path.stem().string(),
                                                          over_flops ? "flops" : "samples");
    write_file(csv, curves_csv(all));
    draw_figure(csv, commands(csv.filename().string(), all, over_flops));
    drawn.push_back(csv.parent_path() / csv.stem());
  }
  return drawn;
}

std::vector<std::string> PosterStudy::table(const Results& results) const {
  std::vector<std::string> lines = {
      "| network | TFLOP at 12 MP | M parameters | steps | seeds | PSNR | over its backbone | "
      "PSNR, "
      "affine | SSIM | MS-SSIM | poster, on ZRR: PSNR | SSIM | MS-SSIM |",
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"};
  static const PosterScore unprinted;
  for (const Point& p : points_of(results)) {
    const Row* row = row_of(p);
    const PosterScore& poster = row != nullptr ? row->poster : unprinted;
    const bool has_backbone = row != nullptr && std::string(row->network).starts_with("hyper-iii");
    lines.push_back(fmt::format(
        "| {}{} | {:.3f} | {:.2f} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        p.group == controls ? "`hyper-iii`: " : "", p.variant, p.flops / 1e12, p.parameters / 1e6,
        p.steps, p.scores.at("psnr").count, to_text(p.scores.at("psnr"), 2),
        has_backbone ? to_text(p.over_backbone, 2) : "-", to_text(p.scores.at("psnr_affine"), 2),
        to_text(p.scores.at("ssim"), 4), to_text(p.scores.at("ms_ssim"), 4), digits(poster.psnr, 2),
        digits(poster.ssim, 4), digits(poster.ms_ssim, 4)));
  }
  return lines;
}

}  // namespace hyperconv
