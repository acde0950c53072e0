// The gradient of one batch, gathered from its parts.
#pragma once

#include <torch/types.h>

#include <variant>
#include <vector>

namespace hyperconv {

/// The gradient of a matrix that multiplied a vector of each sample: left^T right, the sum over the
/// samples n of the outer products of their rows. A HyperConvolution's A2 has one: as a matrix it
/// would be as large as A2 itself (a gigabyte for hyper-i), as factors it is a few hundred
/// kilobytes a sample, exactly the same, and what ranks exchange.
struct OuterProducts {
  torch::Tensor left;   ///< [n, rows of the matrix]
  torch::Tensor right;  ///< [n, columns]
};

/// As the matrix it stands for; nothing (undefined) for a weight that the loss does not depend on.
using Gradient = std::variant<torch::Tensor, OuterProducts>;

/// In the order of the network's parameters.
using Gradients = std::vector<Gradient>;

/// sum of squares of left^T right: the sum over n, m of (L L^T)[n,m] (R R^T)[n,m].
double squared_norm(const Gradient& gradient);

/// Joint L2 norm.
double norm(const Gradients& gradients);

/// Where a matrix that multiplies vectors of samples leaves what its gradient is made of.
/// LoweredNetwork::forward fills it; `left` comes with backward().
class ProductTape {
 public:
  /// hidden [n,h] times matrix [F,h] transposed, [n,F]; the matrix gets no gradient of its own.
  torch::Tensor product(size_t parameter, const torch::Tensor& hidden, const torch::Tensor& matrix);

  /// After backward(): adds what this pass found to the gradients, and forgets it. Dense gradients
  /// stand in the weights' grad() and add up by themselves.
  void collect(Gradients& gradients);

 private:
  struct Entry {
    size_t parameter;
    torch::Tensor product, hidden;
  };
  std::vector<Entry> entries_;
};

}  // namespace hyperconv
