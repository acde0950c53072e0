// What the training room's tests share.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "network/zoo.hpp"

namespace hyperconv {

inline torch::Tensor to_torch(const Tensor& tensor) {
  const Shape& s = tensor.shape();
  return torch::from_blob(const_cast<float*>(tensor.data()), {s.n, s.c, s.h, s.w}).clone();
}

/// Values for each of a graph's side inputs, of everyday size.
inline SideInputs told_side(const Graph& graph, int64_t samples = 1) {
  SideInputs side = neutral_side_inputs(graph, samples);
  Random random(9);
  for (auto& [name, value] : side)
    for (size_t i = 0; i < value.size(); ++i) value.data()[i] = random.normal();
  return side;
}

inline std::map<std::string, torch::Tensor> to_torch(const SideInputs& side) {
  std::map<std::string, torch::Tensor> result;
  for (const auto& [name, value] : side) result[name] = to_torch(value);
  return result;
}

inline double largest(const torch::Tensor& tensor) { return tensor.abs().max().item<double>(); }

inline double rms(const torch::Tensor& tensor) {
  return tensor.square().mean().sqrt().item<double>();
}

/// Normal around 0.5.
inline Tensor random_light(const Shape& shape, uint64_t seed) {
  Random random(seed);
  Tensor tensor(shape);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = 0.5f + 0.3f * random.normal();
  return tensor;
}

/// A network's options with this hidden width, where it has one.
inline ZooOptions with_hidden(const std::string& network, int hidden) {
  const Graph graph = make_network(network);
  for (const Node& node : graph.nodes())
    if (std::holds_alternative<HyperConv2d>(node.op)) return {.hidden = hidden};
  return {};
}

/// A zoo name as a test's name.
inline std::string test_name(std::string network) {
  for (char& c : network)
    if (!isalnum(c)) c = '_';
  return network;
}

}  // namespace hyperconv
