// Everything a training run needs to go on as if it had never stopped.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "hyperconv/graph.hpp"

namespace hyperconv {

/// References into a running trainer. Data order and noise depend on the step alone, so no other
/// random state exists.
struct TrainingState {
  const std::vector<Parameter>& parameters;
  std::vector<torch::Tensor> weights, first_moments, second_moments, average;
  int64_t step = 0;
  std::string recipe;  ///< its text: a run goes on only with the recipe it began with
};

/// Writes a .safetensors file, whole or not at all.
void save_checkpoint(const std::filesystem::path& path, const TrainingState& state);

/// Copies the file's values into the state's tensors and sets the step. Throws Error when the file
/// is damaged, of other tensors, or of another recipe.
void load_checkpoint(const std::filesystem::path& path, TrainingState& state);

}  // namespace hyperconv
