// A network's cost in FLOPs and memory, without running it.
#pragma once

#include "network/graph.hpp"

namespace hyperconv {

struct Cost {
  int64_t parameters = 0;
  int64_t flops = 0;              ///< 2 x multiply-accumulates of the convolutions: the paper's way
  int64_t flops_total = 0;        ///< everything: MLPs, activations, pooling, sums
  int64_t conv_memory_bytes = 0;  ///< fp32 outputs of all convolutions, summed: the paper's way
};

/// Cost of one node and of the whole, for one input shape (of the packed mosaic, not the photo).
std::vector<Cost> node_costs(const Graph& graph, const Shape& input);
Cost total_cost(const Graph& graph, const Shape& input);

}  // namespace hyperconv
