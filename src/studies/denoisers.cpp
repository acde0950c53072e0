#include "studies/denoisers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "metrics/metrics.hpp"
#include "studies/known_scores.hpp"
#include "studies/picture_set.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

double deviation_between(const Tensor& noisy, const Tensor& clean) {
  double squares = 0;
  for (size_t i = 0; i < clean.size(); ++i)
    squares += std::pow(double(noisy.data()[i]) - double(clean.data()[i]), 2);
  return std::sqrt(squares / double(clean.size()));
}

class Scorer {
 public:
  Scorer(const std::vector<std::unique_ptr<DenoisingContender>>& contenders,
         const DenoisersOptions& options)
      : contenders_(contenders), options_(options), known_(options.csv, "photo_hash") {
    for (const auto& contender : contenders_)
      table_.rows.push_back({contender->name(), contender->flops(), 0, {}});
    times_.resize(contenders_.size());
  }

  void add(const PictureSet& set) {
    table_.columns.push_back({set.name, set.noise, 0});
    for (auto& row : table_.rows) row.cells.emplace_back();
    const int64_t count = options_.limit > 0 ? std::min(options_.limit, set.size) : set.size;
    Progress progress(fmt::format("{}, {}", set.name, set.noise), count);
    for (int64_t i = 0; i < count; ++i) {
      throw_if_interrupted();
      for (const NamedPair& pair : read(set, i)) one_picture(pair);
      progress.show(i + 1);
    }
    const int64_t pictures = table_.columns.back().pictures;
    if (pictures == 0) fail("{}: holds nothing that could be used", set.name);
    for (auto& row : table_.rows) {
      row.cells.back().psnr /= double(pictures);
      row.cells.back().ssim /= double(pictures);
    }
  }

  DenoisersTable take() {
    for (size_t who = 0; who < table_.rows.size(); ++who)
      table_.rows[who].seconds_per_megapixel = times_[who].seconds / times_[who].megapixels;
    return std::move(table_);
  }

 private:
  std::vector<NamedPair> read(const PictureSet& set, int64_t index) {
    try {
      return set.read(index);
    } catch (const Error& error) {
      throw_if_interrupted();
      table_.skipped.emplace_back(error.what());
      return {};
    }
  }

  void one_picture(const NamedPair& pair) {
    const auto& [noisy, clean] = pair.pair;
    const std::string hash = to_hex(hash_of(std::as_bytes(std::span(noisy.data(), noisy.size()))));
    const TrueNoise truth{deviation_between(noisy, clean), grain_between(noisy, clean)};
    const Image target = to_u8(float_image(clean));
    std::optional<ComparedPhoto> photo;
    if (options_.page != nullptr &&
        table_.columns.back().pictures < ComparisonPage::photos_of_a_set)
      photo.emplace(pair.name, table_.columns.back().noise, target);
    ++table_.columns.back().pictures;
    for (size_t who = 0; who < contenders_.size(); ++who) {
      throw_if_interrupted();
      const MethodScore score = score_of(who, pair, hash, truth, target, photo);
      auto& cell = table_.rows[who].cells.back();
      // Equal pictures have an infinite PSNR; a mean needs a number.
      cell.psnr += std::min(score.psnr, most_psnr);
      cell.ssim += score.ssim;
      times_[who].seconds += score.seconds;
      times_[who].megapixels += score.megapixels;
    }
    if (photo) options_.page->add(std::move(*photo));
  }

  MethodScore score_of(size_t who, const NamedPair& pair, const std::string& hash,
                       const TrueNoise& truth, const Image& target,
                       std::optional<ComparedPhoto>& photo) {
    DenoisingContender& contender = *contenders_[who];
    const ScoredMethod method{contender.name(), contender.version()};
    const auto known = known_.find(hash, method);
    if (known && !photo) return *known;
    const auto start = std::chrono::steady_clock::now();
    const Tensor cleaned = contender.picture(pair.pair.input, truth);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const Image picture = to_u8(float_image(cleaned));
    if (known) {
      photo->add(method.name, picture, {known->psnr, known->ssim});
      return *known;
    }
    const MethodScore score{std::min(psnr(picture, target), most_psnr), ssim(picture, target),
                            took.count(), 1e-6 * target.width * target.height};
    const DenoisersColumn& column = table_.columns.back();
    known_.add({{"set", column.set}, {"noise", column.noise}, {"photo", pair.name}}, hash, method,
               score);
    if (photo) photo->add(method.name, picture, {score.psnr, score.ssim});
    return score;
  }

  static constexpr double most_psnr = 99;

  const std::vector<std::unique_ptr<DenoisingContender>>& contenders_;
  const DenoisersOptions& options_;
  KnownScores known_;
  DenoisersTable table_;
  std::vector<MethodScore> times_;  ///< of each contender; no quality
};

}  // namespace

DenoisersTable score_denoisers(const std::vector<std::unique_ptr<DenoisingContender>>& contenders,
                               const DenoisersOptions& options) {
  Scorer scorer(contenders, options);
  for (const fs::path& folder : options.pairs) scorer.add(set_of_pairs(folder, options.crop));
  for (const fs::path& folder : options.photos)
    for (const SyntheticNoise& noise : options.noises)
      scorer.add(set_of_photos(folder, noise, options.seed));
  return scorer.take();
}

std::string to_markdown(const DenoisersTable& table) {
  std::string text = "| | GFLOP/MP | s/MP |", line = "\n|---|---:|---:|";
  for (const DenoisersColumn& column : table.columns) {
    text += fmt::format(" {}, {} ({}) |", column.set, column.noise, column.pictures);
    line += "---|";
  }
  text += line;
  for (const auto& row : table.rows) {
    text += fmt::format("\n| {} | {} | {:.2f} |", row.name,
                        row.flops ? fmt::format("{:.1f}", *row.flops / 1e3) : "-",
                        row.seconds_per_megapixel);
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const bool is_best = std::ranges::all_of(
          table.rows, [&](const auto& other) { return other.cells[i].psnr <= row.cells[i].psnr; });
      text += fmt::format(" {0}{1:.2f}{0} / {2:.3f} |", is_best ? "**" : "", row.cells[i].psnr,
                          row.cells[i].ssim);
    }
  }
  return text + "\n";
}

}  // namespace hyperconv
