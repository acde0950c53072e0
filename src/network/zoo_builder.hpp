// Builds a graph, one call a layer: shared by the zoo's functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "network/graph.hpp"

namespace hyperconv {

class GraphBuilder {
 public:
  explicit GraphBuilder(int channels) : input_(graph_.add("input", Input{channels}, {})) {}

  NodeId input() const { return input_; }
  Graph take() { return std::move(graph_); }

  NodeId add(const std::string& name, const Operator& op, std::vector<NodeId> inputs) {
    return graph_.add(name, op, std::move(inputs));
  }
  NodeId conv(const std::string& name, NodeId x, int out, int kernel = 3) {
    return add(name, Conv2d{out, kernel}, {x});
  }
  NodeId relu(const std::string& name, NodeId x) { return add(name + ".relu", Activation{}, {x}); }
  NodeId leaky_relu(const std::string& name, NodeId x) {
    return add(name + ".relu", Activation{ActivationKind::leaky_relu}, {x});
  }
  NodeId sigmoid(const std::string& name, NodeId x) {
    return add(name, Activation{ActivationKind::sigmoid}, {x});
  }
  NodeId conv_relu(const std::string& name, NodeId x, int out, int kernel = 3) {
    return relu(name, conv(name, x, out, kernel));
  }
  NodeId conv_leaky_relu(const std::string& name, NodeId x, int out, int kernel = 3) {
    return leaky_relu(name, conv(name, x, out, kernel));
  }
  NodeId average_pool(const std::string& name, NodeId x) { return add(name, AveragePool2d{}, {x}); }
  NodeId max_pool(const std::string& name, NodeId x) { return add(name, MaxPool2d{}, {x}); }
  NodeId upsample(const std::string& name, NodeId x) { return add(name, Upsample2d{}, {x}); }
  NodeId conv_transpose(const std::string& name, NodeId x, int out) {
    return add(name, ConvTranspose2d{out}, {x});
  }
  NodeId concat(const std::string& name, std::vector<NodeId> parts) {
    return add(name, Concat{}, std::move(parts));
  }
  NodeId sum(const std::string& name, NodeId a, NodeId b) { return add(name, Add{}, {a, b}); }
  NodeId product(const std::string& name, NodeId a, NodeId b) {
    return add(name, Multiply{}, {a, b});
  }
  /// FiLM (Perez et al. 2018): x + x * scale + shift, both [N,channels,1,1] by 1x1 convolutions of
  /// `trunk`.
  NodeId film(const std::string& name, NodeId x, NodeId trunk, int channels) {
    const NodeId scale = conv(name + ".scale", trunk, channels, 1);
    const NodeId shift = conv(name + ".shift", trunk, channels, 1);
    const NodeId scaled = sum(name + ".scaled", x, product(name + ".product", x, scale));
    return sum(name + ".shifted", scaled, shift);
  }
  NodeId shuffle(const std::string& name, NodeId x) { return add(name, PixelShuffle{2}, {x}); }

 private:
  Graph graph_;
  NodeId input_;
};

}  // namespace hyperconv
