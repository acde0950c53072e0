#include "studies/double_descent.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "data/cache.hpp"
#include "data/fixed_windows.hpp"
#include "data/sampler.hpp"
#include "engine/engine.hpp"
#include "studies/learning_curve.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Small windows: few targets each, so that small networks can learn a few of them by heart.
constexpr int patch = 16, batch = 16;

struct Grid {
  std::vector<int> hidden;  ///< 0: no HyperConvolutions
  std::vector<int> windows;
  std::vector<double> label_noise;
  int seeds;
  int64_t steps;
};

Grid full_grid(DescentTraining training) {
  switch (training) {
    case DescentTraining::short_steps:
      return {{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, {4, 64, 1024}, {0, 0.1}, 3, 4000};
    case DescentTraining::to_interpolation:
      return {{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048},
              {16, 64},
              {0, 0.1, 0.2},
              3,
              40'000};
  }
  return {};
}

Grid grid_of(StudyForm form, DescentTraining training) {
  switch (form) {
    case StudyForm::full:
      return full_grid(training);
    case StudyForm::quick:
      return {{0, 1, 16, 256}, {4, 64}, {0.1}, 1, 800};
    case StudyForm::smoke:
      return {{0, 4}, {2}, {0.1}, 1, 4};
  }
  return {};
}

/// Of a learning curve.
constexpr int64_t points_of_curve = 40;

/// What a run is trained by beside the network and the data.
struct Schooling {
  DescentTraining training = DescentTraining::short_steps;
  int64_t steps = 0;
};

std::string recipe_text(const StudyNet& net, int windows, double noise, int64_t first,
                        const Schooling& schooling, const DataPaths& paths) {
  const int64_t steps = schooling.steps;
  std::string text = fmt::format("[model]\nnetwork = \"{}\"\nname = \"study\"\n", net.name);
  text += "data_licence = \"a study's\"\n";
  if (net.options.hidden) text += fmt::format("hidden = {}\n", *net.options.hidden);
  text += fmt::format(
      "\n[data]\npairs = \"{}\"\ncache = \"{}\"\npatch = {}\nbatch = {}\naugment = false\nlimit = "
      "{}\nfirst = {}\nlabel_noise = {:.6f}\n",
      paths.pairs, paths.cache, patch, batch, windows, first, noise);
  text += fmt::format(
      "\n[training]\nsteps = {}\nwarmup = {}\nlearning_rate = 5e-3\nloss = \"mse\"\n"
      "checkpoint_every = 4000\nlog_every = 20\n",
      steps, std::min<int64_t>(200, steps / 4));
  if (schooling.training == DescentTraining::to_interpolation)
    text += fmt::format("validate_every = {}\nvalidation_samples = 100\n",
                        std::max<int64_t>(1, steps / points_of_curve));
  return text;
}

/// Each seed has windows of its own, as far as the set reaches.
int64_t first_window(int64_t pairs, int64_t windows, uint64_t seed) {
  return int64_t(seed - 1) % std::max<int64_t>(1, pairs / windows) * windows;
}

/// A place of the grid.
struct Cell {
  int hidden, windows;
  double noise;
  uint64_t seed;
};

StudyRun run_of(const StudyPlan& plan, const Cell& cell, int64_t first,
                const Schooling& schooling) {
  StudyRun run;
  run.seed = cell.seed;
  run.steps = schooling.steps;
  run.batch = batch;
  run.data = {plan.pairs};
  run.net.name = cell.hidden > 0 ? "study-hyper-image" : "study-plain";
  if (cell.hidden > 0) run.net.options.hidden = cell.hidden;
  run.key = fmt::format("hidden-{}-windows-{}-noise-{:g}", cell.hidden, cell.windows, cell.noise);
  run.facts = {{"hidden", fmt::format("{}", cell.hidden)},
               {"windows", fmt::format("{}", cell.windows)},
               {"first_window", fmt::format("{}", first)},
               {"label_noise", fmt::format("{:g}", cell.noise)}};
  const StudyNet net = run.net;
  run.recipe = [=](const DataPaths& paths) {
    return recipe_text(net, cell.windows, cell.noise, first, schooling, paths);
  };
  run.recipe_id =
      fingerprint(recipe_text(net, cell.windows, cell.noise, 0, schooling, {"", "", ""}));
  return run;
}

/// The number in a fact of the run.
double fact(const StudyRun& run, const std::string& name) {
  for (const auto& [known, value] : run.facts)
    if (known == name) return std::stod(value);
  fail("the run has no '{}'", name);
}

double squared_error(Engine& engine, const TensorPair& pair, Tensor& output) {
  engine.run(pair.input, output);
  double sum = 0;
  for (size_t i = 0; i < output.size(); ++i) {
    const double difference = double(output.data()[i]) - double(pair.target.data()[i]);
    sum += difference * difference;
  }
  return sum / double(output.size());
}

PairSet cached_part(const StudyPlan& plan, Split part) {
  const PairSet set = find_pairs(plan.pairs, part);
  if (plan.cache.empty()) return set;
  // One thread: every run of a sweep asks, and after the first the file is there.
  Threads threads(1);
  return cached_pairs(set, plan.cache.string() + "." + to_string(part), threads);
}

double test_error(Engine& engine, const StudyPlan& plan) {
  constexpr uint64_t test_seed = 1'000'003;
  const int64_t windows = plan.form == StudyForm::smoke ? 8 : 1000;
  const PairSampler sampler(cached_part(plan, Split::test), {.patch = patch, .seed = test_seed});
  Tensor output;
  double sum = 0;
  for (int64_t i = 0; i < windows; ++i) {
    throw_if_interrupted();
    sum += squared_error(engine, to_tensors(sampler.sample(i), sampler.set().kind()), output);
  }
  return sum / double(windows);
}

double train_error(Engine& engine, const StudyRun& run, const StudyPlan& plan) {
  const auto count = int64_t(fact(run, "windows"));
  const FixedWindows windows(cached_part(plan, Split::train),
                             {.patch = patch,
                              .first = int64_t(fact(run, "first_window")),
                              .count = count,
                              .label_noise = fact(run, "label_noise"),
                              .seed = run.seed});
  Tensor output;
  double sum = 0;
  for (size_t i = 0; i < windows.size(); ++i) sum += squared_error(engine, windows[i], output);
  return sum / double(windows.size());
}

}  // namespace

std::string DoubleDescent::name() const {
  switch (training_) {
    case DescentTraining::short_steps:
      return "double-descent";
    case DescentTraining::to_interpolation:
      return "interpolation";
  }
  return {};
}

std::vector<StudyRun> DoubleDescent::runs(const StudyPlan& plan) const {
  const Grid grid = grid_of(plan.form, training_);
  const int seeds = plan.seeds > 0 ? plan.seeds : grid.seeds;
  const Schooling schooling{training_, plan.steps.value_or(grid.steps)};
  const auto pairs = int64_t(find_pairs(plan.pairs, Split::train).size());
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const double noise : grid.label_noise)
      for (const int windows : grid.windows)
        for (const int hidden : grid.hidden)
          runs.push_back(run_of(plan, {hidden, windows, noise, seed},
                                first_window(pairs, windows, seed), schooling));
  return runs;
}

Facts DoubleDescent::measure(const StudyRun& run, const TrainedRun& trained,
                             const StudyPlan& plan) const {
  Engine engine(trained.model, {.threads = 1});
  const double train = train_error(engine, run, plan), test = test_error(engine, plan);
  Facts facts{{"targets", fmt::format("{}", int64_t(fact(run, "windows")) * patch * patch * 3)},
              {"steps", fmt::format("{}", run.steps)},
              {"train_mse", fmt::format("{:.6g}", train)},
              {"test_mse", fmt::format("{:.6g}", test)},
              {"test_psnr", fmt::format("{:.3f}", -10 * std::log10(test))}};
  if (training_ == DescentTraining::to_interpolation)
    facts.emplace_back("curve", to_text(read_curve(trained.log)));
  return facts;
}

namespace {

/// Runs of all seeds at one place of the grid.
struct Point {
  int hidden, windows;
  double noise;
  double parameters, flops, targets;
  Mean train, test;
  Mean over_plain;  ///< test error over that of the plain network of the same set and seed
  /// Where there are curves: by step, the training's loss and the test windows' error.
  std::map<int64_t, std::pair<Mean, Mean>> curve;
  /// How much lower the loss is in the last tenth of the training than in the tenth before.
  Mean last_fall;
};

bool has_curves(const Results& results) {
  return std::ranges::find(results.columns(), "curve") != results.columns().end();
}

/// Nothing for a curve of less than two tenths.
std::optional<double> last_fall_of(const LearningCurve& curve) {
  const size_t tenth = curve.size() / 10;
  if (tenth == 0) return std::nullopt;
  double last = 0, before = 0;
  for (size_t i = curve.size() - tenth; i < curve.size(); ++i) {
    last += curve[i].loss;
    before += curve[i - tenth].loss;
  }
  return 1 - last / before;
}

void add_curves(const Results& results, const std::vector<size_t>& rows, Point& point) {
  std::map<int64_t, std::pair<std::vector<double>, std::vector<double>>> values;
  std::vector<double> falls;
  for (const size_t row : rows) {
    const LearningCurve curve = curve_from_string(results.text(row, "curve"));
    for (const CurvePoint& p : curve) {
      values[p.step].first.push_back(p.loss);
      values[p.step].second.push_back(std::pow(10, -p.validation_psnr / 10));
    }
    if (const auto fall = last_fall_of(curve)) falls.push_back(*fall);
  }
  for (const auto& [step, errors] : values)
    point.curve[step] = {mean_of(errors.first), mean_of(errors.second)};
  point.last_fall = mean_of(falls);
}

/// Test errors of the plain networks, by where they were trained.
std::map<std::tuple<double, int, int>, double> plain_errors(const Results& results) {
  std::map<std::tuple<double, int, int>, double> errors;
  for (size_t row = 0; row < results.size(); ++row)
    if (results.number(row, "hidden") == 0)
      errors[{results.number(row, "label_noise"), int(results.number(row, "windows")),
              int(results.number(row, "seed"))}] = results.number(row, "test_mse");
  return errors;
}

std::vector<Point> points_of(const Results& results) {
  std::map<std::tuple<double, int, int>, std::vector<size_t>> groups;
  for (size_t row = 0; row < results.size(); ++row)
    groups[{results.number(row, "label_noise"), int(results.number(row, "windows")),
            int(results.number(row, "hidden"))}]
        .push_back(row);
  const auto plain = plain_errors(results);
  std::vector<Point> points;
  for (const auto& [place, rows] : groups) {
    const auto& [noise, windows, hidden] = place;
    std::vector<double> train, test, over_plain;
    for (const size_t row : rows) {
      train.push_back(results.number(row, "train_mse"));
      test.push_back(results.number(row, "test_mse"));
      const auto twin = plain.find({noise, windows, int(results.number(row, "seed"))});
      if (twin != plain.end()) over_plain.push_back(test.back() / twin->second);
    }
    points.push_back({hidden,
                      windows,
                      noise,
                      results.number(rows[0], "parameters"),
                      results.number(rows[0], "flops_total_12mp"),
                      results.number(rows[0], "targets"),
                      mean_of(train),
                      mean_of(test),
                      mean_of(over_plain),
                      {},
                      {}});
    if (has_curves(results)) add_curves(results, rows, points.back());
  }
  return points;
}

std::string points_csv(const std::vector<Point>& points) {
  std::string csv =
      "hidden,windows,label_noise,parameters,flops_total_12mp,targets,seeds,train_mse,"
      "train_interval,test_mse,test_interval,over_plain,over_plain_interval\n";
  for (const Point& p : points)
    csv += fmt::format(
        "{},{},{:g},{:.0f},{:.0f},{:.0f},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.4f},{:.4f}\n", p.hidden,
        p.windows, p.noise, p.parameters, p.flops, p.targets, p.test.count, p.train.mean,
        p.train.interval, p.test.mean, p.test.interval, p.over_plain.mean, p.over_plain.interval);
  return csv;
}

bool has(const std::vector<Point>& points, int windows, bool plain) {
  return std::ranges::any_of(
      points, [&](const Point& p) { return p.windows == windows && (p.hidden == 0) == plain; });
}

/// gnuplot's words for a column at one size of the training set.
std::string choose(int windows, bool plain, const char* column) {
  return fmt::format("(column('windows')=={} && column('hidden'){}0 ? column('{}') : NaN)", windows,
                     plain ? "==" : ">", column);
}

/// The curves of one size of the training set, as far as there are runs of it.
std::vector<std::string> curves(const std::string& csv, const std::vector<Point>& points,
                                int windows, int colour) {
  std::vector<std::string> all;
  if (has(points, windows, false)) {
    // A mean of squared errors has no place below zero on a logarithmic axis.
    all.push_back(fmt::format(
        "'{}' using 'parameters':{}:(column('test_mse')-column('test_interval')>0 ? "
        "column('test_mse')-column('test_interval') : column('test_mse')/10):"
        "(column('test_mse')+column('test_interval')) with yerrorlines lc {} lw 2 pt 7 ps 0.5 "
        "title '{} windows, test'",
        csv, choose(windows, false, "test_mse"), colour, windows));
    all.push_back(fmt::format(
        "'{}' using 'parameters':{} with linespoints lc {} dt 2 pt 6 ps 0.5 title 'train'", csv,
        choose(windows, false, "train_mse"), colour));
  }
  if (has(points, windows, true))
    all.push_back(
        fmt::format("'{}' using 'parameters':{} with points lc {} pt 5 ps 1.4 title 'plain, test'",
                    csv, choose(windows, true, "test_mse"), colour));
  return all;
}

/// A level line for the plain network's test error, and a mark on the upper axis where a network
/// has as many parameters as the training set has values.
std::string marks(const std::vector<Point>& points, int windows, int colour) {
  std::string text;
  for (const Point& p : points) {
    if (p.windows != windows) continue;
    if (text.empty())
      text =
          fmt::format("set arrow from {0},graph 1 to {0},graph 0.96 lc {1}\n", p.targets, colour);
    if (p.hidden == 0)
      text +=
          fmt::format("set arrow from graph 0,first {0} to graph 1,first {0} nohead lc {1} dt 3\n",
                      p.test.mean, colour);
  }
  return text;
}

std::string words_for(double noise) {
  return noise > 0 ? fmt::format("labels with noise of deviation {:g}", noise) : "right labels";
}

/// A colour for each size of the training set: test error solid, train error dashed.
std::string commands(const std::string& csv, const std::vector<Point>& points, double noise) {
  std::vector<int> sizes;
  for (const Point& p : points)
    if (std::ranges::find(sizes, p.windows) == sizes.end()) sizes.push_back(p.windows);
  std::vector<std::string> plots;
  std::string lines;
  int colour = 0;
  for (const int windows : sizes) {
    ++colour;
    for (auto& curve : curves(csv, points, windows, colour)) plots.push_back(std::move(curve));
    lines += marks(points, windows, colour);
  }
  plots.push_back(
      fmt::format("'{}' using 'parameters':(column('flops_total_12mp')/1e9) axes x1y2 with points "
                  "lc 'black' pt "
                  "2 ps 0.6 title 'GFLOP at 12 MP (right)'",
                  csv));
  return fmt::format(
      "set datafile missing NaN\nset key autotitle columnhead outside below maxrows 4\n"
      "set title 'Hidden width at fixed FLOPs: simzrr, a simulated stand-in, {}'\n"
      "set logscale xy\nset grid\nset format xy '10^{{%T}}'\nset xlabel 'parameters (arrows above: "
      "as many as the training set has values)'\nset ylabel 'mean squared error'\n"
      "set ytics nomirror\nset y2tics\nset y2range [0:*]\nset y2label 'GFLOP of a 12 MP photo'\n"
      "{}plot {}\n",
      words_for(noise), lines, fmt::join(plots, ", \\\n  "));
}

/// At most three of the hidden widths on the largest training set: the narrowest, the first with
/// more parameters than the set has values, the widest.
std::vector<Point> chosen_for_epochs(const std::vector<Point>& points) {
  int windows = 0;
  for (const Point& p : points) windows = std::max(windows, p.windows);
  std::vector<Point> hyper;
  for (const Point& p : points)
    if (p.windows == windows && p.hidden > 0 && !p.curve.empty()) hyper.push_back(p);
  if (hyper.size() <= 2) return hyper;
  const auto critical = std::find_if(hyper.begin() + 1, hyper.end() - 1,
                                     [](const Point& p) { return p.parameters > p.targets; });
  return {hyper.front(), critical == hyper.end() - 1 ? hyper[hyper.size() / 2] : *critical,
          hyper.back()};
}

void draw_epochs(const std::vector<Point>& points, double noise, const fs::path& csv) {
  std::string text = "hidden,windows,step,seeds,train_mse,train_interval,test_mse,test_interval\n";
  std::vector<std::string> plots;
  int colour = 0;
  for (const Point& p : points) {
    ++colour;
    for (const auto& [step, errors] : p.curve)
      text += fmt::format("{},{},{},{},{:.6g},{:.6g},{:.6g},{:.6g}\n", p.hidden, p.windows, step,
                          errors.first.count, errors.first.mean, errors.first.interval,
                          errors.second.mean, errors.second.interval);
    for (const auto& [column, dash, word] :
         {std::tuple("test_mse", 1, "test"), {"train_mse", 2, "train"}})
      plots.push_back(
          fmt::format("'{}' using 'step':(column('hidden')=={} ? column('{}') : NaN) "
                      "with lines lc {} lw 2 dt {} title 'hidden {}, {}'",
                      csv.filename().string(), p.hidden, column, colour, dash, p.hidden, word));
  }
  write_file(csv, text);
  draw_figure(csv,
              fmt::format("set datafile missing NaN\nset key autotitle columnhead outside "
                          "right\nset title '{} windows of simzrr, a simulated stand-in: "
                          "errors over the steps, {}'\nset logscale xy\nset grid\nset xlabel "
                          "'steps'\nset ylabel 'squared error: of the training, and the "
                          "geometric mean of 100 test windows'\nplot {}\n",
                          points.front().windows, words_for(noise), fmt::join(plots, ", \\\n  ")));
}

}  // namespace

std::vector<fs::path> DoubleDescent::draw(const fs::path& path) const {
  std::map<double, std::vector<Point>> by_noise;
  for (const Point& p : points_of(read_results(path))) by_noise[p.noise].push_back(p);
  std::vector<fs::path> drawn;
  for (const auto& [noise, points] : by_noise) {
    const std::string labels = noise > 0 ? fmt::format("noise-{:g}", noise) : std::string("right");
    const fs::path csv =
        path.parent_path() / fmt::format("{}-labels-{}.csv", path.stem().string(), labels);
    write_file(csv, points_csv(points));
    draw_figure(csv, commands(csv.filename().string(), points, noise));
    drawn.push_back(csv.parent_path() / csv.stem());
    const auto chosen = chosen_for_epochs(points);
    if (chosen.empty()) continue;
    const fs::path epochs =
        path.parent_path() / fmt::format("{}-steps-labels-{}.csv", path.stem().string(), labels);
    draw_epochs(chosen, noise, epochs);
    drawn.push_back(epochs.parent_path() / epochs.stem());
  }
  return drawn;
}

std::vector<std::string> DoubleDescent::table(const Results& results) const {
  std::vector<std::string> lines = {
      "| label noise | windows | hidden | parameters | GFLOP at 12 MP | seeds | train MSE | test "
      "MSE | over plain's |",
      "|---:|---:|---:|---:|---:|---:|---:|---:|---:|"};
  const bool with_fall = has_curves(results);
  if (with_fall) {
    lines[0] += " loss fell in the last tenth by |";
    lines[1] += "---:|";
  }
  for (const Point& p : points_of(results)) {
    lines.push_back(fmt::format("| {:g} | {} | {} | {:.0f} | {:.3f} | {} | {} | {} | {} |", p.noise,
                                p.windows, p.hidden == 0 ? "plain" : fmt::format("{}", p.hidden),
                                p.parameters, p.flops / 1e9, p.test.count, to_text(p.train, 5),
                                to_text(p.test, 5), to_text(p.over_plain, 2)));
    if (with_fall) lines.back() += fmt::format(" {} |", to_text(p.last_fall, 3));
  }
  return lines;
}

}  // namespace hyperconv
