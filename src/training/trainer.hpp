// Trains a network by a recipe.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "training/launch.hpp"
#include "training/recipe.hpp"

namespace hyperconv {

struct TrainOptions {
  std::filesystem::path output;  ///< folder for checkpoints, log.csv, <name>.safetensors
  int threads = 0;               ///< 0: all cores, shared with the other ranks of this machine
  int workers = 1;               ///< background threads that make samples
  bool restart = false;          ///< ignore and remove checkpoints that are there
  int64_t stop_after = 0;        ///< steps after which this session stops, as Ctrl-C would; 0: none
  std::string device = "cpu";    ///< "cpu", "cuda" or "cuda:N", where libtorch has it
  WorldOptions world;            ///< where there are several ranks
};

struct TrainSummary {
  bool is_first = true;      ///< of several ranks the one that writes files and reports
  bool interrupted = false;  ///< on this rank or another one
  int64_t step = 0;          ///< reached
  int64_t steps = 0;         ///< wanted
  int64_t made = 0;          ///< steps of this call; 0: nothing was left to do
  double loss = 0;           ///< mean of the last log interval
  double patches_per_second = 0;
  double validation_psnr = 0;        ///< of the last validation, in dB; 0: none
  std::filesystem::path model;       ///< the averaged weights so far, in fp16
  std::filesystem::path best_model;  ///< those of the best validation; empty: none
};

/// Runs until the recipe's last step, a Ctrl-C or stop_after; goes on from the folder's newest
/// sound checkpoint where there is one. A run that was stopped and one that was not give
/// bit-identical weights on the same machine with the same number of threads. Throws Error when the
/// loss is not finite (the last checkpoint stays), when the device is not to be had, and when
/// another training works in the folder.
///
/// Started as one of several ranks (training/launch.hpp), it takes its share of every batch; all
/// ranks have bit-identical weights, which is checked at the start and at every checkpoint. Only
/// rank 0 writes files. Throws Error when another rank failed, is gone, or resumes elsewhere.
TrainSummary train(const Recipe& recipe, const TrainOptions& options);

}  // namespace hyperconv
