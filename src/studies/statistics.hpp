// What a network's HyperConvolutions see of a photo, and what they make of it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// Of every HyperConv2d the vector s that its filters follow from (graph.hpp).
using Statistics = std::map<NodeId, std::vector<float>>;

/// The graph's HyperConvolutions, in order.
std::vector<NodeId> hyper_nodes(const Graph& graph);

/// Finds the statistics of one input after the other by running the network itself as far as they
/// ask for it.
class StatisticsProbe {
 public:
  /// Throws Error when the model has no HyperConvolution.
  explicit StatisticsProbe(const Model& model, int threads = 1);

  /// [1,C,H,W], H and W multiples of size_multiple(graph).
  Statistics of(const Tensor& input);

 private:
  struct Part {
    NodeId node;
    int64_t first, count;  ///< channels of the probe's output
  };

  std::vector<Part> parts_;
  Statistics constant_;
  std::unique_ptr<Engine> engine_;  ///< null where all statistics are constant
  Tensor output_;
};

/// Component by component.
Statistics mean_of(const std::vector<Statistics>& all);

/// relu(A1 enc(s) + a1) of one HyperConvolution.
std::vector<float> hidden_activations(const Model& model, NodeId node, const std::vector<float>& s);

/// W0 + A2 relu(A1 enc(s) + a1): [out][channels][k][k].
std::vector<float> predicted_filters(const Model& model, NodeId node, const std::vector<float>& s);

/// The same network with ordinary convolutions that have the filters of these statistics, whatever
/// photo it is shown.
Model with_fixed_filters(const Model& model, const Statistics& statistics);

}  // namespace hyperconv
