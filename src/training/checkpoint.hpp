// Everything a training run needs to go on as if it had never stopped.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "network/graph.hpp"
#include "network/side_range.hpp"

namespace hyperconv {

/// References into a running trainer. Data order and noise depend on the step alone, so no other
/// random state exists.
struct TrainingState {
  const std::vector<Parameter>& parameters;
  std::vector<torch::Tensor> weights, first_moments, second_moments, average;
  int64_t step = 0;
  double best_psnr = 0;      ///< of the validations so far, in dB; 0: none yet
  std::vector<double> clip;  ///< Clipper::state()
  std::string recipe;        ///< its text: a run goes on only with the recipe it began with
  SideRanges side_ranges;    ///< of the samples so far; with several ranks, of the first one's
};

/// Of all tensors' bytes, as it stands in the checkpoint: ranks with the same one are equal.
int64_t state_hash(const TrainingState& state);

/// The checkpoints of one run, FOLDER/checkpoint-STEP.safetensors: the last two that were written.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes one, whole or not at all, with a checksum, and then removes all but the last two.
  void save(const TrainingState& state) const;

  /// Copies the newest sound checkpoint's values into the state's tensors and sets its step; false
  /// where there is none at all. A damaged one is named in `damaged` and the one before is taken.
  /// Throws Error when all are damaged, and when the newest is sound but of another recipe or of
  /// other tensors.
  bool load(TrainingState& state, std::vector<std::string>& damaged) const;

  /// Those that are there, from the newest to the oldest.
  std::vector<std::filesystem::path> files() const;
  void remove_all() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace hyperconv
