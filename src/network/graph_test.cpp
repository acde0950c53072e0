#include "network/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.hpp"
#include "network/cost.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Graph, NamesTheNodeThatIsWrong) {
  Graph graph;
  graph.add("input", Input{4}, {});
  EXPECT_THAT(error_of([&] {
                graph.add("c", Conv2d{8, 4}, {0});
              }),
              testing::AllOf(HasSubstr("'c'"), HasSubstr("odd")));
  EXPECT_THAT(error_of([&] { graph.add("c", Conv2d{0, 3}, {0}); }), HasSubstr("out_channels"));
  EXPECT_THAT(error_of([&] { graph.add("c", Conv2d{8, 3}, {7}); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { graph.add("c", Concat{}, {0}); }), HasSubstr("two or more"));
  EXPECT_THAT(error_of([&] { graph.add("input", Conv2d{8, 3}, {0}); }), HasSubstr("taken"));
  EXPECT_THAT(error_of([&] { graph.add("x", Input{4}, {}); }), HasSubstr("first node"));
  EXPECT_THAT(error_of([&] { graph.add("h", HyperConv2d{.out_channels = 8}, {0}); }),
              HasSubstr("takes 2"));
}

TEST(Graph, ShapesThatDoNotFitNameTheNode) {
  const Graph graph = hyper_unet({});
  EXPECT_THAT(error_of([&] {
                infer_shapes(graph, {1, 4, 6, 8});
              }),
              testing::AllOf(HasSubstr("bottleneck.pool"), HasSubstr("even")));
  EXPECT_THAT(error_of([&] { infer_shapes(graph, {1, 3, 8, 8}); }), HasSubstr("4 channels"));
}

TEST(Graph, JsonRoundTripKeepsEverything) {
  for (const auto& name : network_names()) {
    const std::string text = graph_to_json(make_network(name));
    EXPECT_EQ(graph_to_json(graph_from_json(text)), text) << name;
  }
}

TEST(Graph, HostileJsonIsAnError) {
  for (const char* text :
       {"", "[]", "{", "{\"nodes\":[]}", "{\"nodes\":[1]}", "{\"nodes\":[{\"name\":\"a\"}]}",
        R"({"nodes":[{"name":"a","op":"input","inputs":[],"channels":"4"}]})",
        R"({"nodes":[{"name":"a","op":"input","inputs":[],"channels":99999999}]})",
        R"({"nodes":[{"name":"a","op":"input","inputs":[],"channels":1e99}]})",
        R"({"nodes":[{"name":"a","op":"input","inputs":[0],"channels":4}]})",
        R"({"nodes":[{"name":"a","op":"system","inputs":[]}]})"})
    EXPECT_THROW(graph_from_json(text), Error) << text;
}

TEST(Graph, WhatIsNotKnownInJsonIsRefusedByItsName) {
  const auto refusal = [](const std::string& text) {
    return error_of([&] { graph_from_json(text); });
  };
  const std::string input = R"({"name":"input","inputs":[],"op":"input","channels":4)";
  EXPECT_THAT(refusal(R"({"nodes":[)" + input + R"(,"dilation":2}]})"),
              AllOf(HasSubstr("node 0"), HasSubstr("'dilation' is not known")));
  EXPECT_THAT(refusal(R"({"nodes":[)" + input + R"(}],"edges":[]})"),
              HasSubstr("'edges' is not known"));
  EXPECT_THAT(refusal(R"({"nodes":[)" + input + R"(},{"name":"a","op":"warp","inputs":[0]}]})"),
              AllOf(HasSubstr("node 1"), HasSubstr("'warp' is not known")));
  EXPECT_THAT(refusal(R"({"nodes":[)" + input +
                      R"(},{"name":"a","op":"norm2d","inputs":[0],"kind":"group"}]})"),
              AllOf(HasSubstr("'kind'"), HasSubstr("'group', which is not known")));
}

TEST(Graph, JsonOfAnotherVersionIsRefused) {
  std::string text = graph_to_json(hyper_unet({}));
  const auto place = text.find("\"version\":1");
  ASSERT_NE(place, std::string::npos);
  text.replace(place, 11, "\"version\":2");
  EXPECT_THAT(error_of([&] { graph_from_json(text); }),
              AllOf(HasSubstr("version 2"), HasSubstr("reads version 1")));
}

/// Every kind has a name of its own, or two of them would become one.
TEST(Graph, JsonKeepsEveryKind) {
  const auto returns = [](const Operator& op, int channels, std::vector<NodeId> inputs = {0}) {
    Graph graph;
    graph.add("input", Input{channels}, {});
    graph.add("descriptor", PhotoDescriptor{}, {0});
    graph.add("node", op, std::move(inputs));
    return graph_from_json(graph_to_json(graph)).node(2).op;
  };
  for (const auto kind : {HaarKind::analysis, HaarKind::low, HaarKind::synthesis})
    EXPECT_EQ(std::get<Haar2d>(returns(Haar2d{kind}, 4)).kind, kind);
  for (const auto kind : {NormKind::instance, NormKind::layer, NormKind::folded})
    EXPECT_EQ(std::get<Norm2d>(returns(Norm2d{kind}, 4)).kind, kind);
  for (const auto kind : {ActivationKind::relu, ActivationKind::leaky_relu, ActivationKind::sigmoid,
                          ActivationKind::tanh})
    EXPECT_EQ(std::get<Activation>(returns(Activation{kind}, 4)).kind, kind);
  for (const auto kind : {Conditioning::layer, Conditioning::image, Conditioning::constant}) {
    const HyperConv2d op{.out_channels = 8, .conditioning = kind};
    const std::vector<NodeId> inputs =
        kind == Conditioning::image ? std::vector<NodeId>{0, 1} : std::vector<NodeId>{0};
    EXPECT_EQ(std::get<HyperConv2d>(returns(op, 4, inputs)).conditioning, kind);
  }
}

TEST(Graph, FirstFilesOfTheFormatStillLoad) {
  const Graph graph =
      graph_from_json(R"({"nodes":[{"name":"input","inputs":[],"op":"input","channels":4},)"
                      R"({"name":"c","inputs":[0],"op":"conv2d","out_channels":8,"kernel":3}]})");
  const auto& conv = std::get<Conv2d>(graph.node(1).op);
  EXPECT_EQ(conv.stride, 1);
  EXPECT_EQ(conv.padding, Padding::zero);
  EXPECT_TRUE(conv.bias);
  EXPECT_EQ(graph_to_json(graph).find("stride"), std::string::npos);
}

TEST(Graph, JsonKeepsWhatAConvolutionAdds) {
  Graph graph;
  graph.add("input", Input{4}, {});
  graph.add("c", Conv2d{.out_channels = 8, .stride = 2, .padding = Padding::reflect, .bias = false},
            {0});
  const Graph back = graph_from_json(graph_to_json(graph));
  const auto& conv = std::get<Conv2d>(back.node(1).op);
  EXPECT_EQ(conv.stride, 2);
  EXPECT_EQ(conv.padding, Padding::reflect);
  EXPECT_FALSE(conv.bias);
}

TEST(Graph, WhatNothingReadsIsNotNeededAndOnlyItsWeightsCount) {
  Graph graph;
  graph.add("input", Input{4}, {});
  graph.add("unread", Conv2d{8, 3}, {0});
  graph.add("out", Conv2d{2, 1}, {0});
  EXPECT_EQ(needed_nodes(graph), (std::vector<bool>{true, false, true}));
  const Cost cost = node_costs(graph, {1, 4, 6, 6})[1];
  EXPECT_EQ(cost.parameters, 4 * 8 * 9 + 8);
  EXPECT_EQ(cost.flops_total, 0);
  EXPECT_EQ(cost.conv_memory_bytes, 0);
}

TEST(Graph, ShapesOfTwoInputsMustFit) {
  Graph graph;
  graph.add("input", Input{4}, {});
  const NodeId half = graph.add("half", Conv2d{.out_channels = 4, .stride = 2}, {0});
  Graph sum = graph, attention = graph;
  sum.add("sum", Multiply{}, {0, half});
  EXPECT_THAT(error_of([&] {
                infer_shapes(sum, {1, 4, 8, 8});
              }),
              testing::AllOf(HasSubstr("'sum'"), HasSubstr("[N,C,1,1]")));
  attention.add("pool", AttentionPool{}, {0, half});
  EXPECT_THAT(error_of([&] { infer_shapes(attention, {1, 4, 8, 8}); }), HasSubstr("mask"));
  EXPECT_THAT(error_of([&] { infer_shapes(graph, {1, 4, 7, 8}); }), HasSubstr("even"));
  EXPECT_EQ(size_multiple(graph), 2);
}

TEST(Graph, ParametersFollowTheFormula) {
  // P = sum over HyperConvolutions of filter + bias + (E+1) h + F h.
  Graph graph;
  graph.add("input", Input{4}, {});
  graph.add("h", HyperConv2d{.out_channels = 8, .hidden = 5, .conditioning = Conditioning::layer},
            {0});
  int64_t count = 0;
  for (const Parameter& p : parameters(graph)) count += p.count();
  const int64_t filter = 8 * 4 * 9;
  EXPECT_EQ(count, filter + 8 + (5 + 1) * 5 + filter * 5);
}

}  // namespace
}  // namespace hyperconv
