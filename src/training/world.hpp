// The processes that train together, each with its share of every batch.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "training/gradients.hpp"
#include "training/launch.hpp"

namespace hyperconv {

/// Exchanges through libtorch's c10d: by Gloo over TCP what lies in memory, by NCCL what lies on a
/// GPU where libtorch has it. Every call that exchanges something must be made by all ranks, in the
/// same order. An exchange that fails throws Error with a line that names the rank that is missing.
class World {
 public:
  /// A process alone: nothing is exchanged.
  World();
  /// Meets the other ranks; rank 0 says on stderr where each one is. Throws Error naming the ranks
  /// that did not come in time, and when two of them claim the same place.
  World(const Launch& launch, const WorldOptions& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const { return launch_.rank; }
  int size() const { return launch_.size; }
  int local_rank() const { return launch_.local_rank; }
  bool is_first() const { return rank() == 0; }

  /// How many cores each rank may take so that no two of them share one; the same number on all
  /// ranks, since the number of threads shows in the last bit of a sum.
  int cores_a_rank() const;

  /// Adds up all ranks' values, in place; every rank gets the same bits.
  void sum(torch::Tensor& values) const;

  /// Every rank's number, in the order of ranks.
  std::vector<int64_t> gather(int64_t value) const;

  /// Throws Error naming the ranks whose number is not rank 0's: "LINE: rank 2 differs from rank
  /// 0".
  void check_same(int64_t value, const std::string& what) const;

  /// The gradients of the whole batch from those of each rank's share: dense ones are added up in
  /// one message, of outer products the factors are put one below the other in the order of ranks,
  /// however many each has. `weights`: what they are the gradients of.
  void combine(Gradients& gradients, const std::vector<torch::Tensor>& weights) const;

  /// Does the work that all ranks do together, and leaves together: an Error on one rank stops the
  /// others, and only that rank throws its line; the others' says which it was.
  template <class Work>
  auto together(const Work& work) {
    try {
      auto result = work();
      leave();
      return result;
    } catch (const std::exception& error) {
      leave_because_of(error);
      throw;
    }
  }

 private:
  class Links;

  void leave();
  /// Throws Error instead where another rank failed before, or the line should name this one.
  void leave_because_of(const std::exception& error);

  const Launch launch_;
  std::unique_ptr<Links> links_;  ///< none: alone
};

}  // namespace hyperconv
