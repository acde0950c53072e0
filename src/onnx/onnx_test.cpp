#include "onnx/onnx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Types = std::vector<std::string>;

onnx::ModelProto read_onnx(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromArray(bytes.data(), int(bytes.size())));
  return model;
}

onnx::ModelProto exported(const Model& model) {
  const TemporaryFolder folder;
  const OnnxSummary summary = export_onnx(folder / "m.onnx", model);
  EXPECT_EQ(summary.bytes, int64_t(std::filesystem::file_size(folder / "m.onnx")));
  return read_onnx(folder / "m.onnx");
}

onnx::ModelProto exported(const Graph& graph) { return exported(untrained(graph, {}, 1)); }

/// ONNX's own opinion: the checker, and shapes that contradict nothing the file says.
void expect_valid(const onnx::ModelProto& model) {
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  onnx::ModelProto copy = model;
  EXPECT_NO_THROW(onnx::shape_inference::InferShapes(copy, onnx::OpSchemaRegistry::Instance(),
                                                     {true, 1, true}));
}

std::string to_text(const onnx::TensorShapeProto& shape) {
  std::string text;
  for (const auto& dim : shape.dim()) {
    text += text.empty() ? "[" : ",";
    text += dim.has_dim_value()       ? std::to_string(dim.dim_value())
            : dim.dim_param().empty() ? "?"
                                      : dim.dim_param();
  }
  return text + "]";
}

std::string shape_text(const onnx::ValueInfoProto& value) {
  return to_text(value.type().tensor_type().shape());
}

void state_shape(const Shape& shape, onnx::ValueInfoProto& value) {
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.clear_shape();
  for (const int64_t extent : {shape.n, shape.c, shape.h, shape.w})
    type.mutable_shape()->add_dim()->set_dim_value(extent);
}

/// Of each node of ours, by its name: what its value is called.
std::map<std::string, std::string> value_names(const onnx::ModelProto& model) {
  std::map<std::string, std::string> names;
  for (const auto& node : model.graph().node()) names[node.name()] = node.output(0);
  return names;
}

/// A resize to a size that the graph computes: ONNX 1.12 infers nothing for it.
bool is_beyond_inference(const Node& node) {
  return std::holds_alternative<Bilinear2d>(node.op) && node.inputs.size() == 2;
}

/// Shapes of all values as ONNX infers them from the input's; those that the file states are taken
/// away, but for what is beyond inference.
std::map<std::string, std::string> inferred_shapes(const Graph& ours, onnx::ModelProto model,
                                                   const std::vector<Shape>& shapes) {
  onnx::GraphProto& graph = *model.mutable_graph();
  const auto names = value_names(model);
  graph.clear_value_info();
  graph.mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  state_shape(shapes.front(), *graph.mutable_input(0));
  for (NodeId id = 1; id <= ours.output(); ++id) {
    if (!is_beyond_inference(ours.node(id))) continue;
    auto& value = id == ours.output() ? *graph.mutable_output(0) : *graph.add_value_info();
    value.set_name(names.at(ours.node(id).name));
    state_shape(shapes[size_t(id)], value);
  }
  onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  std::map<std::string, std::string> inferred;
  for (const auto& value : graph.value_info()) inferred[value.name()] = shape_text(value);
  inferred["output"] = shape_text(graph.output(0));
  return inferred;
}

/// What is given, and not computed by a node.
bool is_side_input(const Node& node) { return std::holds_alternative<SideInput>(node.op); }

/// ONNX infers for every node's value what we do, and no less.
void expect_shapes(const Graph& graph, const onnx::ModelProto& model, const Shape& input) {
  const auto ours = infer_shapes(graph, input);
  const auto theirs = inferred_shapes(graph, model, ours);
  const auto names = value_names(model);
  const auto needed = needed_nodes(graph);
  for (NodeId id = 1; id <= graph.output(); ++id) {
    if (!needed[size_t(id)] || is_side_input(graph.node(id))) continue;
    const std::string& name = names.at(graph.node(id).name);
    ASSERT_TRUE(theirs.contains(name)) << name;
    EXPECT_EQ(theirs.at(name), to_string(ours[size_t(id)])) << name;
  }
}

/// A network of the zoo at a width that is quickly exported.
Graph narrow(const std::string& name) {
  ZooOptions options{.width = 8};
  const bool is_plain = name == "hyper-iii-plain" || name == "hyper-iii-squeeze-excitation";
  if ((name.starts_with("hyper") && !is_plain) || name.starts_with("design-") ||
      name == "develop-16" || name == "develop" || name == "develop-best")
    options.hidden = 5;
  return make_network(name, options);
}

class OnnxZoo : public testing::TestWithParam<std::string> {};

TEST_P(OnnxZoo, IsValidAndHasOurShapes) {
  const Graph graph = narrow(GetParam());
  const onnx::ModelProto model = exported(graph);
  expect_valid(model);
  const int m = size_multiple(graph);
  const int channels = std::get<Input>(graph.node(0).op).channels;
  expect_shapes(graph, model, {1, channels, 3 * m, 5 * m});
}

TEST_P(OnnxZoo, HasOneNodeOfEachNeededNodesName) {
  const Graph graph = narrow(GetParam());
  const auto needed = needed_nodes(graph);
  std::map<std::string, int> counts;
  const onnx::ModelProto model = exported(graph);
  for (const auto& node : model.graph().node()) ++counts[node.name()];
  for (NodeId id = 1; id <= graph.output(); ++id)
    EXPECT_EQ(counts[graph.node(id).name],
              needed[size_t(id)] && !is_side_input(graph.node(id)) ? 1 : 0)
        << graph.node(id).name;
  for (const auto& [name, count] : counts) EXPECT_LE(count, 1) << name;
}

TEST(Onnx, SideInputsAreInputs) {
  const onnx::ModelProto model = exported(make_network("develop", {.width = 8, .hidden = 5}));
  ASSERT_EQ(model.graph().input_size(), 2);
  EXPECT_EQ(model.graph().input(0).name(), "input");
  EXPECT_EQ(model.graph().input(1).name(), "noise");
  EXPECT_EQ(shape_text(model.graph().input(1)), "[1,6,1,1]");
}

TEST_P(OnnxZoo, HoldsTheWeightsOfNeededNodesBitForBit) {
  const Graph graph = narrow(GetParam());
  const Model model = untrained(graph, {}, 3);
  std::map<std::string, std::string> arrays;
  const onnx::ModelProto file = exported(model);
  for (const auto& tensor : file.graph().initializer()) arrays[tensor.name()] = tensor.raw_data();
  const auto needed = needed_nodes(graph);
  int64_t count = 0;
  for (const Parameter& p : parameters(graph)) {
    ASSERT_EQ(arrays.contains(p.name), needed[size_t(p.node)]) << p.name;
    if (!needed[size_t(p.node)]) continue;
    count += p.count();
    const auto bytes = model.weight(p.name).bytes;
    ASSERT_EQ(arrays[p.name].size(), bytes.size()) << p.name;
    EXPECT_EQ(std::memcmp(arrays[p.name].data(), bytes.data(), bytes.size()), 0) << p.name;
  }
  EXPECT_EQ(onnx_summary(graph, {}).parameters, count);
}

INSTANTIATE_TEST_SUITE_P(All, OnnxZoo, testing::ValuesIn(network_names()), [](const auto& name) {
  std::string text = name.param;
  for (char& c : text)
    if (!isalnum(c)) c = '_';
  return text;
});

TEST(Onnx, SaysWhatItIs) {
  const Graph graph = hyper_unet({.width = 4, .hidden = 3});
  const onnx::ModelProto model =
      exported(untrained(graph, {Task::isp, "tiny", "not trained", "none"}, 1));
  std::map<std::string, std::string> facts;
  for (const auto& entry : model.metadata_props()) facts[entry.key()] = entry.value();
  EXPECT_EQ(facts["format"], model_format);
  EXPECT_EQ(graph_to_json(graph_from_json(facts["graph"])), graph_to_json(graph));
  EXPECT_EQ(facts["task"], "isp");
  EXPECT_EQ(facts["name"], "tiny");
  EXPECT_EQ(facts["summary"], "not trained");
  EXPECT_EQ(facts["data_licence"], "none");
  EXPECT_EQ(facts["size_multiple"], "4");
  EXPECT_EQ(facts["smallest_height"], "4");
  EXPECT_EQ(model.graph().name(), "tiny");
  EXPECT_EQ(model.producer_name(), "hyperconv");
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).version(), 17);
  EXPECT_THAT(model.graph().input(0).doc_string(), HasSubstr("B, Gb, R, Gr"));
}

TEST(Onnx, SidesAreNamedAfterTheInputs) {
  const onnx::ModelProto model = exported(hyper_unet({.width = 4, .hidden = 3}));
  EXPECT_EQ(model.graph().input(0).name(), "input");
  EXPECT_EQ(shape_text(model.graph().input(0)), "[1,4,height,width]");
  EXPECT_EQ(model.graph().output(0).name(), "output");
  EXPECT_EQ(shape_text(model.graph().output(0)), "[1,3,2*height,2*width]");
  std::map<std::string, std::string> shapes;
  for (const auto& value : model.graph().value_info()) shapes[value.name()] = shape_text(value);
  EXPECT_EQ(shapes["bottleneck"], "[1,16,height/4,width/4]");
  EXPECT_EQ(shapes["descriptor"], "[1,12,1,1]");
}

// ---- An operator at a time

Graph graph_of(const Operator& op, int channels = 8) {
  Graph graph;
  graph.add("node", op, {graph.add("in", Input{channels}, {})});
  return graph;
}

Graph with_second(const Operator& op, const Operator& second) {
  Graph graph;
  const NodeId x = graph.add("in", Input{8}, {});
  graph.add("node", op, {x, graph.add("second", second, {x})});
  return graph;
}

/// The nodes that "node" becomes, the last one last.
std::vector<onnx::NodeProto> nodes_of(const onnx::ModelProto& model) {
  std::vector<onnx::NodeProto> nodes;
  for (const auto& node : model.graph().node())
    if (node.name() == "node" || node.name().starts_with("node/")) nodes.push_back(node);
  return nodes;
}

struct OperatorCase {
  const char* name;
  Graph graph;
  Types types;
};

void PrintTo(const OperatorCase& c, std::ostream* out) { *out << c.name; }

const Types statistics_of_photo = {
    "ReduceMean", "Sub",   "Mul",  "ReduceMean", "Sqrt", "Pad",        "Slice", "Sub",
    "Abs",        "Shape", "Cast", "Sub",        "Max",  "ReduceMean", "Div",   "Mul",
    "Concat",     "Relu",  "Add",  "Log",        "Add",  "Mul"};
const Types encoding_of_layer = {"ReduceMean", "Mul", "ReduceMean", "Sqrt", "Add",
                                 "Log",        "Mul", "Div",        "Tanh", "Concat"};
const Types filters_and_convolution = {"Gemm", "Relu", "Gemm", "Reshape", "Add", "Conv"};
const Types averaging_matrix = {"Shape", "Squeeze",        "Mul",  "Div", "Mul",  "Add", "Div",
                                "Range", "GreaterOrEqual", "Less", "And", "Cast", "Sub", "Cast",
                                "Div"};

Types joined(Types a, const Types& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Which helper comes first does not matter; which node is the last one, and has the name, does.
class OnnxOperator : public testing::TestWithParam<OperatorCase> {};

TEST_P(OnnxOperator, BecomesTheseNodes) {
  const onnx::ModelProto model = exported(GetParam().graph);
  expect_valid(model);
  Types types;
  for (const auto& node : nodes_of(model)) types.push_back(node.op_type());
  EXPECT_THAT(types, testing::UnorderedElementsAreArray(GetParam().types));
  EXPECT_EQ(types.back(), GetParam().types.back());
  EXPECT_EQ(nodes_of(model).back().name(), "node");
  EXPECT_THAT(nodes_of(model).back().doc_string(),
              HasSubstr(operator_name(GetParam().graph.nodes().back().op)));
  EXPECT_EQ(nodes_of(model).back().output(0), "output");
  const int channels = std::get<Input>(GetParam().graph.node(0).op).channels;
  for (const Shape& size : {Shape{1, channels, 16, 12}, Shape{1, channels, 2, 30}})
    expect_shapes(GetParam().graph, model, size);
}

const OperatorCase operator_cases[] = {
    {"Input",
     [] {
       Graph g;
       g.add("node", Input{8}, {});
       return g;
     }(),
     {"Identity"}},
    {"SideInput",
     [] {
       Graph g;
       g.add("in", Input{8}, {});
       g.add("node", SideInput{5}, {});
       return g;
     }(),
     {"Identity"}},
    {"Conv2d", graph_of(Conv2d{5, 3}), {"Conv"}},
    {"Conv2dStrideTwo", graph_of(Conv2d{.out_channels = 5, .stride = 2}), {"Conv"}},
    {"Conv2dReflect",
     graph_of(Conv2d{.out_channels = 5, .padding = Padding::reflect}),
     {"Pad", "Conv"}},
    {"Conv2dReflectOfOne",
     graph_of(Conv2d{.out_channels = 5, .kernel = 1, .padding = Padding::reflect}),
     {"Conv"}},
    {"HyperConv2dLayer",
     graph_of(HyperConv2d{.out_channels = 5, .conditioning = Conditioning::layer}),
     joined(encoding_of_layer, filters_and_convolution)},
    {"HyperConv2dConstant",
     graph_of(HyperConv2d{.out_channels = 5, .conditioning = Conditioning::constant}),
     filters_and_convolution},
    {"HyperConv2dImage", with_second(HyperConv2d{.out_channels = 5}, PhotoDescriptor{}),
     joined({"Flatten"}, filters_and_convolution)},
    {"ConvTranspose2d", graph_of(ConvTranspose2d{5}), {"ConvTranspose"}},
    {"AveragePool2d", graph_of(AveragePool2d{}), {"AveragePool"}},
    {"MaxPool2d", graph_of(MaxPool2d{}), {"MaxPool"}},
    {"AdaptiveAveragePool2dOne", graph_of(AdaptiveAveragePool2d{1}), {"GlobalAveragePool"}},
    {"AdaptiveAveragePool2dThree", graph_of(AdaptiveAveragePool2d{3}),
     joined(joined(averaging_matrix, averaging_matrix), {"Transpose", "MatMul", "MatMul"})},
    {"AttentionPool",
     with_second(AttentionPool{}, Conv2d{1, 1}),
     {"Reshape", "Softmax", "Reshape", "MatMul", "Unsqueeze"}},
    {"Upsample2d", graph_of(Upsample2d{}), {"Resize"}},
    {"Bilinear2d", graph_of(Bilinear2d{}), {"Resize"}},
    {"Bilinear2dLike", with_second(Bilinear2d{}, Upsample2d{}), {"Shape", "Concat", "Resize"}},
    {"Haar2dAnalysis", graph_of(Haar2d{HaarKind::analysis}), {"Conv", "Gather"}},
    {"Haar2dLow", graph_of(Haar2d{HaarKind::low}), {"Conv"}},
    {"Haar2dSynthesis", graph_of(Haar2d{HaarKind::synthesis}), {"Gather", "ConvTranspose"}},
    {"PixelShuffle", graph_of(PixelShuffle{2}), {"DepthToSpace"}},
    {"Concat", with_second(Concat{}, Conv2d{3, 1}), {"Concat"}},
    {"Add", with_second(Add{}, AdaptiveAveragePool2d{1}), {"Add"}},
    {"Multiply", with_second(Multiply{}, AdaptiveAveragePool2d{1}), {"Mul"}},
    {"Relu", graph_of(Activation{}), {"Relu"}},
    {"LeakyRelu", graph_of(Activation{ActivationKind::leaky_relu}), {"LeakyRelu"}},
    {"Sigmoid", graph_of(Activation{ActivationKind::sigmoid}), {"Sigmoid"}},
    {"Tanh", graph_of(Activation{ActivationKind::tanh}), {"Tanh"}},
    {"PRelu", graph_of(PRelu{}), {"PRelu"}},
    {"Norm2dInstance", graph_of(Norm2d{}), {"InstanceNormalization"}},
    {"Norm2dLayer",
     graph_of(Norm2d{NormKind::layer}),
     {"ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"}},
    {"Norm2dFolded", graph_of(Norm2d{NormKind::folded}), {"Mul", "Add"}},
    {"PhotoDescriptor", graph_of(PhotoDescriptor{}), statistics_of_photo},
};

INSTANTIATE_TEST_SUITE_P(Each, OnnxOperator, testing::ValuesIn(operator_cases),
                         [](const auto& each) { return std::string(each.param.name); });

const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, const std::string& name) {
  for (const auto& each : node.attribute())
    if (each.name() == name) return &each;
  return nullptr;
}

std::vector<int64_t> integers(const onnx::NodeProto& node, const std::string& name) {
  const auto* found = find_attribute(node, name);
  if (found == nullptr) return {};
  if (found->type() == onnx::AttributeProto::INT) return {found->i()};
  return {found->ints().begin(), found->ints().end()};
}

std::string text(const onnx::NodeProto& node, const std::string& name) {
  const auto* found = find_attribute(node, name);
  return found == nullptr ? "" : found->s();
}

template <class T>
std::vector<T> values(const onnx::ModelProto& model, const std::string& name) {
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name() != name) continue;
    std::vector<T> result(tensor.raw_data().size() / sizeof(T));
    std::memcpy(result.data(), tensor.raw_data().data(), tensor.raw_data().size());
    return result;
  }
  ADD_FAILURE() << "no constant " << name;
  return {};
}

TEST(Onnx, SideInputsAreHeldToTheModelsRange) {
  Graph graph;
  const NodeId x = graph.add("photo", Input{2}, {});
  graph.add("sum", Add{}, {x, graph.add("told", SideInput{2}, {})});
  ModelInfo info;
  info.side_ranges = {{"told", {{-1, 0.5f}, {1, 2}}}};
  const onnx::ModelProto model = exported(untrained(graph, info, 1));
  expect_valid(model);
  std::map<std::string, onnx::NodeProto> by_name;
  for (const auto& node : model.graph().node()) by_name[node.name()] = node;
  EXPECT_EQ(by_name["told/raised"].op_type(), "Max");
  EXPECT_THAT(by_name["told/raised"].input(), ElementsAre("told", "told/least"));
  EXPECT_EQ(by_name["told/held"].op_type(), "Min");
  EXPECT_THAT(by_name["told/held"].input(), ElementsAre("told/raised", "told/greatest"));
  EXPECT_THAT(by_name["sum"].input(), ElementsAre("input", "told/held"));
  EXPECT_THAT(values<float>(model, "told/least"), ElementsAre(-1, 0.5f));
  EXPECT_THAT(values<float>(model, "told/greatest"), ElementsAre(1, 2));
  EXPECT_EQ(shape_text(model.graph().input(1)), "[1,2,1,1]");
}

TEST(OnnxOperators, ConvolutionsPadOnceAndTheWayTheyShould) {
  const auto zero =
      nodes_of(exported(graph_of(Conv2d{.out_channels = 5, .kernel = 5, .stride = 2})));
  EXPECT_THAT(integers(zero[0], "pads"), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(integers(zero[0], "strides"), ElementsAre(2, 2));
  EXPECT_THAT(integers(zero[0], "kernel_shape"), ElementsAre(5, 5));
  EXPECT_THAT(zero[0].input(), ElementsAre("input", "node.weight", "node.bias"));
  const auto model = exported(
      graph_of(Conv2d{.out_channels = 5, .kernel = 7, .padding = Padding::reflect, .bias = false}));
  const auto mirrored = nodes_of(model);
  EXPECT_EQ(text(mirrored[0], "mode"), "reflect");
  EXPECT_THAT(values<int64_t>(model, mirrored[0].input(1)), ElementsAre(0, 0, 3, 3, 0, 0, 3, 3));
  EXPECT_THAT(integers(mirrored[1], "pads"), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(mirrored[1].input(), ElementsAre(mirrored[0].output(0), "node.weight"));
}

TEST(OnnxOperators, ResizesSayWherePixelsLie) {
  const auto mode = [](const Operator& op) {
    const auto node = nodes_of(exported(graph_of(op))).back();
    return text(node, "mode") + " " + text(node, "coordinate_transformation_mode");
  };
  EXPECT_EQ(mode(Upsample2d{}), "nearest asymmetric");
  EXPECT_EQ(mode(Bilinear2d{true}), "linear align_corners");
  EXPECT_EQ(mode(Bilinear2d{false}), "linear half_pixel");
  const auto up = exported(graph_of(Upsample2d{}));
  EXPECT_EQ(text(nodes_of(up).back(), "nearest_mode"), "floor");
  EXPECT_THAT(values<float>(up, nodes_of(up).back().input(2)), ElementsAre(1, 1, 2, 2));
}

TEST(OnnxOperators, ShufflesKeepAChannelsPixelsTogether) {
  const auto node = nodes_of(exported(graph_of(PixelShuffle{2}))).back();
  EXPECT_EQ(text(node, "mode"), "CRD");
  EXPECT_THAT(integers(node, "blocksize"), ElementsAre(2));
}

// Written out for two channels, from the formulas in graph.hpp.
TEST(OnnxOperators, WaveletsHaveTheirSignsAndOrder) {
  const auto there = exported(graph_of(Haar2d{HaarKind::analysis}, 2));
  const auto nodes = nodes_of(there);
  EXPECT_THAT(integers(nodes[0], "group"), ElementsAre(2));
  const std::vector<float> ll = {.5, .5, .5, .5}, hl = {-.5, .5, -.5, .5}, lh = {-.5, -.5, .5, .5},
                           hh = {.5, -.5, -.5, .5};
  std::vector<float> filters;
  for (int c = 0; c < 2; ++c)
    for (const auto& band : {ll, hl, lh, hh})
      filters.insert(filters.end(), band.begin(), band.end());
  EXPECT_EQ(values<float>(there, nodes[0].input(1)), filters);
  EXPECT_THAT(values<int64_t>(there, nodes[1].input(1)), ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
  const auto back = exported(graph_of(Haar2d{HaarKind::synthesis}, 8));
  EXPECT_THAT(values<int64_t>(back, nodes_of(back)[0].input(1)),
              ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_EQ(values<float>(back, nodes_of(back)[1].input(1)), filters);
  const auto low = exported(graph_of(Haar2d{HaarKind::low}, 1));
  EXPECT_EQ(values<float>(low, nodes_of(low)[0].input(1)), ll);
}

TEST(OnnxOperators, HyperConvolutionsConvolveWithWhatTheyCompute) {
  const auto model = exported(
      graph_of(HyperConv2d{.out_channels = 5, .hidden = 7, .conditioning = Conditioning::layer}));
  std::map<std::string, onnx::NodeProto> by_name;
  for (const auto& node : nodes_of(model)) by_name[node.name()] = node;
  EXPECT_THAT(by_name["node"].input(), ElementsAre("input", "node/filters", "node.bias"));
  EXPECT_THAT(by_name["node/filters"].input(), ElementsAre("node.weight", "node/change"));
  EXPECT_THAT(by_name["node/a2"].input(), ElementsAre("node/hidden", "node.a2.weight"));
  EXPECT_THAT(by_name["node/a1"].input(),
              ElementsAre("node/encoded", "node.a1.weight", "node.a1.bias"));
  EXPECT_THAT(integers(by_name["node/a1"], "transB"), ElementsAre(1));
  EXPECT_THAT(integers(by_name["node/a2"], "transB"), ElementsAre(1));
  EXPECT_THAT(by_name["node/encoded"].input(), ElementsAre("node/direction", "node/size"));
  EXPECT_THAT(values<float>(model, "node/least_rms"), ElementsAre(1e-6f));
  EXPECT_THAT(values<int64_t>(model, "node/filter_shape"), ElementsAre(5, 8, 3, 3));
}

TEST(OnnxOperators, ConstantsAreTheFormulas) {
  const auto norm = nodes_of(exported(graph_of(Norm2d{}))).back();
  EXPECT_FLOAT_EQ(find_attribute(norm, "epsilon")->f(), 1e-5f);
  EXPECT_THAT(values<float>(exported(graph_of(Norm2d{NormKind::layer})), "node/epsilon"),
              ElementsAre(1e-5f));
  const auto leaky = nodes_of(exported(graph_of(Activation{ActivationKind::leaky_relu}))).back();
  EXPECT_FLOAT_EQ(find_attribute(leaky, "alpha")->f(), 0.2f);
  EXPECT_THAT(values<float>(exported(graph_of(PhotoDescriptor{})), "node/least"),
              ElementsAre(1e-4f));
}

// ---- Names

TEST(Onnx, NamesThatMeetAreToldApart) {
  Graph graph;
  NodeId x = graph.add("first", Input{4}, {});
  const Operator mirrored = Conv2d{.out_channels = 4, .padding = Padding::reflect};
  for (const char* name : {"input", "output", "a", "a/mirrored", "a/pads"})
    x = graph.add(name, mirrored, {x});
  x = graph.add("a.weight", Activation{}, {x});
  graph.add("end", Activation{}, {x});
  const onnx::ModelProto model = exported(graph);
  expect_valid(model);
  expect_shapes(graph, model, {1, 4, 6, 8});
}

TEST(Onnx, ANamelessModelIsValid) {
  expect_valid(exported(untrained(plain_unet({2}), ModelInfo{}, 1)));
}

// ---- Precision

TEST(Onnx, HalfPrecisionIsWidened) {
  const TemporaryFolder folder;
  const Graph graph = hyper_unet({.width = 4, .hidden = 3});
  for (const Precision precision : {Precision::f16, Precision::bf16}) {
    save_model(folder / "m.safetensors", untrained(graph, {}, 1), precision);
    const Model model = Model::load(folder / "m.safetensors");
    const onnx::ModelProto file = exported(model);
    expect_valid(file);
    for (const Parameter& p : parameters(graph))
      EXPECT_EQ(values<float>(file, p.name), model.weight(p.name).to_float()) << p.name;
  }
}

// More values than are written at a time.
TEST(Onnx, LargeWeightsAreWhole) {
  const Model model = untrained(graph_of(Conv2d{1100, 11}, 10), {}, 1);
  ASSERT_GT(model.weight("node.weight").count(), 1 << 20);
  EXPECT_EQ(values<float>(exported(model), "node.weight"), model.weight("node.weight").to_float());
}

// ---- What cannot be

TEST(Onnx, MoreThanTwoGibAreRefusedWithTheFigures) {
  // 8 * 2048 * 9 * hidden values of 4 bytes: 2^29 values are two GiB.
  const auto of_hidden = [](int hidden) {
    return graph_of(HyperConv2d{
        .out_channels = 2048, .hidden = hidden, .conditioning = Conditioning::constant});
  };
  const int limit = (1 << 29) / (8 * 2048 * 9);
  EXPECT_LE(onnx_summary(of_hidden(limit - 10), {}).bytes, onnx_largest_file);
  EXPECT_EQ(
      error_of([&] { onnx_summary(of_hidden(2 * limit), {}); }),
      "an ONNX file holds at most 2 GiB, and 1073.8 M parameters in fp32 are 4.00 GiB; take a "
      "smaller width or hidden width");
}

TEST(Onnx, FramesMustBeAsLargeAsAConvolutionMirrors) {
  const auto summary = [](const Graph& graph) { return onnx_summary(graph, {}); };
  EXPECT_EQ(summary(graph_of(Conv2d{.out_channels = 4, .kernel = 9})).smallest_height, 1);
  const Operator mirrored = Conv2d{.out_channels = 4, .kernel = 9, .padding = Padding::reflect};
  EXPECT_EQ(summary(graph_of(mirrored)).smallest_height, 5);
  Graph halved = graph_of(AveragePool2d{});
  halved.add("conv", mirrored, {halved.output()});
  EXPECT_EQ(summary(halved).smallest_width, 10);
  Graph doubled = graph_of(Upsample2d{});
  doubled.add("conv", mirrored, {doubled.output()});
  EXPECT_EQ(summary(doubled).smallest_width, 3);
  // A kernel of 3 in PyNET's lowest level, at a sixteenth.
  EXPECT_EQ(summary(pynet(2)).smallest_height, 32);
  Graph idle = graph_of(mirrored);
  idle.add("end", Conv2d{4, 1}, {0});
  EXPECT_EQ(summary(idle).smallest_height, 1);
}

TEST(Onnx, FramesThatNeverAreLargeEnoughAreRefused) {
  Graph graph = graph_of(AdaptiveAveragePool2d{2});
  graph.add("wide", Conv2d{.out_channels = 4, .kernel = 5, .padding = Padding::reflect},
            {graph.output()});
  EXPECT_THAT(error_of([&] { onnx_summary(graph, {}); }),
              AllOf(HasSubstr("'wide'"), HasSubstr("2x2"), HasSubstr("by 2")));
}

TEST(Onnx, WhatIsNotFiniteIsRefusedAndNothingIsWritten) {
  const TemporaryFolder folder;
  const Graph graph = graph_of(Conv2d{4, 3});
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name].assign(size_t(p.count()), 1);
  weights["node.bias"].back() = std::nanf("");
  EXPECT_THAT(error_of([&] { export_onnx(folder / "m.onnx", Model(graph, {}, weights)); }),
              HasSubstr("'node.bias' is not finite"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Onnx, WhereItCannotBeWrittenItSaysSo) {
  const TemporaryFolder folder;
  const Model model = untrained(graph_of(Conv2d{4, 3}), {}, 1);
  EXPECT_THAT(error_of([&] { export_onnx(folder / "none/m.onnx", model); }),
              HasSubstr("none/m.onnx: cannot be written"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace hyperconv
