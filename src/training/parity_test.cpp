// The engine and libtorch compute the same, for every network of the zoo at its full width. Only
// hidden widths are narrowed: they change how many terms a predicted filter sums up, and with its
// own 853 hyper-i has a gigabyte of weights (it agrees as well; 10 s and 3.5 GB at the peak).
#include <gtest/gtest.h>

#include "engine/testing.hpp"
#include "network/cost.hpp"
#include "training/lowering.hpp"
#include "training/testing.hpp"

namespace hyperconv {
namespace {

constexpr int hidden = 32;

/// Two frames with odd multiples of what the network takes: 3 x 5 and 5 x 3, or 1 x 5 and 5 x 1 for
/// those that take seconds. Not less: a norm over very few pixels magnifies every rounding.
std::vector<Shape> frames(const Graph& graph) {
  const int m = size_multiple(graph), c = std::get<Input>(graph.node(0).op).channels;
  constexpr int64_t slow_flops = 10'000'000'000;
  const int few = total_cost(graph, {1, c, 3 * m, 5 * m}).flops > slow_flops ? 1 : 3;
  return {{1, c, few * m, 5 * m}, {1, c, 5 * m, few * m}};
}

/// The model without what statistics of the frame tell it: A2, and the filters that read one value
/// a channel, are zero.
Model without_statistics(const Model& model, const Shape& frame) {
  const Graph& graph = model.graph();
  const std::vector<Shape> shapes = infer_shapes(graph, frame);
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) {
    const Node& node = graph.node(p.node);
    const bool reads_one_value = std::holds_alternative<Conv2d>(node.op) &&
                                 shapes[size_t(node.inputs[0])].plane() == 1 &&
                                 p.role == ParameterRole::filter;
    std::vector<float>& values = weights[p.name] = model.weight(p.name).to_float();
    if (reads_one_value || p.role == ParameterRole::hyper_out)
      std::fill(values.begin(), values.end(), 0.0f);
  }
  return {graph, {}, std::move(weights)};
}

torch::Tensor run_in_double(const Model& model, const Tensor& input) {
  const LoweredNetwork network(model);
  for (torch::Tensor weight : network.weights()) weight.set_data(weight.to(torch::kFloat64));
  TorchSideInputs side = to_torch(random_side(model.graph()));
  for (auto& [name, value] : side) value = value.to(torch::kFloat64);
  return network.forward(to_torch(input).to(torch::kFloat64), nullptr, side);
}

bool uses_statistics(const std::string& network) {
  if (network.starts_with("hyper") || network.starts_with("study-"))
    return !network.ends_with("-plain") && !network.ends_with("-constant");
  return network == "develop-16" || network == "denoise-16" || network == "awnet" ||
         network == "pynet-ca";
}

class Parity : public testing::TestWithParam<std::string> {};

// The tolerance is from the data: how far libtorch in float is from libtorch in double. The engine
// sums in another order (a chain of fused multiply-adds where libtorch has partial sums), which is
// up to 3.3 times as far where there are few layers.
TEST_P(Parity, EngineAndLibtorchAgree) {
  const torch::NoGradGuard no_grad;
  const Graph graph = make_network(GetParam(), with_hidden(GetParam(), hidden));
  const auto model = std::make_shared<const Model>(random_model(graph));
  for (const Shape& frame : frames(graph)) {
    SCOPED_TRACE(to_string(frame));
    const Tensor input = random_light(frame, 5);
    const torch::Tensor exact = run_in_double(*model, input);
    const torch::Tensor in_float =
        LoweredNetwork(*model).forward(to_torch(input), nullptr, to_torch(random_side(graph)));
    const double tolerance = 8 * largest(in_float - exact);
    // What tells pixels apart, or what statistics do, must be far above the roundings.
    ASSERT_GT(tolerance, 0);
    ASSERT_LT(tolerance, 0.01 * largest(exact - exact.mean({2, 3}, true)));
    if (uses_statistics(GetParam())) {
      const Model blind = without_statistics(*model, frame);
      ASSERT_LT(tolerance,
                0.01 * largest(LoweredNetwork(blind).forward(to_torch(input), nullptr,
                                                             to_torch(random_side(graph))) -
                               exact));
    }
    EXPECT_LT(largest(to_torch(run_engine(model, input)) - exact), tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo, Parity, testing::ValuesIn(network_names()),
                         [](const auto& name) { return test_name(name.param); });

}  // namespace
}  // namespace hyperconv
