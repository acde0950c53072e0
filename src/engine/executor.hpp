// Runs a plan: what the two ways to do it have in common.
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

/// Throws Error with the figure when the machine has not that much.
void require_memory(int64_t bytes);

}  // namespace hyperconv
