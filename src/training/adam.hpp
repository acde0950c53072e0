// Adam with a rate of its own for each tensor, and the averaged weights.
#pragma once

#include <torch/types.h>

#include <vector>

#include "training/gradients.hpp"

namespace hyperconv {

/// Adam of Kingma and Ba 2015, beta 0.9 and 0.999, epsilon 1e-8, bias-corrected. libtorch's own
/// keeps its state under other types in each release and wants gradients as matrices; a checkpoint
/// needs plain tensors, and a gradient of outer products is never made a matrix here.
class Adam {
 public:
  explicit Adam(std::vector<torch::Tensor> weights, std::vector<double> rate_factors);

  /// One step down the gradients, each times its scale (none: 1), at learning rate `rate` (times
  /// each tensor's factor).
  void step(double rate, const Gradients& gradients, const std::vector<double>& scales = {});

  /// First and second moments in the order of the weights, and the steps taken: what a checkpoint
  /// holds. The tensors may be written to.
  std::vector<torch::Tensor>& first_moments() { return first_; }
  std::vector<torch::Tensor>& second_moments() { return second_; }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  std::vector<torch::Tensor> weights_, first_, second_;
  std::vector<double> factors_;
  int64_t steps_ = 0;
};

/// average += (1 - d) (weight - average), with d = min(decay, (1 + step) / (10 + step)): the early
/// average follows quickly.
void update_average(std::vector<torch::Tensor>& average, const std::vector<torch::Tensor>& weights,
                    double decay, int64_t step);

}  // namespace hyperconv
