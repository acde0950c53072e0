// Runs a study's trainings: many at once, on many machines, and on from where it was stopped.
#pragma once

#include <functional>

#include "pipeline/shard.hpp"
#include "studies/study.hpp"

namespace hyperconv {

struct SweepOptions {
  std::filesystem::path results;  ///< CSV; runs that stand there are not made again
  std::filesystem::path folder;   ///< for what is under way: a folder a run, removed at its end
  int jobs = 1;                   ///< runs at once
  int threads = 1;                ///< of each
  std::string only;               ///< runs whose key has this in it; empty: all
  Shard shard;                    ///< of these, those that stand in the results included
  bool keep = false;              ///< a run's folder stays, with its model
};

/// The runs of a study whose key has `only` in it. Throws Error where there are none.
std::vector<StudyRun> chosen_runs(const Study& study, const StudyPlan& plan,
                                  const std::string& only);

/// What is left to do.
struct SweepEstimate {
  int64_t runs = 0, done = 0;  ///< of this shard
  double hours = 0;            ///< of training, one run after the other
};

/// Times a few steps of every kind of network that is left to be trained. Throws Error as sweep().
SweepEstimate estimate_sweep(const Study& study, const StudyPlan& plan,
                             const SweepOptions& options);

struct SweepSummary {
  int64_t runs = 0;                 ///< of this shard
  int64_t done = 0;                 ///< that stand in the results now
  std::vector<std::string> failed;  ///< one line each
};

/// After each run: how many of the shard's stand in the results, of how many, and a line about it.
using SweepProgress = std::function<void(int64_t done, int64_t runs, const std::string& line)>;

/// Trains what is left, each run in a process of its own (this program's `train`), measures it and
/// adds its line to the results. A run that fails does not stop the others. Killed at any time, the
/// same command goes on: runs under way go on from their checkpoints. Processes that share results
/// and folder share the work. Throws Error on Ctrl-C, when data are missing, and when the results
/// are of other data.
SweepSummary sweep(const Study& study, const StudyPlan& plan, const SweepOptions& options,
                   const SweepProgress& progress);

}  // namespace hyperconv
