#include "studies/conditioning.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "data/pairs.hpp"
#include "engine/parts.hpp"
#include "studies/statistics.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int patch = 64, batch = 8;
constexpr const char* variants[] = {"plain", "hyper-constant", "hyper-layer", "hyper-image"};

/// Where statistics are from, by the names of the columns.
constexpr const char* ways[] = {"frame", "window", "window_mean", "thumbnail"};

struct Size {
  int seeds;
  int64_t steps;
  int64_t frames;  ///< 0: all
};

Size size_of(StudyForm form) {
  switch (form) {
    case StudyForm::full:
      return {3, 6000, 0};
    case StudyForm::quick:
      return {1, 200, 5};
    case StudyForm::smoke:
      return {1, 2, 1};
  }
  return {};
}

std::string recipe_text(const StudyNet& net, int64_t steps, const DataPaths& paths) {
  return fmt::format(
      "[model]\nnetwork = \"{}\"\nname = \"study\"\ndata_licence = \"a study's\"\n\n[data]\npairs "
      "= "
      "\"{}\"\ncache = \"{}\"\npatch = {}\nbatch = {}\n\n[training]\nsteps = {}\nwarmup = "
      "{}\nlearning_rate = 2e-3\nloss = \"l1\"\ncheckpoint_every = 1000\nlog_every = 20\n",
      net.name, paths.pairs, paths.cache, patch, batch, steps, std::min<int64_t>(200, steps / 4));
}

/// Rows and columns [top, top + height) x [left, left + width).
Tensor cut(const Tensor& frame, int64_t top, int64_t left, int64_t height, int64_t width) {
  Tensor part({1, frame.shape().c, height, width});
  for (int64_t c = 0; c < frame.shape().c; ++c)
    for (int64_t y = 0; y < height; ++y)
      std::copy_n(frame.row(0, c, top + y) + left, width, part.row(0, c, y));
  return part;
}

/// Means over factor x factor pixels; what is left over at the right and below is dropped.
Tensor averaged_down(const Tensor& frame, int64_t factor) {
  const Shape& s = frame.shape();
  Tensor small({1, s.c, s.h / factor, s.w / factor});
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < small.shape().h; ++y)
      for (int64_t x = 0; x < small.shape().w; ++x) {
        double sum = 0;
        for (int64_t v = 0; v < factor; ++v)
          for (int64_t u = 0; u < factor; ++u)
            sum += double(frame.at(0, c, factor * y + v, factor * x + u));
        small.at(0, c, y, x) = float(sum / double(factor * factor));
      }
  return small;
}

/// Whole frames cut to multiples of a window, so that windows tile them.
TensorPair cut_to_windows(const TensorPair& pair, int64_t side) {
  const int64_t h = pair.input.shape().h / side * side, w = pair.input.shape().w / side * side;
  if (h == 0 || w == 0) fail("a test frame is smaller than a patch of {}", patch);
  return {cut(pair.input, 0, 0, h, w), cut(pair.target, 0, 0, 2 * h, 2 * w)};
}

/// Of what a network made of a part of the input and the target, which has twice its pixels.
double squared_difference(const PhotoPart& part, const Tensor& target) {
  double sum = 0;
  for (int64_t c = 0; c < target.shape().c; ++c)
    for (int64_t y = 0; y < 2 * part.region.height; ++y) {
      const float* made = part.output.row(0, c, part.output_top + y) + part.output_left;
      const float* want = target.row(0, c, 2 * part.region.top + y) + 2 * part.region.left;
      for (int64_t x = 0; x < 2 * part.region.width; ++x) {
        const double difference = std::clamp(double(made[x]), 0.0, 1.0) - double(want[x]);
        sum += difference * difference;
      }
    }
  return sum;
}

/// Runs one model on frames in all ways.
class FrameRunner {
 public:
  explicit FrameRunner(const std::shared_ptr<const Model>& model)
      : runner_(model, {.threads = 1}),
        predicts_filters_(!hyper_nodes(model->graph()).empty()),
        multiple_(size_multiple(model->graph())) {}

  /// PSNR of a frame, in the order of `ways`.
  std::array<double, 4> psnrs(const TensorPair& whole) {
    const TensorPair pair = cut_to_windows(whole, side_);
    const Region all{0, 0, pair.input.shape().h, pair.input.shape().w};
    std::array<double, 4> errors;
    errors.fill(error(pair, all, engine().condition(whole_input(pair.input))));
    if (predicts_filters_) {
      const auto windows = window_statistics(pair.input);
      errors[1] = by_windows(pair, windows);
      errors[2] = error(pair, all, engine().condition(mean_of(windows)));
      errors[3] = error(pair, all, engine().condition(thumbnail_statistics(pair.input)));
    }
    for (double& error : errors) error = -10 * std::log10(error / double(pair.target.size()));
    return errors;
  }

 private:
  Engine& engine() { return runner_.engine(); }

  double error(const TensorPair& pair, const Region& region, const Conditions& conditions) {
    double sum = 0;
    runner_.run(whole_input(pair.input), region, conditions,
                [&](const PhotoPart& part) { sum += squared_difference(part, pair.target); });
    return sum;
  }

  /// The frame's windows, which tile it.
  static std::vector<Region> windows_of(const Shape& frame) {
    std::vector<Region> windows;
    for (int64_t top = 0; top < frame.h; top += side_)
      for (int64_t left = 0; left < frame.w; left += side_)
        windows.push_back({top, left, side_, side_});
    return windows;
  }

  std::vector<Statistics> window_statistics(const Tensor& input) {
    std::vector<Statistics> all;
    for (const Region& window : windows_of(input.shape()))
      all.push_back(engine().statistics(cut(input, window.top, window.left, side_, side_)));
    return all;
  }

  /// Each window through filters of its own, with as much around it as the filters look at.
  double by_windows(const TensorPair& pair, const std::vector<Statistics>& statistics) {
    const auto windows = windows_of(pair.input.shape());
    double sum = 0;
    for (size_t i = 0; i < windows.size(); ++i)
      sum += error(pair, windows[i], engine().condition(statistics[i]));
    return sum;
  }

  Statistics thumbnail_statistics(const Tensor& input) {
    const int64_t shorter = std::min(input.shape().h, input.shape().w);
    const Tensor small = averaged_down(input, std::max<int64_t>(1, shorter / side_));
    return engine().statistics(cut(small, 0, 0, small.shape().h / multiple_ * multiple_,
                                   small.shape().w / multiple_ * multiple_));
  }

  static constexpr int64_t side_ = patch / 2;  ///< of a window, in the input's pixels

  PartRunner runner_;
  const bool predicts_filters_;
  const int64_t multiple_;
};

}  // namespace

std::vector<StudyRun> ConditioningStudy::runs(const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  const int seeds = plan.seeds > 0 ? plan.seeds : size.seeds;
  const int64_t steps = plan.steps.value_or(size.steps);
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const char* variant : variants) {
      StudyRun run;
      run.key = variant;
      run.seed = seed;
      run.steps = steps;
      run.batch = batch;
      run.net.name = std::string("study-") + variant;
      run.facts = {{"variant", variant}};
      run.data = {plan.pairs};
      const StudyNet net = run.net;
      run.recipe = [=](const DataPaths& paths) { return recipe_text(net, steps, paths); };
      run.recipe_id = fingerprint(recipe_text(net, steps, {"", "", ""}));
      runs.push_back(std::move(run));
    }
  return runs;
}

Facts ConditioningStudy::measure(const StudyRun& run, const TrainedRun& trained,
                                 const StudyPlan& plan) const {
  const PairSet set = find_pairs(plan.pairs, Split::test);
  const int64_t limit = size_of(plan.form).frames;
  const size_t frames = limit > 0 ? std::min(size_t(limit), set.size()) : set.size();
  FrameRunner runner(trained.model);
  std::array<double, 4> sums{};
  for (size_t i = 0; i < frames; ++i) {
    throw_if_interrupted();
    const auto psnrs = runner.psnrs(set.read(i));
    for (size_t way = 0; way < sums.size(); ++way) sums[way] += psnrs[way] / double(frames);
  }
  Facts facts{{"steps", fmt::format("{}", run.steps)}, {"frames", fmt::format("{}", frames)}};
  for (size_t way = 0; way < sums.size(); ++way)
    facts.emplace_back(std::string(ways[way]) + "_psnr", fmt::format("{:.4f}", sums[way]));
  return facts;
}

namespace {

/// A column's values of one variant.
std::vector<double> values_of(const Results& results, const std::string& variant,
                              const std::string& column) {
  std::vector<double> values;
  for (size_t row = 0; row < results.size(); ++row)
    if (results.text(row, "variant") == variant) values.push_back(results.number(row, column));
  return values;
}

/// Of each seed, what a way loses against another.
Mean difference(const Results& results, const std::string& variant, const std::string& way,
                const std::string& against) {
  auto values = values_of(results, variant, way + "_psnr");
  const auto others = values_of(results, variant, against + "_psnr");
  for (size_t i = 0; i < values.size(); ++i) values[i] -= others[i];
  return mean_of(values);
}

}  // namespace

std::vector<fs::path> ConditioningStudy::draw(const fs::path& path) const {
  const Results results = read_results(path);
  std::string text = "variant,seeds";
  for (const char* way : ways) text += fmt::format(",{0},{0}_interval", way);
  text += "\n";
  for (const auto& variant : results.distinct("variant")) {
    text += fmt::format("{},{}", variant, values_of(results, variant, "frame_psnr").size());
    for (const char* way : ways) {
      const Mean mean = mean_of(values_of(results, variant, std::string(way) + "_psnr"));
      text += fmt::format(",{:.4f},{:.4f}", mean.mean, mean.interval);
    }
    text += "\n";
  }
  const fs::path csv = path.parent_path() / (path.stem().string() + "-by-statistics.csv");
  write_file(csv, text);
  // A series that nobody sees names the groups, once each.
  std::string plots = fmt::format("plot '{}' using 0:'{}':xtic(1) with points ps 0 notitle",
                                  csv.filename().string(), ways[0]);
  int place = 0;
  for (const char* way : ways) {
    plots += fmt::format(
        ", \\\n  '{}' using (column(0)+{:.2f}):'{}':'{}_interval' with yerrorbars lw 2 pt {} "
        "title '{}'",
        csv.filename().string(), 0.12 * place - 0.18, way, way, 5 + 2 * place,
        std::string(way) == "window_mean" ? "mean over windows" : way);
    ++place;
  }
  draw_figure(csv,
              "set key autotitle columnhead top left\nset grid ytics\nset xrange [-0.5:*]\n"
              "set title 'simzrr, a simulated stand-in: trained on patches of 64, shown whole "
              "frames'\nset ylabel 'PSNR, dB (95 % intervals over seeds), by where statistics "
              "are from'\nset offsets 0,0.5,graph 0.25,graph 0.05\n" +
                  plots + "\n");
  return {csv.parent_path() / csv.stem()};
}

std::vector<std::string> ConditioningStudy::table(const Results& results) const {
  std::vector<std::string> lines = {
      "| variant | seeds | frame | window - frame | window mean - frame | thumbnail - frame |",
      "|---|---:|---:|---:|---:|---:|"};
  for (const auto& variant : results.distinct("variant")) {
    const Mean frame = mean_of(values_of(results, variant, "frame_psnr"));
    std::string line = fmt::format("| {} | {} | {} |", variant, frame.count, to_text(frame, 2));
    for (const char* way : {"window", "window_mean", "thumbnail"})
      line += fmt::format(" {} |", to_text(difference(results, variant, way, "frame"), 3));
    lines.push_back(line);
  }
  return lines;
}

}  // namespace hyperconv
