// Scores of comparisons that take hours: kept in a table as they come, and not made again.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "studies/results.hpp"

namespace hyperconv {

/// One method on one picture.
struct MethodScore {
  double psnr = 0, ssim = 0, seconds = 0, megapixels = 0;
};

/// What made a score.
struct ScoredMethod {
  std::string name;
  std::string version;  ///< of what decides its result: a score of another version is no score
};

/// What has been scored: by input, method and the method's version.
class KnownScores {
 public:
  /// `csv`: the table, which may be there already; empty: none. `input_column` is its column with
  /// the inputs' hashes.
  KnownScores(std::filesystem::path csv, std::string input_column);

  std::optional<MethodScore> find(const std::string& input, const ScoredMethod& method) const;
  /// Appends a row that begins with `place`.
  void add(const Facts& place, const std::string& input, const ScoredMethod& method,
           const MethodScore& score);

 private:
  std::filesystem::path csv_;
  std::string input_column_;
  std::map<std::string, MethodScore> scores_;
};

}  // namespace hyperconv
