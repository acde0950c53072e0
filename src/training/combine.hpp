// The gradients of a whole batch from those of its shares.
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "training/gradients.hpp"

namespace hyperconv {

/// How ranks exchange tensors; each is called by all of them with the same shape.
struct Exchange {
  std::function<void(torch::Tensor&)> add_up;  ///< in place
  std::function<std::vector<torch::Tensor>(const torch::Tensor&)>
      gather;  ///< in the order of ranks
};

/// Makes of every rank's gradients those of the batch, in place: dense ones are added up in one
/// message, of outer products the factors are put one below the other in the order of ranks,
/// however many each has. A rank may have none at all, where the batch is smaller than the world.
/// `weights`: what they are the gradients of.
void combine_gradients(Gradients& gradients, const std::vector<torch::Tensor>& weights,
                       const Exchange& exchange);

}  // namespace hyperconv
