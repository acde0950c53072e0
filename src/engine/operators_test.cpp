// Every operator of the engine against the reference, on every instruction set of this machine.
#include <gtest/gtest.h>

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

// The operator as the network's end (which writes planar output), and in its middle, with an exact
// copy behind it (which reads a picture).
void check(const Operator& op, int channels, Size size) {
  SCOPED_TRACE(operator_name(op) + " of " + std::to_string(channels) + " channels, " +
               std::to_string(size.h) + "x" + std::to_string(size.w));
  Graph graph;
  const NodeId input_node = graph.add("input", Input{channels}, {});
  const NodeId node = graph.add("node", op, {input_node});
  Graph longer = graph;
  longer.add("copy", Upsample2d{}, {node});
  const auto model = std::make_shared<const Model>(random_model(graph));
  const auto longer_model = std::make_shared<const Model>(random_model(longer));

  const Tensor input = random_tensor({1, channels, size.h, size.w});
  const reference::Result want = reference::apply(*model, node, {input});
  const reference::Result want_longer{
      reference::apply(*longer_model, node + 1, {want.value}).value,
      reference::apply(*longer_model, node + 1, {want.bound}).value};
  for (const std::string& target : kernel_targets()) {
    SCOPED_TRACE(target);
    const ForcedTarget forced(target);
    expect_within_bound(run_engine(model, input), want);
    expect_within_bound(run_engine(longer_model, input), want_longer);
  }
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

TEST(Operators, Activations) {
  for (const auto kind : {ActivationKind::relu, ActivationKind::leaky_relu}) {
    for (const Size size : sizes) check(Activation{kind}, 5, size);
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
