// Trains a network by a recipe.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "training/recipe.hpp"

namespace hyperconv {

struct TrainOptions {
  std::filesystem::path output;  ///< folder for checkpoint.safetensors, log.csv, <name>.safetensors
  int threads = 0;               ///< 0: all cores
  bool restart = false;          ///< ignore and replace a checkpoint that is there
  int64_t stop_after = 0;        ///< steps after which this session stops, as Ctrl-C would; 0: none
};

struct TrainSummary {
  int64_t step = 0;   ///< reached
  int64_t steps = 0;  ///< wanted
  double loss = 0;    ///< mean of the last log interval
  double patches_per_second = 0;
  std::filesystem::path model;  ///< the averaged weights so far, in fp16
};

/// Runs until the recipe's last step, a Ctrl-C or stop_after; goes on from the folder's checkpoint
/// where there is one. A run that was stopped and one that was not give bit-identical weights on
/// the same machine with the same number of threads. Throws Error when the loss is not finite (the
/// last checkpoint stays).
TrainSummary train(const Recipe& recipe, const TrainOptions& options);

}  // namespace hyperconv
