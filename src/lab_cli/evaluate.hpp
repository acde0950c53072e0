// The two kinds of evaluation under `hyperconv evaluate`: by the model's task one or the other
// runs.
#pragma once

#include <optional>
#include <string>

#include "network/model.hpp"
#include "scoring/evaluate_pairs.hpp"

namespace hyperconv::cli {

struct EvaluatePairsArguments {
  std::string model, data;
  Split part = Split::test;
  std::string csv;
  PairEvaluateOptions options;
  std::optional<SyntheticNoise> noise;  ///< added to clean photos; nothing: the data are pairs
  uint64_t seed = 1;                    ///< of the noise
  bool json = false;
};

/// A model of the tasks `isp` and `denoise` on a data set of pairs, or on photos with noise.
void evaluate_on_pairs(const std::shared_ptr<const Model>& model, const EvaluatePairsArguments& a);

/// Puts the shares of a table together that waits for them.
void merge_score_table(const std::string& csv, bool json);

}  // namespace hyperconv::cli
