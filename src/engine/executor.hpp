// Runs a plan: the interface of the two executors.
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

/// Throws Error that says how much is needed and how much there is, where the machine has less
/// memory.
void require_memory(int64_t bytes);

}  // namespace hyperconv
