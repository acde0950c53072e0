#include "studies/rivals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "image/folder.hpp"
#include "metrics/metrics.hpp"
#include "raw/colour.hpp"
#include "scoring/evaluate.hpp"
#include "simulation/demosaic.hpp"
#include "studies/known_scores.hpp"
#include "studies/side_by_side.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

std::string hash_of_samples(const Mosaic& mosaic) {
  return to_hex(hash_of(std::as_bytes(std::span(mosaic.samples))));
}

ScoredMethod method_of(const Contender& contender) {
  return {contender.name(), contender.version()};
}

/// Levels of which pictures are drawn, and photos of each set.
bool is_drawn(const NoiseProfile& level) {
  return level.shot == 0 || level.shot == 2.5e-4 || level.shot == 4e-3;
}
constexpr size_t drawn_photos = ComparisonPage::photos_of_a_set;

/// Where a picture goes that somebody made, beside its score.
struct Drawings {
  std::optional<SideBySide> sheet;
  std::optional<ComparedPhoto> photo;

  bool are_wanted() const { return sheet || photo; }
  void add(const std::string& name, const Image& picture, const PictureScore& score) {
    if (sheet) sheet->add(name, picture);
    if (photo) photo->add(name, picture, score);
  }
};

/// One set of photos at one size.
class Round {
 public:
  Round(const std::vector<std::unique_ptr<Contender>>& contenders, const RivalOptions& options,
        KnownScores& known)
      : contenders_(contenders), options_(options), known_(known) {}

  RivalTable run(const fs::path& folder, int shrink, std::vector<std::string>& skipped) {
    table_ = {};
    table_.set = short_name(folder);
    table_.shrink = shrink;
    table_.crop = options_.crop;
    begin_rows();
    auto photos = pictures_in(folder);
    if (options_.limit > 0 && int64_t(photos.size()) > options_.limit)
      photos.resize(size_t(options_.limit));
    Progress progress(fmt::format("{} / {}", table_.set, shrink), int64_t(photos.size()));
    for (size_t i = 0; i < photos.size(); ++i) {
      try {
        one_photo(photos[i], i);
        ++table_.photos;
      } catch (const UnusablePhoto& error) {
        skipped.push_back(error.line);
      }
      progress.show(int64_t(i) + 1);
    }
    if (table_.photos == 0) fail("{}: holds no photo that could be used", folder.string());
    finish_rows();
    return std::move(table_);
  }

 private:
  struct UnusablePhoto {
    std::string line;
  };

  void begin_rows() {
    times_.assign(contenders_.size(), {});
    for (const auto& contender : contenders_) {
      RivalTable::Row row;
      row.name = contender->name();
      row.flops = contender->flops();
      row.levels.resize(std::size(rival_levels));
      table_.rows.push_back(std::move(row));
    }
  }

  void finish_rows() {
    for (size_t who = 0; who < table_.rows.size(); ++who) {
      auto& row = table_.rows[who];
      row.seconds_per_megapixel = times_[who].seconds / times_[who].megapixels;
      for (auto& cell : row.levels) {
        cell.psnr /= double(cell.count);
        cell.ssim /= double(cell.count);
      }
    }
  }

  Subject subject(const fs::path& photo, size_t index) const {
    try {
      return subject_of(photo, table_.shrink, options_.seed, index, options_.crop);
    } catch (const Error& error) {
      throw_if_interrupted();
      throw UnusablePhoto{error.what()};
    }
  }

  void one_photo(const fs::path& photo, size_t index) {
    const Subject before_camera = subject(photo, index);
    for (size_t level = 0; level < std::size(rival_levels); ++level) {
      throw_if_interrupted();
      const Take shot = take(before_camera, rival_levels[level], options_.filters);
      const bool draws = index < drawn_photos && is_drawn(rival_levels[level]);
      Drawings drawings = draws ? drawings_of(photo, shot) : Drawings{};
      for (size_t who = 0; who < contenders_.size(); ++who)
        one_contender(photo, level, shot, who, drawings);
      if (drawings.sheet)
        drawings.sheet->write(options_.crops / fmt::format("{}-{:g}.png", photo.stem().string(),
                                                           rival_levels[level].shot));
      if (drawings.photo) options_.page->add(std::move(*drawings.photo));
    }
  }

  Drawings drawings_of(const fs::path& photo, const Take& shot) const {
    Drawings drawings;
    if (!options_.crops.empty()) drawings.sheet.emplace(shot.truth);
    if (options_.page == nullptr) return drawings;
    drawings.photo.emplace(photo.filename().string(), noise_note(*shot.mosaic.noise), shot.truth);
    const Image input = srgb_picture(bilinear_camera_rgb(shot.mosaic), shot.colours);
    drawings.photo->add("input, bilinear", input,
                        {psnr(shot.truth, input), ssim(shot.truth, input)});
    return drawings;
  }

  void one_contender(const fs::path& photo, size_t level, const Take& shot, size_t who,
                     Drawings& drawings) {
    Contender& contender = *contenders_[who];
    const NoiseProfile noise = rival_levels[level];
    if (noise.shot == 0 && !contender.takes_no_noise()) return;
    const std::string mosaic = hash_of_samples(shot.mosaic);
    auto score = known_.find(mosaic, method_of(contender));
    if (!score || drawings.are_wanted()) {
      const auto start = std::chrono::steady_clock::now();
      const Tensor camera_rgb = contender.camera_rgb(shot.mosaic);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      const Image picture = srgb_picture(camera_rgb, shot.colours);
      if (!score) {
        score = {psnr(shot.truth, picture), ssim(shot.truth, picture), took.count(),
                 1e-6 * shot.mosaic.width * shot.mosaic.height};
        known_.add(place_of(photo, noise), mosaic, method_of(contender), *score);
      }
      drawings.add(contender.name(), picture, {score->psnr, score->ssim});
    }
    add(*score, level, who);
  }

  Facts place_of(const fs::path& photo, const NoiseProfile& noise) const {
    return {{"set", table_.set},
            {"shrink", std::to_string(table_.shrink)},
            {"crop", std::to_string(options_.crop)},
            {"photo", photo.filename().string()},
            {"shot", fmt::format("{:g}", noise.shot)},
            {"read", fmt::format("{:g}", noise.read)}};
  }

  void add(const MethodScore& score, size_t level, size_t who) {
    auto& cell = table_.rows[who].levels[level];
    cell.psnr += score.psnr;
    cell.ssim += score.ssim;
    ++cell.count;
    times_[who].seconds += score.seconds;
    times_[who].megapixels += score.megapixels;
  }

  const std::vector<std::unique_ptr<Contender>>& contenders_;
  const RivalOptions& options_;
  KnownScores& known_;
  RivalTable table_;
  std::vector<MethodScore> times_;  ///< of each contender; no quality
};

std::string level_name(const NoiseProfile& level) {
  return level.shot == 0 ? "none" : fmt::format("{:g}", level.shot);
}

std::string cell_text(const RivalTable::Cell& cell, bool is_best) {
  if (cell.count == 0) return "-";
  const char* weight = is_best ? "**" : "";
  return fmt::format("{0}{1:.2f}{0} / {2:.3f}", weight, cell.psnr, cell.ssim);
}

double best_of(const RivalTable& table, size_t level) {
  double best = -std::numeric_limits<double>::infinity();
  for (const auto& row : table.rows)
    if (row.levels[level].count > 0) best = std::max(best, row.levels[level].psnr);
  return best;
}

std::string title_of(const RivalTable& t) {
  std::string title = fmt::format("{} photos of {}", t.photos, t.set);
  title += t.shrink == 1 ? ", as they are" : fmt::format(", shrunk by {}", t.shrink);
  if (t.crop > 0) title += fmt::format(", their middle {0}x{0}", t.crop);
  return title;
}

}  // namespace

RivalOutcome score_rivals(const std::vector<std::unique_ptr<Contender>>& contenders,
                          const RivalOptions& options) {
  KnownScores known(options.csv, "mosaic");
  RivalOutcome outcome;
  for (const fs::path& folder : options.folders)
    for (const int shrink : options.shrinks)
      outcome.tables.push_back(
          Round(contenders, options, known).run(folder, shrink, outcome.skipped));
  return outcome;
}

std::string to_markdown(const std::vector<RivalTable>& tables) {
  std::string text;
  for (const RivalTable& table : tables) {
    text += fmt::format("**{}**\n\n| | GFLOP/MP | s/MP |", title_of(table));
    for (const NoiseProfile& level : rival_levels) text += fmt::format(" {} |", level_name(level));
    text += "\n|---|---:|---:|";
    for (size_t i = 0; i < std::size(rival_levels); ++i) text += "---|";
    for (const auto& row : table.rows) {
      text += fmt::format("\n| {} | {} | {:.2f} |", row.name,
                          row.flops ? fmt::format("{:.1f}", *row.flops / 1e3) : "-",
                          row.seconds_per_megapixel);
      for (size_t i = 0; i < row.levels.size(); ++i)
        text +=
            fmt::format(" {} |", cell_text(row.levels[i], row.levels[i].psnr == best_of(table, i)));
    }
    text += "\n\n";
  }
  return text;
}

}  // namespace hyperconv
