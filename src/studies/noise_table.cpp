#include "studies/noise_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "image/folder.hpp"
#include "raw/mosaic_noise.hpp"
#include "scoring/evaluate.hpp"
#include "simulation/scene.hpp"
#include "studies/quantile.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr double shots[] = {5e-6, 2.2e-5, 6.8e-5, 2.5e-4, 8.6e-4, 2.4e-3, 6e-3, 1.2e-2, 2e-2};
constexpr double mid_tone = 0.18;

/// ln read = 1.23 ln shot - 3.87, over 433 camera models.
NoiseProfile level_of(double shot) { return {shot, std::exp(1.23 * std::log(shot) - 3.87)}; }

NoiseTableRow::Ratios summary(const std::vector<double>& ratios) {
  const auto share = [&](double low, double high) {
    const auto count =
        std::ranges::count_if(ratios, [&](double r) { return r >= low && r <= high; });
    return double(count) / double(ratios.size());
  };
  return {quantile(ratios, 0.1), quantile(ratios, 0.5), quantile(ratios, 0.9), share(0.85, 1.15),
          share(0.5, 2)};
}

std::vector<Subject> subjects_of(const NoiseTableOptions& options, std::string& set) {
  if (options.folder.empty()) {
    set = "the painted scene, 1200x800";
    const SimulatedCamera camera = standard_camera();
    return {{scene_in_camera_colours(linear_srgb(painted_scene(1200, 800)), camera), camera,
             options.seed}};
  }
  auto photos = pictures_in(options.folder);
  if (options.limit > 0 && int64_t(photos.size()) > options.limit)
    photos.resize(size_t(options.limit));
  std::vector<Subject> subjects;
  for (size_t i = 0; i < photos.size(); ++i)
    subjects.push_back(subject_of(photos[i], options.shrink, options.seed, i));
  const fs::path whole = fs::absolute(options.folder).lexically_normal();
  const fs::path last = whole.has_filename() ? whole : whole.parent_path();
  set = (last.parent_path().filename() / last.filename()).generic_string();
  set += options.shrink == 1 ? ", as they are" : fmt::format(", shrunk by {}", options.shrink);
  return subjects;
}

/// All photos at one level.
class Level {
 public:
  explicit Level(const NoiseProfile& truth) { row_.truth = truth; }

  void add(const MosaicNoise& found, double own) {
    const auto truth = [&](double mean) { return row_.truth.shot * mean + row_.truth.read; };
    at_mid_tone_.push_back(found.variance(mid_tone) / truth(mid_tone));
    with_its_own_.push_back(found.variance(mid_tone) / (truth(mid_tone) + own));
    dark_.push_back(found.variance(found.darkest) / truth(found.darkest));
    doubts_.push_back(found.doubt);
  }

  NoiseTableRow row() const {
    NoiseTableRow row = row_;
    row.at_mid_tone = summary(at_mid_tone_);
    row.with_its_own = summary(with_its_own_);
    row.dark = quantile(dark_, 0.5);
    row.doubt = quantile(doubts_, 0.5);
    return row;
  }

 private:
  NoiseTableRow row_;
  std::vector<double> at_mid_tone_, with_its_own_, dark_, doubts_;
};

}  // namespace

NoiseTable noise_table(const NoiseTableOptions& options) {
  NoiseTable table;
  const auto subjects = subjects_of(options, table.set);
  table.photos = int64_t(subjects.size());
  std::vector<Level> levels;
  for (const double shot : shots) levels.emplace_back(level_of(shot));
  std::vector<double> own_shots;
  Progress progress("estimating noise", table.photos);
  int64_t done = 0;
  for (const Subject& subject : subjects) {
    const double own = estimate_noise(take(subject, {}).mosaic).variance(mid_tone);
    own_shots.push_back(own / mid_tone);
    for (size_t i = 0; i < levels.size(); ++i) {
      throw_if_interrupted();
      const Mosaic mosaic = take(subject, level_of(shots[i])).mosaic;
      const auto start = std::chrono::steady_clock::now();
      levels[i].add(estimate_noise(mosaic), own);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      table.seconds += took.count() / double(subjects.size() * levels.size());
    }
    progress.show(++done);
  }
  table.own_shot = quantile(own_shots, 0.5);
  for (const Level& level : levels) table.rows.push_back(level.row());
  return table;
}

std::string to_markdown(const NoiseTable& table) {
  std::string text = fmt::format(
      "**{}** ({}; without noise {:.1e} is estimated as shot)\n\n"
      "| shot | read | estimated / true, 10 % | half | 90 % of the photos | within 15 % | within a "
      "factor of two | half, with the photo's own | within 15 %, with its own | half, darkest "
      "places | doubt |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
      table.set, table.photos == 1 ? "one frame" : fmt::format("{} photos", table.photos),
      table.own_shot);
  for (const NoiseTableRow& row : table.rows) {
    const auto percent = [](double share) { return fmt::format("{:.0f} %", 100 * share); };
    text += fmt::format(
        "| {:.1e} | {:.1e} | {:.2f} | {:.2f} | {:.2f} | {} | {} | {:.2f} | {} | "
        "{:.2f} | {:.2f} |\n",
        row.truth.shot, row.truth.read, row.at_mid_tone.low, row.at_mid_tone.middle,
        row.at_mid_tone.high, percent(row.at_mid_tone.within_15_percent),
        percent(row.at_mid_tone.within_twofold), row.with_its_own.middle,
        percent(row.with_its_own.within_15_percent), row.dark, row.doubt);
  }
  return text + "\n";
}

}  // namespace hyperconv
