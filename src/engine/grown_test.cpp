// A grown network says what the one that it grew from says.
#include "network/grown.hpp"

#include <gtest/gtest.h>

#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

size_t weight_count(const Graph& graph) {
  size_t count = 0;
  for (const Parameter& p : parameters(graph)) count += size_t(p.count());
  return count;
}

Graph zoo_graph(const char* name, const ZooOptions& options) {
  return untrained_network(name, options, {}, 1).graph();
}

/// All weights of both are random, biases too, so that a channel in the wrong place is seen.
void expect_the_same(const Graph& graph, const Graph& larger) {
  const Model model = random_model(graph);
  const Model after = grown(model, random_model(larger, 5));
  EXPECT_GT(weight_count(larger), weight_count(graph));
  const int side = 2 * size_multiple(graph);
  const Tensor input = random_tensor({1, std::get<Input>(graph.node(0).op).channels, side, side});
  const SideInputs side_inputs = random_side(graph);
  const Tensor before = reference::run(model, input, nullptr, side_inputs);
  const Tensor now = reference::run(after, input, nullptr, side_inputs);
  ASSERT_EQ(before.shape(), now.shape());
  // Sums in double over more terms, stored as floats: roundings of floats, layer by layer.
  const double tolerance = reference::tolerance(model, input, side_inputs);
  for (size_t i = 0; i < before.size(); ++i)
    ASSERT_NEAR(before.data()[i], now.data()[i], tolerance) << i;
}

TEST(GrownNetwork, WiderLevelsSayTheSame) {
  expect_the_same(zoo_graph("develop", {}), zoo_graph("develop-best", {}));
}

TEST(GrownNetwork, ChannelsBehindAConcatenationFindTheirPlaces) {
  expect_the_same(zoo_graph("denoise", {.width = 4}), zoo_graph("denoise", {.width = 6}));
}

TEST(GrownNetwork, AWiderHiddenLayerSaysTheSame) {
  expect_the_same(zoo_graph("develop", {.hidden = 4}), zoo_graph("develop", {.hidden = 9}));
}

// Haar transforms, shuffles, norms that are folded, slopes and squeezes of channels.
TEST(GrownNetwork, OtherFamiliesSayTheSame) {
  expect_the_same(plain_unet({.width = 4}), plain_unet({.width = 8}));
  expect_the_same(study_network({.variant = StudyVariant::squeeze_excitation, .width = 4}),
                  study_network({.variant = StudyVariant::squeeze_excitation, .width = 8}));
  expect_the_same(study_network({.variant = StudyVariant::film, .width = 4}),
                  study_network({.variant = StudyVariant::film, .width = 6}));
}

}  // namespace
}  // namespace hyperconv
