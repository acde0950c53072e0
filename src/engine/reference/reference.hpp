// The slow, obvious oracle: every operator as plain loops with sums in double. What the fast engine
// is tested against, and nothing else.
#pragma once

#include <optional>

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "network/model.hpp"

namespace hyperconv::reference {

/// A node's output, and how far a float computation of the same inputs may be from it.
///
/// A sum of n products in floats, in any order, is within n u / (1 - n u) * sum |x||w| of the exact
/// one, u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). The bound is that,
/// with n counted along the longest way of roundings and the sum of absolute values taken in
/// double: it follows from the data, and a right implementation never exceeds it.
struct Result {
  Tensor value;
  Tensor bound;
  double terms = 1;  ///< n
};

/// One node for given inputs, any batch size.
Result apply(const Model& model, NodeId node, const std::vector<Tensor>& inputs);

/// The whole network; side inputs are held to the model's ranges. With `noise`, every node's output
/// is moved by a random part of its usual error, bound / sqrt(n): roundings are as good as random,
/// and their sum grows with the root of their number (Higham, 2.8). Two such runs show how far the
/// network carries rounding errors.
Tensor run(const Model& model, const Tensor& input, Random* noise = nullptr,
           const SideInputs& side = {});

/// How far a float run of the network may be from run(): the farthest that a few runs with noise
/// get. A bound in the sense of Result for the whole would multiply the worst case of every layer
/// and say nothing.
double tolerance(const Model& model, const Tensor& input, const SideInputs& side = {});

}  // namespace hyperconv::reference
