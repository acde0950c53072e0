// What a network's HyperConvolutions see of a photo, and what they make of it.
#pragma once

#include <vector>

#include "engine/engine.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// The graph's HyperConvolutions, in order.
std::vector<NodeId> hyper_nodes(const Graph& graph);

/// Component by component.
Statistics mean_of(const std::vector<Statistics>& all);

/// relu(A1 enc(s) + a1) of one HyperConvolution.
std::vector<float> hidden_activations(const Model& model, NodeId node, const std::vector<float>& s);

/// W0 + A2 relu(A1 enc(s) + a1): [out][channels][k][k].
std::vector<float> predicted_filters(const Model& model, NodeId node, const std::vector<float>& s);

}  // namespace hyperconv
