// Every operator of the engine against the reference, on every instruction set of this machine.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/half.hpp"
#include "engine/kernels/bf16.hpp"
#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"

namespace hyperconv {
namespace {

struct Size {
  int64_t h, w;
};

// One pixel, one row, one column, and widths that are multiples of no tile.
constexpr Size sizes[] = {{1, 1}, {1, 7}, {6, 1}, {5, 13}, {9, 31}};
constexpr int channel_counts[] = {1, 3, 4, 5, 8, 12, 16, 20, 33, 64};

void expect_within_bound(const Tensor& got, const reference::Result& want) {
  ASSERT_EQ(got.shape(), want.value.shape());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_LE(std::fabs(double(got.data()[i]) - double(want.value.data()[i])),
              double(want.bound.data()[i]))
        << "at " << i << ": " << got.data()[i] << ", reference " << want.value.data()[i];
  }
}

// The last node against its bound; all before it must be exact. Once as the network's end (which
// writes planar output), and once in its middle, with an exact copy behind it (which reads a
// feature map).
void check(const Graph& graph, int channels, Size size) {
  const NodeId last = graph.output();
  SCOPED_TRACE(operator_name(graph.node(last).op) + " of " + std::to_string(channels) +
               " channels, " + std::to_string(size.h) + "x" + std::to_string(size.w));
  Graph longer = graph;
  longer.add("copy", Upsample2d{}, {last});
  const auto model = std::make_shared<const Model>(random_model(graph));
  const auto longer_model = std::make_shared<const Model>(random_model(longer));

  const Tensor input = random_tensor({1, channels, size.h, size.w});
  const SideInputs side = random_side(graph);
  std::vector<Tensor> values = {input};
  reference::Result want;
  for (NodeId id = 1; id <= last; ++id) {
    std::vector<Tensor> inputs;
    for (const NodeId from : graph.node(id).inputs) inputs.push_back(values[size_t(from)]);
    const Node& node = graph.node(id);
    if (std::holds_alternative<SideInput>(node.op)) inputs.push_back(side.at(node.name));
    want = reference::apply(*model, id, inputs);
    values.push_back(want.value);
  }
  const reference::Result want_longer{
      reference::apply(*longer_model, last + 1, {want.value}).value,
      reference::apply(*longer_model, last + 1, {want.bound}).value};
  for (const std::string& target : tested_targets()) {
    // The bound is that of a direct convolution. Winograd's own is wider, by its transforms'
    // factors; on numbers that are all of one size its errors stay far below, and the tighter bound
    // finds more.
    for (const char* kernel : {"direct", "winograd"}) {
      SCOPED_TRACE(target + ", " + kernel);
      const ForcedTarget forced_target(target);
      const ForcedKernel forced_kernel(kernel);
      expect_within_bound(run_engine(model, input), want);
      expect_within_bound(run_engine(longer_model, input), want_longer);
    }
  }
}

void check(const Operator& op, int channels, Size size) {
  Graph graph;
  graph.add("node", op, {graph.add("input", Input{channels}, {})});
  check(graph, channels, size);
}

TEST(Operators, ConvolutionsOfAllChannelCounts) {
  for (const int kernel : {1, 3, 5}) {
    for (size_t i = 0; i < std::size(channel_counts); ++i) {
      const int channels = channel_counts[i];
      for (const size_t shift : {0, 3, 7}) {
        const int out = channel_counts[(i + shift) % std::size(channel_counts)];
        check(Conv2d{out, kernel}, channels, {3, 13});
      }
    }
  }
}

TEST(Operators, ConvolutionsOfAllSizes) {
  for (const Size size : sizes) {
    for (const int kernel : {1, 3, 5, 7}) {
      check(Conv2d{20, kernel}, 4, size);
      check(Conv2d{5, kernel}, 8, size);
    }
  }
}

TEST(Operators, ConvolutionsOfStrideTwo) {
  for (const Size size : {Size{2, 2}, {2, 14}, {6, 2}, {8, 50}}) {
    for (const int kernel : {1, 3, 5}) {
      check(Conv2d{.out_channels = 20, .kernel = kernel, .stride = 2}, 5, size);
      check(Conv2d{.out_channels = 8, .kernel = kernel, .stride = 2}, 8, size);
    }
  }
  check(Conv2d{.out_channels = 8, .kernel = 3, .stride = 2, .padding = Padding::reflect}, 3,
        {6, 10});
}

// Also frames that are smaller than the kernel reaches.
TEST(Operators, ConvolutionsThatMirrorTheFrame) {
  for (const Size size : sizes) {
    for (const int kernel : {1, 3, 9}) {
      check(Conv2d{.out_channels = 5, .kernel = kernel, .padding = Padding::reflect}, 4, size);
    }
  }
}

// A row as bright as the sun beside dark ones: Winograd's sums mix four rows and six, and what
// should cancel leaves roundings of the bright row in the dark ones. At most by the transforms'
// largest factors (8 of the output's, 10 of the input's sums) and a handful of roundings each.
TEST(Operators, ABrightRowLeavesTheDarkOnesDark) {
  Graph graph;
  graph.add("node", Conv2d{.out_channels = 8, .bias = false}, {graph.add("input", Input{4}, {})});
  const auto model = std::make_shared<const Model>(random_model(graph));
  Tensor input({1, 4, 8, 24});
  constexpr float bright = 1e4f;
  for (int64_t c = 0; c < 4; ++c) std::fill_n(input.row(0, c, 3), 24, bright);
  const double most = 80.0 * 16 * 0x1.0p-24 * double(bright);
  for (const std::string& target : tested_targets()) {
    const ForcedTarget forced(target);
    const Tensor output = run_engine(model, input);
    for (const int64_t dark : {0, 1, 5, 6, 7})
      for (int64_t c = 0; c < 8; ++c)
        for (int64_t x = 0; x < 24; ++x)
          ASSERT_LE(std::fabs(double(output.at(0, c, dark, x))), most) << target << dark;
    EXPECT_GT(std::fabs(output.at(0, 0, 3, 5)), 1) << target;
  }
}

float as_bf16(float value) { return bf16_to_float(float_to_bf16(value)); }

/// Random, but with weights that are bf16 numbers; biases are added in fp32 as they are.
Model bf16_model(const Graph& graph) {
  const Model model = random_model(graph);
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) {
    std::vector<float>& values = weights[p.name] = model.weight(p.name).to_float();
    if (!p.name.ends_with(".bias")) std::ranges::transform(values, values.begin(), as_bf16);
  }
  return {graph, {}, std::move(weights)};
}

// Of bf16 numbers the products are exact in fp32, so that the bound of a sum of floats holds: once
// for the network's input, which is read as hi and lo, and once for a feature map in bf16. What is
// stored in bf16 is rounded by 2^-8 of itself at most. Tap by tap: what Winograd's form rounds is
// bf16_winograd_test's.
void check_in_bf16(const Operator& op, int channels, Size size) {
  Graph graph;
  const NodeId input_node = graph.add("input", Input{channels}, {});
  const NodeId copy = graph.add("copy", Upsample2d{}, {input_node});
  const NodeId node = graph.add("node", op, {copy});
  Graph first;
  first.add("node", op, {first.add("input", Input{channels}, {})});
  Graph longer = graph;
  longer.add("stored", Upsample2d{}, {node});
  SCOPED_TRACE(operator_name(op) + " of " + std::to_string(channels) + " channels, " +
               std::to_string(size.h) + "x" + std::to_string(size.w));

  Tensor input = random_tensor({1, channels, size.h, size.w});
  std::transform(input.data(), input.data() + input.size(), input.data(), as_bf16);
  // Other convolutions at a network's end write the output itself, in fp32.
  const auto* conv = std::get_if<Conv2d>(&op);
  const bool is_stored = conv == nullptr || conv->stride > 1;
  const auto check_one = [&](const Graph& checked, NodeId last, const Tensor& from, bool copied) {
    const auto model = std::make_shared<const Model>(bf16_model(checked));
    reference::Result want = reference::apply(*model, last, {from});
    for (size_t i = 0; i < want.value.size() && (copied || is_stored); ++i)
      want.bound.data()[i] =
          want.bound.data()[i] * (1 + 0x1.0p-8f) + std::fabs(want.value.data()[i]) * 0x1.0p-8f;
    if (copied)
      want = {reference::apply(*model, last + 1, {want.value}).value,
              reference::apply(*model, last + 1, {want.bound}).value};
    expect_within_bound(run_engine(model, input), want);
  };
  const Tensor twice = reference::apply(random_model(graph), copy, {input}).value;
  const ForcedVariable forced("HYPERCONV_PRECISION", "bf16");
  const ForcedKernel direct("direct");
  for (const Bf16Kernels& bf16 : bf16_kernels()) {
    SCOPED_TRACE(bf16.name);
    const ForcedVariable forced_kernels("HYPERCONV_BF16", bf16.name);
    check_one(first, 1, input, false);
    check_one(graph, node, twice, false);
    check_one(longer, node, twice, true);
  }
}

TEST(Operators, ConvolutionsInBf16) {
  for (const int kernel : {1, 3, 5})
    for (const int channels : channel_counts)
      for (const int out : {1, 12, 16, 33, 50})
        check_in_bf16(Conv2d{out, kernel}, channels, {3, 13});
  for (const Size size : {Size{1, 1}, {1, 7}, {6, 1}, {5, 16}, {2, 131}}) {
    check_in_bf16(Conv2d{20, 3}, 4, size);
    check_in_bf16(Conv2d{5, 7}, 33, size);
    check_in_bf16(ConvTranspose2d{12}, 24, size);
  }
  check_in_bf16(Conv2d{.out_channels = 20, .kernel = 3, .stride = 2}, 24, {6, 50});
}

TEST(Operators, ConvolutionsWithoutBias) {
  check(Conv2d{.out_channels = 12, .kernel = 3, .bias = false}, 5, {5, 13});
}

TEST(Operators, WideFramesInSeveralStrips) {
  check(Conv2d{16, 3}, 64, {18, 407});
  check(Conv2d{300, 1}, 3, {2, 50});
  check(Conv2d{256, 1}, 3, {2, 129});
}

TEST(Operators, HyperConvolutions) {
  for (const auto conditioning : {Conditioning::layer, Conditioning::constant}) {
    for (const int channels : channel_counts) {
      const HyperConv2d op{.out_channels = 17, .hidden = 11, .conditioning = conditioning};
      check(op, channels, {5, 13});
    }
    for (const Size size : sizes) {
      for (const int kernel : {1, 3, 5}) {
        check(HyperConv2d{.out_channels = 8,
                          .kernel = kernel,
                          .hidden = 37,
                          .conditioning = conditioning,
                          .constant_size = 5},
              6, size);
      }
    }
  }
}

TEST(Operators, TransposedConvolutions) {
  for (const int channels : channel_counts) check(ConvTranspose2d{12}, channels, {5, 13});
  for (const Size size : sizes) check(ConvTranspose2d{33}, 5, size);
}

TEST(Operators, PoolingUpsamplingShuffling) {
  for (const int channels : channel_counts) {
    check(AveragePool2d{}, channels, {6, 14});
    check(Upsample2d{}, channels, {3, 7});
  }
  for (const Size size : sizes) {
    check(PixelShuffle{2}, 12, size);
    check(PixelShuffle{3}, 18, size);
    check(Upsample2d{}, 3, size);
  }
}

TEST(Operators, MaximaPartsAndWavelets) {
  for (const int channels : {1, 4, 5, 20}) {
    for (const Size size : {Size{2, 2}, {6, 14}}) {
      check(MaxPool2d{}, channels, size);
      check(Haar2d{HaarKind::analysis}, channels, size);
      check(Haar2d{HaarKind::low}, channels, size);
    }
    for (const Size size : sizes) {
      check(Haar2d{HaarKind::synthesis}, 4 * channels, size);
      for (const int parts : {1, 2, 3, 6}) check(AdaptiveAveragePool2d{parts}, channels, size);
    }
  }
}

TEST(Operators, WaveletsInvertEachOther) {
  Graph graph;
  NodeId x = graph.add("input", Input{3}, {});
  x = graph.add("there", Haar2d{HaarKind::analysis}, {x});
  graph.add("back", Haar2d{HaarKind::synthesis}, {x});
  const Tensor input = random_tensor({1, 3, 6, 10});
  const Tensor output = run_engine(std::make_shared<const Model>(random_model(graph)), input);
  ASSERT_EQ(output.shape(), input.shape());
  for (size_t i = 0; i < input.size(); ++i) EXPECT_NEAR(output.data()[i], input.data()[i], 1e-5);
}

TEST(Operators, BilinearInterpolation) {
  for (const bool align_corners : {true, false}) {
    for (const Size size : sizes) {
      check(Bilinear2d{align_corners}, 5, size);
      Graph graph;
      const NodeId x = graph.add("input", Input{3}, {});
      const NodeId large = graph.add("large", Upsample2d{}, {graph.add("up", Upsample2d{}, {x})});
      graph.add("like", Bilinear2d{align_corners}, {x, large});
      check(graph, 3, size);
    }
  }
}

TEST(Operators, SumsAndProductsOfEqualsAndOfOnePixel) {
  for (const Operator& op : {Operator(Add{}), Operator(Multiply{})}) {
    for (const Size size : sizes) {
      Graph graph;
      const NodeId x = graph.add("input", Input{5}, {});
      graph.add("node", op, {x, graph.add("other", Activation{}, {x})});
      check(graph, 5, size);
    }
    Graph graph;
    const NodeId x = graph.add("input", Input{6}, {});
    NodeId one = x;
    for (const char* name : {"half", "quarter", "one"}) one = graph.add(name, MaxPool2d{}, {one});
    graph.add("node", op, {x, one});
    check(graph, 6, {8, 8});
  }
}

TEST(Operators, AttentionPools) {
  for (const Size size : sizes) {
    Graph graph;
    const NodeId x = graph.add("input", Input{4}, {});
    // The largest of each pixel's four channels: exact, and one channel.
    const NodeId mask = graph.add("mask", MaxPool2d{}, {graph.add("flat", PixelShuffle{2}, {x})});
    graph.add("node", AttentionPool{}, {x, mask});
    check(graph, 4, size);
  }
}

TEST(Operators, Activations) {
  for (const auto kind : {ActivationKind::relu, ActivationKind::leaky_relu, ActivationKind::sigmoid,
                          ActivationKind::tanh}) {
    for (const Size size : sizes) check(Activation{kind}, 5, size);
  }
  for (const Size size : sizes) check(PRelu{}, 5, size);
}

TEST(Operators, Norms) {
  for (const auto kind : {NormKind::instance, NormKind::layer, NormKind::folded}) {
    for (const Size size : sizes) check(Norm2d{kind}, 5, size);
    for (const int channels : channel_counts) check(Norm2d{kind}, channels, {9, 31});
  }
}

// A vector beside the photo reaches what reads it, alone and joined with others.
TEST(Operators, SideInputs) {
  for (const int channels : channel_counts) {
    Graph graph;
    const NodeId x = graph.add("input", Input{4}, {});
    graph.add("told", SideInput{channels}, {});
    check(graph, 4, {5, 13});
    const NodeId more = graph.add("more", SideInput{3}, {});
    const NodeId both = graph.add("both", Concat{}, {NodeId(1), more});
    graph.add("node", HyperConv2d{.out_channels = 5, .hidden = 4}, {x, both});
    check(graph, 4, {5, 13});
  }
}

TEST(Operators, PhotoDescriptors) {
  for (const int channels : channel_counts) check(PhotoDescriptor{}, channels, {9, 31});
  for (const Size size : sizes) check(PhotoDescriptor{}, 4, size);
}

TEST(Operators, DescriptorOfAFlatFrameHasNoSpread) {
  Graph graph;
  graph.add("descriptor", PhotoDescriptor{}, {graph.add("input", Input{1}, {})});
  const auto model = std::make_shared<const Model>(random_model(graph));
  Tensor input({1, 1, 20, 30});
  std::fill_n(input.data(), input.size(), 0.7f);
  const Tensor got = run_engine(model, input);
  const float nothing = float((std::log(1e-4) + 4) / 4);
  EXPECT_EQ(got.at(0, 1, 0, 0), nothing);
  EXPECT_EQ(got.at(0, 2, 0, 0), nothing);
}

TEST(Operators, LayerConditioningOfABlackFrameIsFinite) {
  check(HyperConv2d{.out_channels = 4, .hidden = 8, .conditioning = Conditioning::layer}, 3,
        {2, 2});
  Graph graph;
  graph.add("node",
            HyperConv2d{.out_channels = 4, .hidden = 8, .conditioning = Conditioning::layer},
            {graph.add("input", Input{3}, {})});
  const auto model = std::make_shared<const Model>(random_model(graph));
  const Tensor black({1, 3, 4, 4});
  expect_within_bound(run_engine(model, black), reference::apply(*model, 1, {black}));
}

TEST(Operators, ReferenceTakesBatches) {
  Graph graph;
  graph.add("node",
            HyperConv2d{.out_channels = 4, .hidden = 8, .conditioning = Conditioning::layer},
            {graph.add("input", Input{3}, {})});
  const auto model = std::make_shared<const Model>(random_model(graph));
  const Tensor pair = random_tensor({2, 3, 5, 7});
  const Tensor both = reference::run(*model, pair);
  for (int64_t n = 0; n < 2; ++n) {
    Tensor one({1, 3, 5, 7});
    std::copy_n(pair.row(n, 0, 0), one.size(), one.data());
    const Tensor alone = reference::run(*model, one);
    for (size_t i = 0; i < alone.size(); ++i) ASSERT_EQ(alone.data()[i], both.row(n, 0, 0)[i]);
  }
}

}  // namespace
}  // namespace hyperconv
