// A network at step 0.
#include <cmath>

#include "base/random.hpp"
#include "hyperconv/model.hpp"

namespace hyperconv {
namespace {

// A2 starts at a tenth of what hyperfan-in allows, so that step 0 is nearly an ordinary
// convolution.
constexpr double hyper_out_gain = 0.1;

/// Standard deviation of a parameter's first values.
///   filter     Kaiming (He et al. 2015) for ReLU: sqrt(2 / fan-in)
///   A1         sqrt(2 / E): enc(s) is made to have unit size, so a hidden value has E[a^2] = 1
///   A2         hyperfan-in (Chang et al. 2020): Var(A2) = Var(W) / (h E[a^2]), times the gain
double deviation(const Parameter& p, double filter_fan_in) {
  switch (p.role) {
    case ParameterRole::filter:
      return std::sqrt(2 / filter_fan_in);
    case ParameterRole::hyper_in:
      return std::sqrt(2 / double(p.dims[1]));
    case ParameterRole::hyper_out:
      return hyper_out_gain * std::sqrt(2 / filter_fan_in / double(p.dims[1]));
    case ParameterRole::hyper_constant:
      return 1;
    case ParameterRole::bias:
    case ParameterRole::scale:
    case ParameterRole::slope:
    case ParameterRole::hyper_in_bias:
      return 0;
  }
  return 0;
}

/// What the first values scatter around. PRelu: He et al. 2015.
float centre(ParameterRole role) {
  if (role == ParameterRole::scale) return 1;
  return role == ParameterRole::slope ? 0.25f : 0;
}

double fan_in(const Node& node, const Parameter& filter) {
  // A 2x2 transposed convolution of stride 2 sees each input pixel once: its fan-in is C.
  if (std::holds_alternative<ConvTranspose2d>(node.op)) return double(filter.dims[0]);
  return double(filter.dims[1] * filter.dims[2] * filter.dims[3]);
}

}  // namespace

Model untrained(const Graph& graph, const ModelInfo& info, uint64_t seed) {
  Random random(seed);
  std::map<std::string, std::vector<float>> weights;
  double filter_fan_in = 1;
  for (const Parameter& p : parameters(graph)) {
    if (p.role == ParameterRole::filter) filter_fan_in = fan_in(graph.node(p.node), p);
    const double sigma = deviation(p, filter_fan_in);
    std::vector<float>& values = weights[p.name];
    values.resize(size_t(p.count()), centre(p.role));
    if (sigma == 0) continue;
    for (float& value : values) value = float(sigma * random.normal());
  }
  return {graph, info, std::move(weights)};
}

}  // namespace hyperconv
