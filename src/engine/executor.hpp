// Runs a plan: what the two ways to do it have in common.
#pragma once

#include "base/tensor.hpp"
#include "engine/plan.hpp"

namespace hyperconv {

class Executor {
 public:
  virtual ~Executor() = default;

  virtual const Plan& plan() const = 0;
  /// Shapes as in the plan, the graph's side inputs as check_side_inputs wants them. Throws Error
  /// when the user interrupts.
  virtual void run(const Tensor& input, const SideInputs& side, Tensor& output) = 0;
};

/// Throws Error with the figure when the machine has not that much.
void require_memory(int64_t bytes);

}  // namespace hyperconv
