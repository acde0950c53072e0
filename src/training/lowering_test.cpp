#include "training/lowering.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/reference/reference.hpp"
#include "network/zoo.hpp"
#include "training/testing.hpp"

namespace hyperconv {
namespace {

/// Largest difference over the largest value.
double relative_difference(const torch::Tensor& a, const Tensor& b) {
  const torch::Tensor expected = to_torch(b);
  return ((a - expected).abs().max() / expected.abs().max()).item<double>();
}

struct Case {
  std::string name;
  Graph graph;
  std::vector<Shape> shapes = {{1, 4, 12, 20}, {3, 4, 4, 28}};
};

std::vector<Case> cases() {
  std::vector<Case> all = {{"plain_unet", plain_unet({.width = 5})},
                           {"no_hyper", hyper_unet({.width = 4, .hidden = 0, .linear_path = true})},
                           {"vdn", vdn_denoiser(3), {{1, 3, 8, 8}, {2, 3, 24, 40}}},
                           {"develop", develop_network({.widths = {4, 5, 6}, .hidden = 4})},
                           {"develop_plain", develop_network({.widths = {4, 5, 6}, .hidden = 0})},
                           {"vdn_s", vdn_noise(5), {{1, 3, 1, 1}, {2, 3, 11, 17}}}};
  for (const auto conditioning : {Conditioning::layer, Conditioning::image, Conditioning::constant})
    all.push_back({"conditioning_" + std::to_string(int(conditioning)),
                   hyper_unet({.width = 3, .hidden = 7, .conditioning = conditioning})});
  return all;
}

/// Networks with norms. The lowest level has several pixels: over one, a norm knows only its bias.
std::vector<Case> normalised_cases() {
  const std::vector<Shape> shapes = {{1, 4, 32, 48}, {2, 4, 16, 80}};
  return {{"pynet", pynet(2), shapes},
          {"pynet_ca", pynet_ca(2), shapes},
          {"awnet", awnet(8), {{1, 4, 16, 16}, {2, 4, 16, 48}}}};
}

double difference_from_oracle(const Model& model, const Tensor& input) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor output = LoweredNetwork(model).forward(
      to_torch(input), nullptr, to_torch(told_side(model.graph(), input.shape().n)));
  return relative_difference(
      output, reference::run(model, input, nullptr, told_side(model.graph(), input.shape().n)));
}

// The oracle accumulates in double; libtorch in float. A chain of fifteen layers of sums of up to a
// few hundred terms loses a few bits a layer: 1e-5 is 2^-24 times about 170.
TEST(Lowering, AgreesWithTheOracle) {
  for (const auto& [name, graph, shapes] : cases()) {
    const Model model = untrained(graph, {}, 11);
    for (const Shape& shape : shapes) {
      EXPECT_LT(difference_from_oracle(model, random_light(shape, 5)), 1e-5)
          << name << " " << to_string(shape);
    }
  }
}

// Sixty layers, and norms that divide by the spread of a few pixels: the tolerance is how far
// roundings carry through the network, as the oracle finds it by adding some. libtorch sums in
// another order than the oracle assumes: twice that.
TEST(Lowering, AgreesWithTheOracleOnNormalisedNetworks) {
  for (const auto& [name, graph, shapes] : normalised_cases()) {
    const Model model = untrained(graph, {}, 11);
    for (const Shape& shape : shapes) {
      const Tensor input = random_light(shape, 5);
      const Tensor expected =
          reference::run(model, input, nullptr, told_side(model.graph(), input.shape().n));
      const torch::NoGradGuard no_grad;
      const auto output = LoweredNetwork(model).forward(
          to_torch(input), nullptr, to_torch(told_side(model.graph(), input.shape().n)));
      EXPECT_LT((output - to_torch(expected)).abs().max().item<double>(),
                2 * reference::tolerance(model, input, told_side(model.graph(), input.shape().n)))
          << name << " " << to_string(shape);
    }
  }
}

TEST(Lowering, ConvolutionsMirrorFramesSmallerThanTheirKernels) {
  Graph graph;
  graph.add("c", Conv2d{.out_channels = 5, .kernel = 9, .padding = Padding::reflect},
            {graph.add("input", Input{4}, {})});
  const Model model = untrained(graph, {}, 3);
  for (const Shape& shape : {Shape{1, 4, 1, 1}, Shape{2, 4, 2, 3}, Shape{1, 4, 1, 9}}) {
    EXPECT_LT(difference_from_oracle(model, random_light(shape, 6)), 1e-5) << to_string(shape);
  }
}

TEST(Lowering, ModelAndBackKeepsEveryWeight) {
  const Model model = untrained(hyper_unet({.width = 2, .hidden = 3}), {}, 1);
  const LoweredNetwork network(model);
  const Model back = network.to_model({}, network.weights());
  for (const Parameter& p : parameters(model.graph()))
    EXPECT_EQ(back.weight(p.name).to_float(), model.weight(p.name).to_float()) << p.name;
}

TEST(Lowering, EveryWeightGetsAGradient) {
  for (const auto& [name, graph, shapes] : cases()) {
    const LoweredNetwork network(untrained(graph, {}, 2));
    const Shape shape{2, shapes.front().c, 16, 16};
    network.forward(to_torch(random_light(shape, 3)), nullptr, to_torch(told_side(graph, 2)))
        .square()
        .mean()
        .backward();
    for (size_t i = 0; i < network.weights().size(); ++i) {
      const auto& gradient = network.weights()[i].grad();
      ASSERT_TRUE(gradient.defined()) << name << " " << network.parameters()[i].name;
      EXPECT_GT(gradient.abs().max().item<double>(), 0) << name << network.parameters()[i].name;
    }
  }
}

// A bias before a norm moves nothing: its gradient may be zero. What nothing reads has none.
TEST(Lowering, WeightsOfNormalisedNetworksGetFiniteGradients) {
  for (const auto& [name, graph, shapes] : normalised_cases()) {
    const LoweredNetwork network(untrained(graph, {}, 2));
    network.forward(to_torch(random_light(shapes.back(), 3))).square().mean().backward();
    const auto needed = needed_nodes(graph);
    for (size_t i = 0; i < network.weights().size(); ++i) {
      const Parameter& p = network.parameters()[i];
      const auto& gradient = network.weights()[i].grad();
      ASSERT_EQ(gradient.defined(), needed[size_t(p.node)]) << name << " " << p.name;
      if (!gradient.defined()) continue;
      EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << name << " " << p.name;
    }
  }
}

}  // namespace
}  // namespace hyperconv
