// What the engine's tests share: random models and inputs, and one target after the other.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "engine/engine.hpp"
#include "engine/kernels/kernels.hpp"
#include "network/model.hpp"

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

/// Random values for each of a graph's side inputs.
inline SideInputs random_side(const Graph& graph, int64_t samples = 1) {
  SideInputs side = neutral_side_inputs(graph, samples);
  for (auto& [name, value] : side) value = random_tensor(value.shape(), 7);
  return side;
}

/// An environment variable for as long as it lives.
class ForcedVariable {
 public:
  ForcedVariable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* old = std::getenv(name_.c_str())) old_ = old;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~ForcedVariable() { ::setenv(name_.c_str(), old_.c_str(), 1); }
  ForcedVariable(const ForcedVariable&) = delete;
  ForcedVariable& operator=(const ForcedVariable&) = delete;

 private:
  std::string name_, old_;
};

class ForcedTarget : public ForcedVariable {
 public:
  explicit ForcedTarget(const std::string& target) : ForcedVariable("HYPERCONV_TARGET", target) {}
};

/// The instruction sets to test: all of this machine, or the one that HYPERCONV_TARGET names, which
/// must be there: under an emulator each takes minutes.
inline std::vector<std::string> tested_targets() {
  const char* wish = std::getenv("HYPERCONV_TARGET");
  if (wish == nullptr || *wish == '\0') return kernel_targets();
  return {kernels(wish).name};
}

class ForcedKernel : public ForcedVariable {
 public:
  explicit ForcedKernel(const std::string& kernel) : ForcedVariable("HYPERCONV_KERNEL", kernel) {}
};

inline Tensor run_engine(const std::shared_ptr<const Model>& model, const Tensor& input,
                         int threads = 2) {
  Engine engine(model, {.threads = threads});
  Tensor output;
  engine.run(input, output, random_side(model->graph()));
  return output;
}

}  // namespace hyperconv
