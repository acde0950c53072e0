#include "studies/cheaper_vdn.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "scoring/evaluate_pairs.hpp"
#include "tools/gnuplot.hpp"

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

/// What a network learns from.
enum class Lesson {
  one,  ///< `pairs` alone
  both  ///< patches of `pairs` and of `more`, half of each
};

const char* to_string(Lesson lesson) { return lesson == Lesson::one ? "one" : "both"; }

std::string pairs_text(const std::string& pairs, const std::string& cache) {
  return fmt::format("pairs = \"{}\"\ncache = \"{}\"\n", pairs, cache);
}

std::string data_text(Lesson lesson, const DataPaths& paths) {
  const std::string sizes = fmt::format("patch = {}\nbatch = {}\n", patch, batch);
  if (lesson == Lesson::one) return "[data]\n" + pairs_text(paths.pairs, paths.cache) + sizes;
  const std::string half = "\n[[data.mix]]\nshare = 0.5\n";
  return "[data]\n" + sizes + half + pairs_text(paths.pairs, paths.cache) + half +
         pairs_text(paths.more, paths.more_cache);
}

/// VDN's own schedule, much shortened: the rate halves again and again.
std::string recipe_text(const StudyNet& net, Lesson lesson, int64_t steps, const DataPaths& paths) {
  return fmt::format(
      "[model]\nnetwork = \"{}\"\nname = \"study\"\ndata_licence = \"a study's\"\n\n{}\n[training]"
      "\nsteps = {}\nlearning_rate = 4e-4\nschedule = \"steps\"\ndecay_at = [{}, {}, {}]\ndecay = "
      "0.5\nwarmup = {}\naverage_decay = 0.999\nloss = \"variational\"\ncheckpoint_every = "
      "250\nlog_every = 20\n\n[training.variational]\neps2 = 1e-6\nclip_every = {}\n",
      net.name, data_text(lesson, paths), steps, std::max<int64_t>(1, steps / 2),
      std::max<int64_t>(2, steps * 3 / 4), std::max<int64_t>(3, steps * 9 / 10),
      std::min<int64_t>(100, steps / 4), std::max<int64_t>(1, steps / 4));
}

StudyRun run_of(const StudyPlan& plan, Lesson lesson, const std::string& network, uint64_t seed,
                int64_t steps) {
  StudyRun run;
  run.key = lesson == Lesson::one ? network : network + "-both";
  run.facts = {{"learned_from", to_string(lesson)}};
  run.seed = seed;
  run.steps = steps;
  run.batch = batch;
  run.net.name = network;
  run.data = {plan.pairs};
  if (lesson == Lesson::both) run.data.push_back(plan.more);
  if (fs::exists(plan.crops)) run.data.push_back(plan.crops);
  const StudyNet net = run.net;
  run.recipe = [=](const DataPaths& paths) { return recipe_text(net, lesson, steps, paths); };
  run.recipe_id = fingerprint(recipe_text(net, lesson, steps, {}));
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
  std::vector<Lesson> lessons = {Lesson::one};
  if (fs::exists(plan.more)) lessons.push_back(Lesson::both);
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const Lesson lesson : lessons) {
      if (seed == 1) runs.push_back(run_of(plan, lesson, whole, seed, steps));
      for (const char* network : smaller)
        runs.push_back(run_of(plan, lesson, network, seed, steps));
    }
  return runs;
}

Facts CheaperVdn::measure(const StudyRun& run, const TrainedRun& trained,
                          const StudyPlan& plan) const {
  const int64_t limit = size_of(plan.form).pictures;
  Facts facts{{"steps", fmt::format("{}", run.steps)}};
  const auto add = [&](const PairSet& set, int side, const char* prefix) {
    const Facts more = scores_on(trained.model, set, side, limit, prefix);
    facts.insert(facts.end(), more.begin(), more.end());
  };
  add(find_pairs(plan.pairs, Split::test), 0, "");
  if (fs::exists(plan.crops)) add(find_pairs(plan.crops, Split::test), crop, "crop_");
  return facts;
}

namespace {

/// What was scored, as its columns' names begin.
struct Test {
  const char *name, *prefix, *title;
};
constexpr Test pictures{"pictures", "", "whole pictures"}, crops{"crops", "crop_", "crops 512x512"};

/// The rows of networks that learned from the same, scored on the same.
class Group {
 public:
  Group(const Results& results, std::string learned_from, const Test& test)
      : results_(results), learned_from_(std::move(learned_from)), test_(test) {
    for (size_t row = 0; row < results.size(); ++row)
      if (results.text(row, "learned_from") == learned_from_) rows_.push_back(row);
  }

  std::string name() const { return learned_from_ + "-" + test_.name; }
  std::string title() const {
    return fmt::format("{}, learned from {}", test_.title,
                       learned_from_ == to_string(Lesson::one) ? "one set" : "both sets");
  }

  std::set<std::string> networks() const {
    std::set<std::string> networks;
    for (const size_t row : rows_) networks.insert(results_.text(row, "network"));
    return networks;
  }
  /// Of a network that is there.
  double cost(const std::string& network, const std::string& column) const {
    for (const size_t row : rows_)
      if (results_.text(row, "network") == network) return results_.number(row, column);
    return 0;
  }
  /// By seed.
  std::map<std::string, double> scores(const std::string& network, const std::string& score) const {
    std::map<std::string, double> scores;
    for (const size_t row : rows_)
      if (results_.text(row, "network") == network)
        scores[results_.text(row, "seed")] = results_.number(row, test_.prefix + score);
    return scores;
  }
  /// The noisy pictures' own, which all runs share.
  double of_input(const std::string& score) const {
    return results_.number(rows_.front(), fmt::format("{}input_{}", test_.prefix, score));
  }

 private:
  const Results& results_;
  std::string learned_from_;
  Test test_;
  std::vector<size_t> rows_;
};

std::vector<Group> groups_of(const Results& results) {
  std::vector<Test> tests = {pictures};
  if (std::ranges::find(results.columns(), "crop_psnr_8bit") != results.columns().end())
    tests.push_back(crops);
  std::vector<Group> groups;
  for (const std::string& learned_from : results.distinct("learned_from"))
    for (const Test& test : tests) groups.emplace_back(results, learned_from, test);
  return groups;
}

Mean mean_over_seeds(const std::map<std::string, double>& scores) {
  std::vector<double> values;
  for (const auto& [seed, value] : scores) values.push_back(value);
  return mean_of(values);
}

/// Seed by seed, where both are there.
Mean mean_gain(const std::map<std::string, double>& scores,
               const std::map<std::string, double>& others) {
  std::vector<double> gains;
  for (const auto& [seed, value] : scores)
    if (const auto other = others.find(seed); other != others.end())
      gains.push_back(value - other->second);
  return mean_of(gains);
}

constexpr const char* score_names[] = {"psnr_8bit", "ssim", "ssim_volume"};

/// Runs of all seeds of one network.
struct Point {
  std::string network;
  double parameters, flops;
  std::map<std::string, Mean> scores;
  std::optional<double> over_vdn;  ///< PSNR, of the means
  Mean over_plain;                 ///< PSNR, against the plain network of the same size and seed

  bool is_hyper() const { return network.find("hyper") != std::string::npos; }
  const Mean& psnr() const { return scores.at("psnr_8bit"); }
};

Point point_of(const Group& group, const std::string& network) {
  Point point{network,
              group.cost(network, "parameters"),
              group.cost(network, "flops_12mp"),
              {},
              std::nullopt,
              {}};
  for (const char* score : score_names)
    point.scores[score] = mean_over_seeds(group.scores(network, score));
  if (const auto vdn = group.scores(whole, "psnr_8bit"); !vdn.empty())
    point.over_vdn = point.psnr().mean - mean_over_seeds(vdn).mean;
  if (point.is_hyper()) {
    std::string twin = network;
    twin.replace(twin.find("hyper"), 5, "plain");
    point.over_plain =
        mean_gain(group.scores(network, "psnr_8bit"), group.scores(twin, "psnr_8bit"));
  }
  return point;
}

/// The most expensive one first.
std::vector<Point> points_of(const Group& group) {
  std::vector<Point> points;
  for (const std::string& network : group.networks()) points.push_back(point_of(group, network));
  std::ranges::stable_sort(points, std::greater(), &Point::flops);
  return points;
}

void draw_group(const Group& group, const fs::path& csv) {
  std::string text = "network,is_hyper,parameters,flops_12mp,seeds,psnr,interval\n";
  for (const Point& p : points_of(group))
    text += fmt::format("{},{:d},{:.0f},{:.0f},{},{:.4f},{:.4f}\n", p.network, p.is_hyper(),
                        p.parameters, p.flops, p.psnr().count, p.psnr().mean, p.psnr().interval);
  write_file(csv, text);
  const auto series = [&](int is_hyper, const char* title) {
    return fmt::format(
        "'{}' using (column('flops_12mp')/1e12):(column('is_hyper')=={} ? column('psnr') : "
        "NaN):'interval' with yerrorlines lw 2 pt 7 ps 0.7 title '{}'",
        csv.filename().string(), is_hyper, title);
  };
  draw_figure(
      csv,
      fmt::format("set datafile missing NaN\nset key autotitle columnhead bottom right\n"
                  "set title '{}'\nset logscale "
                  "x\nset grid\nset offsets graph 0.1,graph 0.2,graph 0.05,graph 0.05\n"
                  "set xlabel 'TFLOP of a 12 MP photo'\nset ylabel 'PSNR, dB (95 % "
                  "intervals over seeds)'\nplot {:.4f} dt 2 lc 'grey' title 'noisy input', "
                  "\\\n  {}, \\\n  {}, \\\n  '{}' using "
                  "(column('flops_12mp')/1e12):'psnr':'network' with labels left offset "
                  "0.8,0.4 font ',9' notitle\n",
                  group.title(), group.of_input("psnr_8bit"), series(0, "ordinary convolutions"),
                  series(1, "HyperConvolutions"), csv.filename().string()));
}

void add_table(const Group& group, std::vector<std::string>& lines) {
  std::string head = "| network | TFLOP at 12 MP | M parameters | seeds |",
              line = "|---|---:|---:|---:|", input = "| (noisy input) | | | |";
  for (const std::string score : score_names) {
    head += fmt::format(" {} |", score);
    line += "---:|";
    input += fmt::format(" {:.{}f} |", group.of_input(score), score == "psnr_8bit" ? 2 : 4);
  }
  for (const std::string& text :
       {group.title() + ":", std::string(), head + " dB over vdn | dB over its plain twin |",
        line + "---:|---:|", input + " | |"})
    lines.push_back(text);
  for (const Point& p : points_of(group)) {
    std::string row = fmt::format("| {} | {:.3f} | {:.2f} | {} |", p.network, p.flops / 1e12,
                                  p.parameters / 1e6, p.psnr().count);
    for (const std::string score : score_names)
      row += fmt::format(" {} |", to_text(p.scores.at(score), score == "psnr_8bit" ? 2 : 4));
    row += p.over_vdn ? fmt::format(" {:+.2f} |", *p.over_vdn) : std::string(" - |");
    lines.push_back(row + fmt::format(" {} |", to_text(p.over_plain, 2)));
  }
  lines.push_back("");
}

}  // namespace

std::vector<fs::path> CheaperVdn::draw(const fs::path& path) const {
  const Results results = read_results(path);
  std::vector<fs::path> figures;
  for (const Group& group : groups_of(results)) {
    figures.push_back(path.parent_path() / (path.stem().string() + "-" + group.name()));
    draw_group(group, fs::path(figures.back()) += ".csv");
  }
  return figures;
}

std::vector<std::string> CheaperVdn::table(const Results& results) const {
  std::vector<std::string> lines;
  for (const Group& group : groups_of(results)) add_table(group, lines);
  return lines;
}

}  // namespace hyperconv
