// A Graph as differentiable libtorch operations: the reader that trains.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "network/model.hpp"
#include "training/gradients.hpp"

namespace hyperconv {

/// Values beside the picture by their nodes' names, [N,channels,1,1] (graph.hpp: SideInput).
using TorchSideInputs = std::map<std::string, torch::Tensor>;

/// A network's weights as leaf tensors, and the way from input to output.
class LoweredNetwork {
 public:
  /// Copies the model's weights to a device; they require gradients.
  explicit LoweredNetwork(const Model& model, torch::Device device = torch::kCPU);

  /// [N,C,H,W] -> the graph's output. Every sample of the batch gets filters of its own.
  /// With a tape, the matrices A2 leave their gradients' factors there and get none in grad().
  /// `side` holds at least the graph's side inputs; throws Error that names one that is missing.
  torch::Tensor forward(const torch::Tensor& input, ProductTape* tape = nullptr,
                        const TorchSideInputs& side = {}) const;
  /// The same with other weights, in the order of parameters().
  torch::Tensor forward_with(const std::vector<torch::Tensor>& weights, const torch::Tensor& input,
                             ProductTape* tape = nullptr, const TorchSideInputs& side = {}) const;

  const Graph& graph() const { return graph_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// In the order of parameters().
  const std::vector<torch::Tensor>& weights() const { return weights_; }

  /// The given tensors (in the order of parameters()) as a model.
  Model to_model(const ModelInfo& info, const std::vector<torch::Tensor>& weights) const;

 private:
  Graph graph_;
  std::vector<Parameter> parameters_;
  std::vector<torch::Tensor> weights_;
};

}  // namespace hyperconv
