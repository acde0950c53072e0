// What the engine's tests share: random models and inputs, and one target after the other.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "engine/kernels/kernels.hpp"
#include "hyperconv/engine.hpp"
#include "hyperconv/model.hpp"

namespace hyperconv {

/// Every weight random, biases included, at a scale that keeps activations near one.
inline Model random_model(const Graph& graph, uint64_t seed = 1) {
  Random random(seed);
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) {
    const double fan_in = p.dims.size() > 1 ? double(p.count()) / double(p.dims[0]) : 4;
    std::vector<float>& values = weights[p.name];
    for (int64_t i = 0; i < p.count(); ++i) {
      values.push_back(float(double(random.normal()) / std::sqrt(fan_in)));
    }
    // Predicted parts of a filter are about as large as W0.
    if (p.role == ParameterRole::hyper_out) {
      const double filter = double(weights[graph.node(p.node).name + ".weight"].size());
      const auto& op = std::get<HyperConv2d>(graph.node(p.node).op);
      for (float& value : values) value *= float(std::sqrt(op.out_channels / filter));
    }
  }
  return {graph, {}, std::move(weights)};
}

inline Tensor random_tensor(const Shape& shape, uint64_t seed = 2) {
  Tensor tensor(shape);
  Random random(seed);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = random.normal();
  return tensor;
}

/// HYPERCONV_TARGET for as long as it lives.
class ForcedTarget {
 public:
  explicit ForcedTarget(const std::string& name) {
    if (const char* old = std::getenv("HYPERCONV_TARGET")) old_ = old;
    ::setenv("HYPERCONV_TARGET", name.c_str(), 1);
  }
  ~ForcedTarget() { ::setenv("HYPERCONV_TARGET", old_.c_str(), 1); }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;

 private:
  std::string old_;
};

inline Tensor run_engine(const std::shared_ptr<const Model>& model, const Tensor& input,
                         int threads = 2) {
  Engine engine(model, {.threads = threads});
  Tensor output;
  engine.run(input, output);
  return output;
}

}  // namespace hyperconv
