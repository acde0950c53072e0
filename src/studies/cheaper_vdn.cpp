#include "studies/cheaper_vdn.hpp"

#include <algorithm>
#include <map>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/gnuplot.hpp"
#include "pipeline/evaluate_pairs.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int patch = 64, batch = 8;
/// Side of the crops that published scores on PolyU and CC15 are of.
constexpr int crop = 512;

constexpr const char* whole = "vdn";
constexpr const char* smaller[] = {"vdn-hyper-4",  "vdn-plain-4",  "vdn-hyper-10",
                                   "vdn-plain-10", "vdn-hyper-20", "vdn-plain-20"};

struct Size {
  int seeds;
  int64_t steps;
  int64_t pictures;  ///< scored; 0: all
};

Size size_of(StudyForm form) {
  switch (form) {
    case StudyForm::full:
      return {3, 2000, 0};
    case StudyForm::quick:
      return {1, 10, 2};
    case StudyForm::smoke:
      return {1, 1, 1};
  }
  return {};
}

/// VDN's own schedule, much shortened: the rate halves again and again.
std::string recipe_text(const StudyNet& net, int64_t steps, const DataPaths& paths) {
  return fmt::format(
      "[model]\nnetwork = \"{}\"\nname = \"study\"\ndata_licence = \"a study's\"\n\n[data]\npairs "
      "= \"{}\"\ncache = \"{}\"\npatch = {}\nbatch = {}\n\n[training]\nsteps = "
      "{}\nlearning_rate = 4e-4\nschedule = \"steps\"\ndecay_at = [{}, {}, {}]\ndecay = "
      "0.5\nwarmup = {}\naverage_decay = 0.999\nloss = \"variational\"\ncheckpoint_every = "
      "250\nlog_every = 20\n\n[training.variational]\neps2 = 1e-6\nclip_every = {}\n",
      net.name, paths.pairs, paths.cache, patch, batch, steps, std::max<int64_t>(1, steps / 2),
      std::max<int64_t>(2, steps * 3 / 4), std::max<int64_t>(3, steps * 9 / 10),
      std::min<int64_t>(100, steps / 4), std::max<int64_t>(1, steps / 4));
}

StudyRun run_of(const StudyPlan& plan, const std::string& network, uint64_t seed, int64_t steps) {
  StudyRun run;
  run.key = network;
  run.seed = seed;
  run.steps = steps;
  run.batch = batch;
  run.net.name = network;
  run.data = {plan.pairs};
  if (fs::exists(plan.crops)) run.data.push_back(plan.crops);
  const StudyNet net = run.net;
  run.recipe = [=](const DataPaths& paths) { return recipe_text(net, steps, paths); };
  run.recipe_id = fingerprint(recipe_text(net, steps, {"", "", ""}));
  return run;
}

/// Means over the pictures of what SIDD is scored by, of the network's and of the noisy pictures.
Facts scores_on(const std::shared_ptr<const Model>& model, const PairSet& set, int crop_side,
                int64_t limit, const std::string& prefix) {
  PairEvaluateOptions options;
  options.limit = limit;
  options.crop = crop_side;
  options.engine.threads = 1;
  const auto scores = evaluate_pairs(model, set, options).scores;
  Facts facts{{prefix + "pictures", fmt::format("{}", scores.size())}};
  for (const char* name : {"psnr_8bit", "ssim", "ssim_volume"})
    for (const char* of : {"", "input_"})
      for (const ScoreColumn& column : score_columns())
        if (column.name == std::string(of) + name) {
          const auto mean = mean_score(scores, column);
          if (!mean) fail("{}: has no {}", set.folder().string(), column.name);
          facts.emplace_back(prefix + column.name, fmt::format("{:.5f}", mean->mean));
        }
  return facts;
}

}  // namespace

std::vector<StudyRun> CheaperVdn::runs(const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  const int seeds = plan.seeds > 0 ? plan.seeds : size.seeds;
  const int64_t steps = plan.steps.value_or(size.steps);
  std::vector<StudyRun> runs = {run_of(plan, whole, 1, steps)};
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const char* network : smaller) runs.push_back(run_of(plan, network, seed, steps));
  return runs;
}

Facts CheaperVdn::measure(const StudyRun& run, const std::shared_ptr<const Model>& model,
                          const StudyPlan& plan) const {
  const int64_t limit = size_of(plan.form).pictures;
  Facts facts{{"steps", fmt::format("{}", run.steps)}};
  const auto add = [&](const PairSet& set, int side, const char* prefix) {
    const Facts more = scores_on(model, set, side, limit, prefix);
    facts.insert(facts.end(), more.begin(), more.end());
  };
  add(find_pairs(plan.pairs, Part::test), 0, "");
  if (fs::exists(plan.crops)) add(find_pairs(plan.crops, Part::test), crop, "crop_");
  return facts;
}

namespace {

/// Runs of all seeds of one network.
struct Point {
  std::string network;
  double parameters, flops;
  std::map<std::string, Mean> scores;
  Mean over_plain;  ///< PSNR, against the plain network of the same size and seed
};

std::vector<double> values_of(const Results& results, const std::string& network,
                              const std::string& column) {
  std::vector<double> values;
  for (size_t row = 0; row < results.size(); ++row)
    if (results.text(row, "network") == network) values.push_back(results.number(row, column));
  return values;
}

/// PSNR of a seed; nothing where it has not been run.
std::optional<double> psnr_of(const Results& results, const std::string& network,
                              const std::string& seed) {
  for (size_t row = 0; row < results.size(); ++row)
    if (results.text(row, "network") == network && results.text(row, "seed") == seed)
      return results.number(row, "psnr_8bit");
  return std::nullopt;
}

Mean over_plain(const Results& results, const std::string& network) {
  const auto place = network.find("hyper");
  if (place == std::string::npos) return {};
  std::string twin = network;
  twin.replace(place, 5, "plain");
  std::vector<double> gains;
  for (const std::string& seed : results.distinct("seed")) {
    const auto own = psnr_of(results, network, seed), plain = psnr_of(results, twin, seed);
    if (own && plain) gains.push_back(*own - *plain);
  }
  return mean_of(gains);
}

const std::vector<std::string>& score_names(const Results& results) {
  static const std::vector<std::string> own = {"psnr_8bit", "ssim", "ssim_volume"};
  static const std::vector<std::string> all = {"psnr_8bit",      "ssim",      "ssim_volume",
                                               "crop_psnr_8bit", "crop_ssim", "crop_ssim_volume"};
  return std::ranges::find(results.columns(), "crop_psnr_8bit") == results.columns().end() ? own
                                                                                           : all;
}

std::vector<Point> points_of(const Results& results) {
  std::vector<Point> points;
  for (const std::string& network : results.distinct("network")) {
    Point point{network,
                values_of(results, network, "parameters")[0],
                values_of(results, network, "flops_12mp")[0],
                {},
                over_plain(results, network)};
    for (const std::string& name : score_names(results))
      point.scores[name] = mean_of(values_of(results, network, name));
    points.push_back(std::move(point));
  }
  std::ranges::sort(points, std::greater(), &Point::flops);
  return points;
}

/// The noisy pictures' own score, which all runs share.
double of_input(const Results& results, std::string name) {
  const auto place = name.starts_with("crop_") ? 5u : 0u;
  return results.number(0, name.insert(place, "input_"));
}

}  // namespace

std::vector<fs::path> CheaperVdn::draw(const fs::path& path) const {
  const Results results = read_results(path);
  std::string text = "network,is_hyper,parameters,flops_12mp,seeds,psnr,interval\n";
  for (const Point& p : points_of(results)) {
    const Mean& psnr = p.scores.at("psnr_8bit");
    text += fmt::format("{},{:d},{:.0f},{:.0f},{},{:.4f},{:.4f}\n", p.network,
                        p.network.find("hyper") != std::string::npos, p.parameters, p.flops,
                        psnr.count, psnr.mean, psnr.interval);
  }
  const fs::path csv = path.parent_path() / (path.stem().string() + "-over-flops.csv");
  write_file(csv, text);
  const auto series = [&](int is_hyper, const char* title) {
    return fmt::format(
        "'{}' using (column('flops_12mp')/1e12):(column('is_hyper')=={} ? column('psnr') : "
        "NaN):'interval' with yerrorlines lw 2 pt 7 ps 0.7 title '{}'",
        csv.filename().string(), is_hyper, title);
  };
  draw_figure(csv,
              fmt::format("set datafile missing NaN\nset key autotitle columnhead bottom right\n"
                          "set title 'SIDD-Small at 256x256, a stand-in for SIDD'\nset logscale "
                          "x\nset grid\nset offsets graph 0.1,graph 0.2,graph 0.05,graph 0.05\n"
                          "set xlabel 'TFLOP of a 12 MP photo'\nset ylabel 'PSNR, dB (95 % "
                          "intervals over seeds)'\nplot {}, \\\n  {}, \\\n  '{}' using "
                          "(column('flops_12mp')/1e12):'psnr':'network' with labels left offset "
                          "0.8,0.4 font ',9' notitle\n",
                          series(0, "ordinary convolutions"), series(1, "HyperConvolutions"),
                          csv.filename().string()));
  return {csv.parent_path() / csv.stem()};
}

std::vector<std::string> CheaperVdn::table(const Results& results) const {
  std::string head = "| network | TFLOP at 12 MP | M parameters | seeds |",
              line = "|---|---:|---:|---:|", input = "| (noisy input) | | | |";
  for (const std::string& name : score_names(results)) {
    head += fmt::format(" {} |", name);
    line += "---:|";
    input += fmt::format(" {:.3f} |", of_input(results, name));
  }
  std::vector<std::string> lines = {head + " dB over vdn | dB over its plain twin |",
                                    line + "---:|---:|", input + " | |"};
  const auto points = points_of(results);
  const auto vdn = std::ranges::find(points, whole, &Point::network);
  for (const Point& p : points) {
    const Mean& psnr = p.scores.at("psnr_8bit");
    std::string row = fmt::format("| {} | {:.3f} | {:.2f} | {} |", p.network, p.flops / 1e12,
                                  p.parameters / 1e6, psnr.count);
    for (const std::string& name : score_names(results))
      row += fmt::format(" {} |", to_text(p.scores.at(name), name.ends_with("8bit") ? 2 : 4));
    row += vdn == points.end()
               ? std::string(" - |")
               : fmt::format(" {:+.2f} |", psnr.mean - vdn->scores.at("psnr_8bit").mean);
    lines.push_back(row + fmt::format(" {} |", to_text(p.over_plain, 2)));
  }
  return lines;
}

}  // namespace hyperconv
