// A network at step 0.
#include <cmath>
#include <set>

#include "base/random.hpp"
#include "network/model.hpp"

namespace hyperconv {
namespace {

// A2 starts at a tenth of what hyperfan-in allows, so that step 0 is nearly an ordinary
// convolution.
constexpr double hyper_out_gain = 0.1;
// So do the last layers of other predictions, where asked for (Initialisation).
constexpr double modulation_gain = 0.1;

/// How the values of one convolution's filter scatter around zero.
struct Spread {
  double variance = 0;
  bool uniform = false;  ///< else normal

  /// Half the width of a uniform spread; 0 for a normal one.
  double bound() const { return uniform ? std::sqrt(3 * variance) : 0; }
};

bool is_transposed(const Node& node) { return std::holds_alternative<ConvTranspose2d>(node.op); }

Spread kaiming(const Node& node, const Parameter& filter) {
  // A 2x2 transposed convolution of stride 2 sees each input pixel once: its fan-in is C.
  const double fan_in = is_transposed(node)
                            ? double(filter.dims[0])
                            : double(filter.dims[1] * filter.dims[2] * filter.dims[3]);
  return {.variance = 2 / fan_in};
}

Spread libtorch_default(const Parameter& filter) {
  // libtorch takes the second dimension for the inputs', in a transposed convolution too.
  const double fan_in = double(filter.dims[1] * filter.dims[2] * filter.dims[3]);
  return {.variance = 1 / (3 * fan_in), .uniform = true};
}

/// Nodes with one value a channel whatever the frame's size, which no ReLU follows: the last layers
/// of what statistics of the frame predict.
std::set<NodeId> modulations(const Graph& graph) {
  const int channels = std::get<Input>(graph.node(0).op).channels, side = 4 * size_multiple(graph);
  const auto shapes = infer_shapes(graph, {1, channels, side, side});
  std::set<NodeId> found;
  for (NodeId id = 0; id <= graph.output(); ++id)
    if (std::holds_alternative<Conv2d>(graph.node(id).op) && shapes[size_t(id)].plane() == 1)
      found.insert(id);
  for (const Node& node : graph.nodes())
    if (const auto* a = std::get_if<Activation>(&node.op); a && a->kind == ActivationKind::relu)
      found.erase(node.inputs[0]);
  return found;
}

Spread filter_spread(Initialisation initialisation, const Node& node, const Parameter& filter) {
  switch (initialisation) {
    case Initialisation::kaiming:
    case Initialisation::kaiming_gentle:
      return kaiming(node, filter);
    case Initialisation::libtorch:
      return libtorch_default(filter);
    case Initialisation::kaiming_convolutions:
      return is_transposed(node) ? libtorch_default(filter) : kaiming(node, filter);
  }
  return {};
}

/// Standard deviation of a parameter's first values, where they are normal.
///   A1         sqrt(2 / E): enc(s) is made to have unit size, so a hidden value has E[a^2] = 1
///   A2         hyperfan-in (Chang et al. 2020): Var(A2) = Var(W) / (h E[a^2]), times the gain
double deviation(const Parameter& p, const Spread& filter) {
  switch (p.role) {
    case ParameterRole::filter:
      return std::sqrt(filter.variance);
    case ParameterRole::hyper_in:
      return std::sqrt(2 / double(p.dims[1]));
    case ParameterRole::hyper_out:
      return hyper_out_gain * std::sqrt(filter.variance / double(p.dims[1]));
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

/// Half the width of a parameter's first values, where they are uniform; else 0. libtorch gives the
/// biases of its convolutions the filters' spread, those of its norms none.
double bound(const Node& node, const Parameter& p, const Spread& filter) {
  const bool of_convolution =
      p.role == ParameterRole::filter ||
      (p.role == ParameterRole::bias && !std::holds_alternative<Norm2d>(node.op));
  return of_convolution ? filter.bound() : 0;
}

/// What the first values scatter around. PRelu: He et al. 2015.
float centre(ParameterRole role) {
  if (role == ParameterRole::scale) return 1;
  return role == ParameterRole::slope ? 0.25f : 0;
}

}  // namespace

Model untrained(const Graph& graph, const ModelInfo& info, uint64_t seed,
                Initialisation initialisation) {
  Random random(seed);
  std::map<std::string, std::vector<float>> weights;
  const std::set<NodeId> gentle =
      initialisation == Initialisation::kaiming_gentle ? modulations(graph) : std::set<NodeId>();
  Spread filter;
  for (const Parameter& p : parameters(graph)) {
    const Node& node = graph.node(p.node);
    if (p.role == ParameterRole::filter) {
      filter = filter_spread(initialisation, node, p);
      if (gentle.contains(p.node)) filter.variance *= modulation_gain * modulation_gain;
    }
    std::vector<float>& values = weights[p.name];
    values.resize(size_t(p.count()), centre(p.role));
    if (const double half = bound(node, p, filter); half > 0) {
      for (float& value : values) value = float(random.uniform(-half, half));
    } else if (const double sigma = deviation(p, filter); sigma > 0) {
      for (float& value : values) value = float(sigma * random.normal());
    }
  }
  return {graph, info, std::move(weights)};
}

}  // namespace hyperconv
