#include "studies/known_scores.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hyperconv {
namespace {

/// Tables keep no commas within a value (append_result).
std::string key(const std::string& input, const ScoredMethod& method) {
  std::string text = input + "|" + method.name + "|" + method.version;
  std::ranges::replace(text, ',', ' ');
  return text;
}

}  // namespace

KnownScores::KnownScores(std::filesystem::path csv, std::string input_column)
    : csv_(std::move(csv)), input_column_(std::move(input_column)) {
  if (csv_.empty()) return;
  const Results results = read_results(csv_);
  for (size_t i = 0; i < results.size(); ++i)
    scores_[key(results.text(i, input_column_),
                {results.text(i, "method"), results.text(i, "version")})] = {
        results.number(i, "psnr"), results.number(i, "ssim"), results.number(i, "seconds"),
        results.number(i, "megapixels")};
}

std::optional<MethodScore> KnownScores::find(const std::string& input,
                                             const ScoredMethod& method) const {
  const auto found = scores_.find(key(input, method));
  return found == scores_.end() ? std::nullopt : std::optional(found->second);
}

void KnownScores::add(const Facts& place, const std::string& input, const ScoredMethod& method,
                      const MethodScore& score) {
  scores_[key(input, method)] = score;
  if (csv_.empty()) return;
  Facts row = place;
  row.insert(row.end(), {{input_column_, input},
                         {"method", method.name},
                         {"version", method.version},
                         {"psnr", fmt::format("{:.4f}", score.psnr)},
                         {"ssim", fmt::format("{:.5f}", score.ssim)},
                         {"seconds", fmt::format("{:.4f}", score.seconds)},
                         {"megapixels", fmt::format("{:.6f}", score.megapixels)}});
  append_result(csv_, row);
}

}  // namespace hyperconv
