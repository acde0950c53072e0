// Runs a plan: the interface of the two executors.
#pragma once

#include "engine/given.hpp"
#include "engine/plan.hpp"
#include "engine/rows.hpp"

namespace hyperconv {

class Executor {
 public:
  virtual ~Executor() = default;

  virtual const Plan& plan() const = 0;
  /// Shapes as in the plan; `given` holds a vector for each node that the plan takes as it is.
  /// Throws Error when the user interrupts.
  virtual void run(const RunTensors& tensors, const Given& given) = 0;
};

/// Throws Error that says how much is needed and how much there is, where the machine has less
/// memory.
void require_memory(int64_t bytes);

}  // namespace hyperconv
