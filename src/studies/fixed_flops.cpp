#include "studies/fixed_flops.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "image/folder.hpp"
#include "metrics/metrics.hpp"
#include "pipeline/develop.hpp"
#include "raw/colour.hpp"
#include "scoring/evaluate.hpp"
#include "scoring/evaluate_pairs.hpp"
#include "simulation/simulator.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int patch = 64, batch = 8;
/// Training photos are shrunk, so that their JPEG artefacts go; tests show photos as they are,
/// since halved ones are too small for MS-SSIM.
constexpr int train_shrink = 2, test_shrink = 1;

constexpr const char* tasks[] = {"pairs", "develop"};
constexpr const char* variants[] = {"plain",        "hyper-constant",     "hyper-layer",
                                    "hyper-image",  "squeeze-excitation", "film",
                                    "colour-affine"};
constexpr double wider[] = {1.5, 2, 3, 5, 7};

struct Size {
  int seeds;
  int64_t steps;
  int64_t test_pictures;  ///< 0: all
  bool all_widths;
};

Size size_of(StudyForm form) {
  switch (form) {
    case StudyForm::full:
      return {3, 6000, 0, true};
    case StudyForm::quick:
      return {1, 150, 6, false};
    case StudyForm::smoke:
      return {1, 2, 1, false};
  }
  return {};
}

std::string recipe_text(const StudyNet& net, bool develop, int64_t steps, const DataPaths& paths) {
  std::string text = fmt::format("[model]\nnetwork = \"{}\"\nname = \"study\"\n", net.name);
  text += "data_licence = \"a study's\"\n";
  if (net.options.width) text += fmt::format("width = {}\n", *net.options.width);
  text += "\n[data]\n";
  // Exposure stays at 1: how much noise there is, is all that a photo keeps to itself.
  text += develop ? fmt::format("photos = \"{}\"\nshrink = {}\nleast_exposure = 1.0\n",
                                paths.photos, train_shrink)
                  : fmt::format("pairs = \"{}\"\ncache = \"{}\"\n", paths.pairs, paths.cache);
  text += fmt::format("patch = {}\nbatch = {}\n", patch, batch);
  text += fmt::format(
      "\n[training]\nsteps = {}\nwarmup = {}\nlearning_rate = 2e-3\nloss = \"l1\"\n"
      "checkpoint_every = 1000\nlog_every = 20\n",
      steps, std::min<int64_t>(200, steps / 4));
  return text;
}

StudyRun run_of(const StudyPlan& plan, const std::string& task, const std::string& variant,
                std::optional<int> width, uint64_t seed, int64_t steps) {
  const bool develop = task == "develop";
  StudyRun run;
  run.seed = seed;
  run.steps = steps;
  run.batch = batch;
  const std::string network = variant.substr(0, variant.find(" x"));
  run.net.name = (develop ? "study-develop-" : "study-") + network;
  run.net.options.width = width;
  run.key = task + "-" + variant;
  std::ranges::replace(run.key, ' ', '-');
  run.facts = {{"task", task}, {"variant", variant}};
  const StudyNet net = run.net;
  run.recipe = [=](const DataPaths& paths) { return recipe_text(net, develop, steps, paths); };
  run.recipe_id = fingerprint(recipe_text(net, develop, steps, {"", "", ""}));
  if (develop)
    run.data = {plan.photos, plan.test_photos};
  else
    run.data = {plan.pairs};
  return run;
}

int64_t plain_flops(int width) {
  const Graph graph = study_network({StudyVariant::plain, width, 1});
  return total_cost(graph, network_input("study-plain", graph, paper_flops_size)).flops;
}

/// PSNR, SSIM and MS-SSIM of one picture after the other.
class Scores {
 public:
  void add(double psnr, double ssim, double ms_ssim) {
    const double values[] = {psnr, ssim, ms_ssim};
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += values[i];
    ++count_;
  }
  Facts facts() const {
    const auto mean = [&](size_t i) { return sums_[i] / double(count_); };
    return {{"pictures", fmt::format("{}", count_)},
            {"psnr", fmt::format("{:.4f}", mean(0))},
            {"ssim", fmt::format("{:.6f}", mean(1))},
            {"ms_ssim", fmt::format("{:.6f}", mean(2))}};
  }

 private:
  std::array<double, 3> sums_{};
  int64_t count_ = 0;
};

Scores scores_of_pairs(const std::shared_ptr<const Model>& model, const StudyPlan& plan,
                       int64_t limit) {
  PairEvaluateOptions options;
  options.limit = limit;
  options.engine.threads = 1;
  Scores scores;
  for (const PairScore& s :
       evaluate_pairs(model, find_pairs(plan.pairs, Split::test), options).scores) {
    if (!s.ms_ssim)
      fail("{}: {} is too small for MS-SSIM; a side of {} would do", plan.pairs.string(), s.name,
           ms_ssim_smallest_side);
    scores.add(s.psnr, s.ssim, *s.ms_ssim);
  }
  return scores;
}

/// Each photo seen by a camera of its own, at one noise level after the other.
Scores scores_of_developing(const std::shared_ptr<const Model>& model, const StudyPlan& plan,
                            int64_t limit) {
  constexpr uint64_t test_seed = 1;
  auto photos = pictures_in(plan.test_photos);
  if (limit > 0 && int64_t(photos.size()) > limit) photos.resize(size_t(limit));
  Developer developer(model, {.engine = {.threads = 1}});
  Scores scores;
  for (size_t i = 0; i < photos.size(); ++i) {
    throw_if_interrupted();
    const Tensor linear = linear_srgb(upright(read_image(photos[i])), test_shrink);
    if (std::min(linear.shape().h, linear.shape().w) < ms_ssim_smallest_side)
      fail("{}: is too small for MS-SSIM; a side of {} would do", photos[i].string(),
           ms_ssim_smallest_side);
    Random random(test_seed, i);
    const SimulatedCamera camera = random_camera(random);
    const Tensor scene = scene_in_camera_colours(linear, camera);
    const SensorSettings sensor{.bits = 14,
                                .noise = evaluation_levels[i % std::size(evaluation_levels)]};
    const Mosaic mosaic = expose(scene, camera, sensor, random);
    const Matrix3 colours = camera_to_srgb(mosaic);
    const Image truth = srgb_picture(clean_camera_rgb(scene, camera, sensor), colours);
    const Image picture = srgb_picture(developer.camera_rgb(mosaic), colours);
    scores.add(psnr(truth, picture), ssim(truth, picture), ms_ssim(truth, picture));
  }
  return scores;
}

std::string fact(const StudyRun& run, const std::string& name) {
  for (const auto& [known, value] : run.facts)
    if (known == name) return value;
  fail("the run has no '{}'", name);
}

}  // namespace

int width_for_flops(double times) {
  const int own = StudyNetwork().width;
  const double wanted = times * double(plain_flops(own));
  int best = own;
  for (int width = own; width <= 8 * own; ++width)
    if (std::abs(double(plain_flops(width)) - wanted) <
        std::abs(double(plain_flops(best)) - wanted))
      best = width;
  return best;
}

std::vector<StudyRun> FixedFlops::runs(const StudyPlan& plan) const {
  const Size size = size_of(plan.form);
  const int64_t steps = plan.steps.value_or(size.steps);
  const int seeds = plan.seeds > 0 ? plan.seeds : size.seeds;
  std::vector<StudyRun> runs;
  for (uint64_t seed = 1; seed <= uint64_t(seeds); ++seed)
    for (const char* task : tasks) {
      for (const char* variant : variants)
        runs.push_back(run_of(plan, task, variant, {}, seed, steps));
      for (const double times : wider)
        if (size.all_widths || times == wider[1])
          runs.push_back(run_of(plan, task, fmt::format("plain x{:g}", times),
                                width_for_flops(times), seed, steps));
    }
  return runs;
}

Facts FixedFlops::measure(const StudyRun& run, const TrainedRun& trained,
                          const StudyPlan& plan) const {
  const int64_t limit = size_of(plan.form).test_pictures;
  const Scores scores = fact(run, "task") == "develop"
                            ? scores_of_developing(trained.model, plan, limit)
                            : scores_of_pairs(trained.model, plan, limit);
  Facts facts{{"steps", fmt::format("{}", run.steps)}};
  for (auto& score : scores.facts()) facts.push_back(std::move(score));
  return facts;
}

namespace {

/// One variant on one task, over all seeds.
struct Point {
  std::string task, variant;
  double parameters = 0, flops = 0;
  Mean psnr, ssim, ms_ssim;
  Mean gain;  ///< of PSNR over the plain network of the same seed
};

std::vector<Point> points_of(const Results& results) {
  std::vector<Point> points;
  for (const auto& task : results.distinct("task")) {
    std::map<std::string, double> plain;
    for (size_t row = 0; row < results.size(); ++row)
      if (results.text(row, "task") == task && results.text(row, "variant") == "plain")
        plain[results.text(row, "seed")] = results.number(row, "psnr");
    for (const auto& variant : results.distinct("variant")) {
      std::vector<double> psnrs, ssims, ms_ssims, gains;
      Point point{task, variant, 0, 0, {}, {}, {}, {}};
      for (size_t row = 0; row < results.size(); ++row) {
        if (results.text(row, "task") != task || results.text(row, "variant") != variant) continue;
        point.parameters = results.number(row, "parameters");
        point.flops = results.number(row, "flops_total_12mp");
        psnrs.push_back(results.number(row, "psnr"));
        ssims.push_back(results.number(row, "ssim"));
        ms_ssims.push_back(results.number(row, "ms_ssim"));
        if (const auto found = plain.find(results.text(row, "seed")); found != plain.end())
          gains.push_back(psnrs.back() - found->second);
      }
      if (psnrs.empty()) continue;
      point.psnr = mean_of(psnrs);
      point.ssim = mean_of(ssims);
      point.ms_ssim = mean_of(ms_ssims);
      point.gain = mean_of(gains);
      points.push_back(std::move(point));
    }
  }
  return points;
}

std::string points_csv(const std::vector<Point>& points, const std::string& task) {
  std::string csv =
      "task,variant,parameters,flops_total_12mp,seeds,psnr,psnr_interval,ssim,ssim_interval,"
      "ms_ssim,ms_ssim_interval,psnr_gain,psnr_gain_interval\n";
  for (const Point& p : points)
    if (p.task == task)
      csv += fmt::format(
          "{},{},{:.0f},{:.0f},{},{:.4f},{:.4f},{:.6f},{:.6f},{:.6f},{:.6f},{:.4f},{:.4f}\n",
          p.task, p.variant, p.parameters, p.flops, p.psnr.count, p.psnr.mean, p.psnr.interval,
          p.ssim.mean, p.ssim.interval, p.ms_ssim.mean, p.ms_ssim.interval, p.gain.mean,
          p.gain.interval);
  return csv;
}

/// The curve of plain networks, and a point in a colour of its own for each of the others. Those
/// would stand upon one another: each is moved a little further to the right.
std::string commands(const std::string& csv, const std::string& task, bool over_flops) {
  const char* x = over_flops ? "column('flops_total_12mp')/1e9" : "column('parameters')/1e3";
  std::string plots = fmt::format(
      "plot '{0}' using ({1}):(substr(strcol('variant'),1,5) eq 'plain' ? column('psnr') : "
      "NaN):'psnr_interval' with yerrorlines lw 2 pt 7 ps 0.7 lc 'black' title 'plain, wider and "
      "wider'",
      csv, x);
  constexpr int colours[] = {0, 1, 2, 3, 4, 7, 6};  // gnuplot's, but for its yellow
  for (size_t place = 1; place < std::size(variants); ++place) {
    const char* variant = variants[place];
    plots += fmt::format(
        ", \\\n  '{}' using ({}*{:.3f}):(strcol('variant') eq '{}' ? column('psnr') : "
        "NaN):'psnr_interval' with yerrorbars lw 2 lc {} pt {} ps 1 title '{}'",
        csv, x, std::pow(over_flops ? 1.05 : 1.025, double(place)), variant, colours[place],
        4 + place, variant);
  }
  return fmt::format(
      "set datafile missing NaN\nset key autotitle columnhead outside right\nset title "
      "'{}'\nset logscale x\nset grid\nset xrange [{}:250]\nset xtics (5,10,20,30,50,100,200)\nset "
      "xlabel '{}; points "
      "but plain are moved apart'\nset ylabel 'PSNR, dB (95 % intervals over seeds)'\n{}\n",
      task == "develop" ? "Developing, known white balance, unknown noise"
                        : "simzrr, a simulated stand-in: unknown exposure and white balance",
      over_flops ? 20 : 5, over_flops ? "GFLOP of a 12 MP photo" : "thousand parameters", plots);
}

}  // namespace

std::vector<fs::path> FixedFlops::draw(const fs::path& path) const {
  const Results results = read_results(path);
  const auto points = points_of(results);
  std::vector<fs::path> drawn;
  for (const auto& task : results.distinct("task"))
    for (const bool over_flops : {true, false}) {
      const fs::path csv =
          path.parent_path() / fmt::format("{}-{}-over-{}.csv", path.stem().string(), task,
                                           over_flops ? "flops" : "parameters");
      write_file(csv, points_csv(points, task));
      draw_figure(csv, commands(csv.filename().string(), task, over_flops));
      drawn.push_back(csv.parent_path() / csv.stem());
    }
  return drawn;
}

std::vector<std::string> FixedFlops::table(const Results& results) const {
  std::vector<std::string> lines = {
      "| task | variant | parameters | GFLOP at 12 MP | seeds | PSNR | over plain | SSIM | MS-SSIM "
      "|",
      "|---|---|---:|---:|---:|---:|---:|---:|---:|"};
  for (const Point& p : points_of(results))
    lines.push_back(fmt::format("| {} | {} | {:.0f} | {:.2f} | {} | {} | {} | {} | {} |", p.task,
                                p.variant, p.parameters, p.flops / 1e9, p.psnr.count,
                                to_text(p.psnr, 2), to_text(p.gain, 2), to_text(p.ssim, 4),
                                to_text(p.ms_ssim, 4)));
  return lines;
}

}  // namespace hyperconv
