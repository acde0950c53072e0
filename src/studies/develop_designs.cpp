#include "studies/develop_designs.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "engine/engine.hpp"
#include "scoring/evaluate.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int patch = 96, batch = 8;
constexpr const char* standard = "develop";

/// The columns of evaluation_levels.
constexpr std::array<const char*, 4> levels = {"none", "1e-3", "4e-3", "1.2e-2"};
static_assert(levels.size() == std::size(evaluation_levels));

struct Size {
  int seeds;
  int64_t steps;   ///< of `develop`
  int64_t photos;  ///< 0: all
  int crop;
  PhotoSize timed;
};

Size size_of(StudyForm form) {
  switch (form) {
    case StudyForm::full:
      return {2, 5000, 0, 512, paper_flops_size};
    case StudyForm::quick:
      return {1, 200, 3, 256, paper_flops_size};
    case StudyForm::smoke:
      return {1, 2, 1, 64, {64, 96}};
  }
  return {};
}

/// A row of the table: a network, and what its recipe has of its own.
struct Design {
  std::string name, summary, network;
  std::string domain = {};  ///< empty: the network's own
  std::string loss = "l1";
  std::string places = "detail";
  std::string shrink = "[1, 2]", share = "[0.6, 0.4]";
  std::string precision = {};  ///< empty: fp32
};

std::vector<Design> all_designs() {
  std::vector<Design> designs = {
      {standard, "what ships", standard},
      {"plain", "ordinary convolutions, noise as constant channels: the control", "develop-plain"}};
  for (const DevelopDesign& design : develop_designs())
    designs.push_back({design.name, design.summary, "design-" + design.name});
  designs.push_back({.name = "linear-light",
                     .summary = "`develop` in linear light",
                     .network = standard,
                     .domain = "linear"});
  designs.push_back({.name = "loss-psnr",
                     .summary = "`develop`, PSNR as loss from the start",
                     .network = standard,
                     .loss = "psnr"});
  designs.push_back({.name = "places-even",
                     .summary = "`develop`, patches from anywhere",
                     .network = standard,
                     .places = "even"});
  designs.push_back({.name = "as-they-are",
                     .summary = "`develop`, photos never shrunk",
                     .network = standard,
                     .shrink = "[1]",
                     .share = "[1]"});
  designs.push_back({.name = "shrunk",
                     .summary = "`develop`, photos always shrunk by two",
                     .network = standard,
                     .shrink = "[2]",
                     .share = "[1]"});
  designs.push_back({.name = "bf16",
                     .summary = "`develop`, trained in bf16",
                     .network = standard,
                     .precision = "bf16"});
  return designs;
}

std::string recipe_text(const Design& design, int64_t steps, const DataPaths& paths) {
  std::string text =
      fmt::format("[model]\nnetwork = \"{}\"\nname = \"study\"\ndata_licence = \"a study's\"\n",
                  design.network);
  if (!design.domain.empty()) text += fmt::format("domain = \"{}\"\n", design.domain);
  text += fmt::format(
      "\n[data]\nphotos = \"{}\"\nshrink = {}\nshrink_share = {}\ndraw = \"{}\"\nsensors = "
      "\"all\"\npatch = {}\nbatch = {}\n",
      paths.photos, design.shrink, design.share, design.places, patch, batch);
  text += fmt::format(
      "\n[training]\nsteps = {}\nwarmup = {}\nlearning_rate = 2e-3\nloss = \"{}\"\n"
      "checkpoint_every = 1000\nlog_every = 20\n",
      steps, std::min<int64_t>(200, steps / 4), design.loss);
  if (!design.precision.empty()) text += fmt::format("precision = \"{}\"\n", design.precision);
  return text;
}

double flops_of(const std::string& network) {
  const Graph graph = make_network(network);
  return double(total_cost(graph, network_input(network, graph, paper_flops_size)).flops_total);
}

/// As many as `develop` makes with `steps` of its own.
int64_t steps_of(const Design& design, int64_t steps) {
  const double ratio = flops_of(standard) / flops_of(design.network);
  return std::max<int64_t>(1, std::llround(double(steps) * ratio));
}

StudyRun run_of(const StudyPlan& plan, const Design& design, uint64_t seed, int64_t steps) {
  StudyRun run;
  run.key = design.name;
  run.seed = seed;
  run.steps = steps_of(design, steps);
  run.batch = batch;
  run.net.name = design.network;
  run.facts = {{"design", design.name}};
  run.data = {plan.photos, plan.test_photos};
  run.recipe = [design, steps = run.steps](const DataPaths& paths) {
    return recipe_text(design, steps, paths);
  };
  run.recipe_id = fingerprint(recipe_text(design, run.steps, {}));
  return run;
}

/// The fastest of three runs of the network alone on a photo of this size, on two threads.
double seconds_of(const std::shared_ptr<const Model>& model, const std::string& network,
                  const PhotoSize& size) {
  constexpr int rounds = 3, threads = 2;
  Engine engine(model, {.threads = threads});
  const Tensor input(network_input(network, model->graph(), size));
  const SideInputs side = neutral_side_inputs(model->graph());
  Tensor output;
  double fastest = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    engine.run(input, output, side);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fastest = i == 0 ? took.count() : std::min(fastest, took.count());
  }
  return fastest;
}

}  // namespace

std::vector<StudyRun> DevelopDesigns::runs(const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  const int seeds = plan.seeds > 0 ? plan.seeds : size.seeds;
  const int64_t steps = plan.steps.value_or(size.steps);
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const Design& design : all_designs()) runs.push_back(run_of(plan, design, seed, steps));
  return runs;
}

Facts DevelopDesigns::measure(const StudyRun& run, const TrainedRun& trained,
                              const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  Developer developer(trained.model, {.engine = {.threads = 1}});
  const Evaluation evaluation = evaluate_develop(
      developer, plan.test_photos, {.shrink = 1, .limit = size.photos, .crop = size.crop});
  Facts facts{
      {"steps", fmt::format("{}", run.steps)},
      {"photos", fmt::format("{}", evaluation.images)},
      {"seconds_12mp", fmt::format("{:.4f}", seconds_of(trained.model, run.net.name, size.timed))}};
  for (size_t level = 0; level < levels.size(); ++level)
    facts.emplace_back(fmt::format("psnr_{}", levels[level]),
                       fmt::format("{:.4f}", evaluation.levels[level].model.psnr));
  return facts;
}

namespace {

/// One design, over all seeds.
struct Point {
  std::string design;
  double parameters = 0, flops_a_sample = 0, seconds_12mp = 0;
  std::array<Mean, levels.size()> psnr;
  Mean all;  ///< of the four levels' mean
};

Point point_of(const Results& results, const std::string& design) {
  Point point{design, 0, 0, 0, {}, {}};
  std::array<std::vector<double>, levels.size()> psnrs;
  std::vector<double> means, seconds;
  for (size_t row = 0; row < results.size(); ++row) {
    if (results.text(row, "design") != design) continue;
    point.parameters = results.number(row, "parameters");
    point.flops_a_sample = results.number(row, "flops_total_12mp") /
                           double(paper_flops_size.rows * paper_flops_size.columns);
    seconds.push_back(results.number(row, "seconds_12mp"));
    double sum = 0;
    for (size_t level = 0; level < levels.size(); ++level) {
      psnrs[level].push_back(results.number(row, fmt::format("psnr_{}", levels[level])));
      sum += psnrs[level].back();
    }
    means.push_back(sum / double(levels.size()));
  }
  for (size_t level = 0; level < levels.size(); ++level) point.psnr[level] = mean_of(psnrs[level]);
  point.all = mean_of(means);
  point.seconds_12mp = *std::ranges::min_element(seconds);
  return point;
}

/// The best first.
std::vector<Point> points_of(const Results& results) {
  std::vector<Point> points;
  for (const std::string& design : results.distinct("design"))
    points.push_back(point_of(results, design));
  std::ranges::sort(points, [](const Point& a, const Point& b) { return a.all.mean > b.all.mean; });
  return points;
}

std::string summary_of(const std::string& design) {
  for (const Design& known : all_designs())
    if (known.name == design) return known.summary;
  return "";
}

}  // namespace

std::vector<fs::path> DevelopDesigns::draw(const fs::path& path) const {
  const fs::path csv = path.parent_path() / (path.stem().string() + "-by-design.csv");
  std::string text = "design,seeds,psnr,interval\n";
  for (const Point& p : points_of(read_results(path)))
    text += fmt::format("{},{},{:.4f},{:.4f}\n", p.design, p.all.count, p.all.mean, p.all.interval);
  write_file(csv, text);
  draw_figure(
      csv,
      fmt::format("set key off\nset grid ytics\nset xrange [-0.5:*]\nset xtics rotate by -45\n"
                  "set title 'simulated shots of photos_free: the same FLOPs of training for "
                  "all' noenhanced\nset ylabel 'PSNR, dB: mean of four noise levels'\nset offsets "
                  "0,0.5,graph 0.1,graph 0.05\n"
                  "plot '{}' using 0:'psnr':xtic(1) with points pt 7\n",
                  csv.filename().string()));
  return {csv.parent_path() / csv.stem()};
}

std::vector<std::string> DevelopDesigns::table(const Results& results) const {
  std::string head = "| design | what it is | parameters | kFLOP a sample | 12 MP |";
  std::string rule = "|---|---|---:|---:|---:|";
  for (const char* level : levels) {
    head += fmt::format(" {} |", level);
    rule += "---:|";
  }
  std::vector<std::string> lines = {head + " mean | seeds |", rule + "---:|---:|"};
  for (const Point& p : points_of(results)) {
    std::string line =
        fmt::format("| {} | {} | {:.2f} M | {:.1f} | {:.2f} s |", p.design, summary_of(p.design),
                    p.parameters / 1e6, p.flops_a_sample / 1e3, p.seconds_12mp);
    for (const Mean& psnr : p.psnr) line += fmt::format(" {:.2f} |", psnr.mean);
    lines.push_back(line + fmt::format(" {} | {} |", to_text(p.all, 2), p.all.count));
  }
  return lines;
}

}  // namespace hyperconv
