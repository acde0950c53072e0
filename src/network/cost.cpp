#include "network/cost.hpp"

#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

/// Cost of a convolution whose output values each read `taps` inputs.
void count_convolution(Cost& cost, const Shape& out, int64_t taps, bool bias = true) {
  cost.flops = 2 * out.count() * taps;
  cost.flops_total = cost.flops + (bias ? out.count() : 0);
  cost.conv_memory_bytes = out.count() * int64_t(sizeof(float));
}

/// FLOPs of the MLP that predicts one sample's filters, times the samples.
int64_t mlp_flops(const Node& node, NodeId id, const std::vector<Parameter>& params, int64_t n) {
  int64_t flops = 0;
  for (const Parameter& p : params) {
    if (p.node != id) continue;
    if (p.role == ParameterRole::hyper_in || p.role == ParameterRole::hyper_out)
      flops += 2 * p.count();
    if (p.role == ParameterRole::filter || p.role == ParameterRole::hyper_in_bias)
      flops += p.count();
  }
  return std::holds_alternative<HyperConv2d>(node.op) ? flops * n : 0;
}

/// Operations a value: exponential, sum, division; for tanh also the doublings.
int64_t activation_flops(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::relu:
    case ActivationKind::leaky_relu:
      return 1;
    case ActivationKind::sigmoid:
    case ActivationKind::tanh:
      return 4;
  }
  return 0;
}

/// Operations a value: scale and bias; and sum, sum of squares and the difference from the mean.
int64_t norm_flops(NormKind kind) {
  switch (kind) {
    case NormKind::instance:
    case NormKind::layer:
      return 6;
    case NormKind::folded:
      return 2;
  }
  return 0;
}

/// Of what the filters are predicted from.
int64_t conditioning_flops(Conditioning conditioning, const Shape& in) {
  switch (conditioning) {
    case Conditioning::layer:
      return in.count();
    case Conditioning::image:  // the descriptor is a node of its own
    case Conditioning::constant:
      return 0;
  }
  return 0;
}

Cost cost_of(const Node& node, const Shape& out, const std::vector<Shape>& in) {
  Cost cost;
  std::visit(
      Overloaded{
          [&](const Conv2d& op) {
            count_convolution(cost, out, in[0].c * op.kernel * op.kernel, op.bias);
          },
          [&](const HyperConv2d& op) {
            count_convolution(cost, out, in[0].c * op.kernel * op.kernel);
            cost.flops_total += conditioning_flops(op.conditioning, in[0]);
          },
          // With stride 2 and a 2x2 kernel an output value sees one pixel.
          [&](const ConvTranspose2d&) { count_convolution(cost, out, in[0].c); },
          [&](const AveragePool2d&) { cost.flops_total = 4 * out.count(); },
          [&](const MaxPool2d&) { cost.flops_total = 3 * out.count(); },
          [&](const AdaptiveAveragePool2d&) { cost.flops_total = in[0].count(); },
          // The softmax (largest, difference, exponential, sum), and the weighted sum.
          [&](const AttentionPool&) { cost.flops_total = 4 * in[1].count() + 2 * in[0].count(); },
          // Three interpolations of a difference, a product and a sum.
          [&](const Bilinear2d&) { cost.flops_total = 9 * out.count(); },
          [&](const Haar2d&) { cost.flops_total = 4 * out.count(); },
          [&](const Add&) { cost.flops_total = out.count(); },
          [&](const Multiply&) { cost.flops_total = out.count(); },
          [&](const Activation& op) { cost.flops_total = activation_flops(op.kind) * out.count(); },
          [&](const PRelu&) { cost.flops_total = out.count(); },
          [&](const Norm2d& op) { cost.flops_total = norm_flops(op.kind) * out.count(); },
          // Sum, sum of squares, and the gradient's difference, magnitude and sum.
          [&](const PhotoDescriptor&) { cost.flops_total = 6 * in[0].count(); },
          [](const Input&) {},
          [](const SideInput&) {},
          [](const Upsample2d&) {},
          [](const PixelShuffle&) {},
          [](const Concat&) {},
      },
      node.op);
  return cost;
}

}  // namespace

std::vector<Cost> node_costs(const Graph& graph, const Shape& input) {
  const auto shapes = infer_shapes(graph, input);
  const auto params = parameters(graph);
  const auto needed = needed_nodes(graph);
  std::vector<Cost> costs;
  for (NodeId id = 0; id <= graph.output(); ++id) {
    const Node& node = graph.node(id);
    std::vector<Shape> in;
    for (const NodeId source : node.inputs) in.push_back(shapes[size_t(source)]);
    Cost cost;
    if (needed[size_t(id)]) {
      cost = cost_of(node, shapes[size_t(id)], in);
      cost.flops_total += mlp_flops(node, id, params, input.n);
    }
    for (const Parameter& p : params)
      if (p.node == id) cost.parameters += p.count();
    costs.push_back(cost);
  }
  return costs;
}

Cost total_cost(const Graph& graph, const Shape& input) {
  Cost total;
  for (const Cost& cost : node_costs(graph, input)) {
    total.parameters += cost.parameters;
    total.flops += cost.flops;
    total.flops_total += cost.flops_total;
    total.conv_memory_bytes += cost.conv_memory_bytes;
  }
  return total;
}

}  // namespace hyperconv
