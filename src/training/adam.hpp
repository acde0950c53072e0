// Adam with a rate of its own for each tensor, and the averaged weights.
#pragma once

#include <torch/types.h>

#include <vector>

#include "training/gradients.hpp"

namespace hyperconv {

/// Adam of Kingma and Ba 2015, beta 0.9 and 0.999, epsilon 1e-8, bias-corrected. By hand:
/// libtorch's keeps its state under other types in each release and wants gradients as matrices; a
/// checkpoint needs plain tensors, and a gradient of outer products is never made a matrix here.
class Adam {
 public:
  explicit Adam(std::vector<torch::Tensor> weights, std::vector<double> rate_factors);

  /// One step down the gradients, each times its scale (none: 1), at learning rate `rate` (times
  /// each tensor's factor). Then average += (1 - d) (weight - average), with d =
  /// min(average_decay, (1 + t) / (10 + t)) after t steps: the early average follows quickly. All
  /// in one pass over memory, which is what bounds it.
  void step(double rate, double average_decay, const Gradients& gradients,
            const std::vector<double>& scales = {});

  /// First and second moments and averaged weights in the order of the weights, and the steps
  /// taken: what a checkpoint holds. The tensors may be written to.
  std::vector<torch::Tensor>& first_moments() { return first_; }
  std::vector<torch::Tensor>& second_moments() { return second_; }
  std::vector<torch::Tensor>& average() { return average_; }
  const std::vector<torch::Tensor>& average() const { return average_; }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  std::vector<torch::Tensor> weights_, first_, second_, average_;
  std::vector<double> factors_;
  int64_t steps_ = 0;
};

}  // namespace hyperconv
