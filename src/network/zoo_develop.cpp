// The networks that develop a mosaic whose noise is known: ours, after the paper's idea.
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "base/fail.hpp"
#include "base/x_trans.hpp"
#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

/// R's, G's and B's shot and read noise (raw/stabilised.hpp).
constexpr int noise_channels = 6;

/// Three colours at each of a cell's 2x2 samples.
constexpr int colour_channels = int(three_colour_places.size());

/// Weights of the samples around pixel (y, x) of a cell that make one colour there, by row and
/// column of the 3x3 cells around.
std::map<std::array<int, 2>, double> interpolation_weights(int colour, int y, int x) {
  constexpr XTrans pattern;
  constexpr int reach = 2, side = XTrans::side;
  const auto has_colour = [&](int row, int column) {
    return pattern.colour(row + side, column + side) == colour;
  };
  if (has_colour(y, x)) return {{{y, x}, 1}};
  std::map<std::array<int, 2>, double> weights;
  double sum = 0;
  for (int row = y - reach; row <= y + reach; ++row)
    for (int column = x - reach; column <= x + reach; ++column) {
      if (!has_colour(row, column)) continue;
      const int distance2 = (row - y) * (row - y) + (column - x) * (column - x);
      sum += weights[{row, column}] = std::exp(-distance2 / 2.0);
    }
  for (auto& [place, weight] : weights) weight /= sum;
  return weights;
}

class DevelopBuilder {
 public:
  explicit DevelopBuilder(const DevelopNetwork& shape)
      : shape_(shape),
        b_(cell_channels(shape.packing)),
        noise_(b_.add("noise", SideInput{noise_channels}, {})),
        cells_(b_.input()) {
    steering_ = noise_;
    if (shape.sees_photo) {
      const NodeId photo = b_.add("descriptor", PhotoDescriptor{}, {b_.input()});
      steering_ = b_.concat("steering", {noise_, photo});
    }
    if (shape.packing == Packing::x_trans) {
      const NodeId colours = b_.conv(interpolation_layer, b_.input(), 9 * colour_channels);
      cells_ = b_.add("cells", PixelShuffle{3}, {colours});
    }
    if (shape.film) steering_ = b_.conv_relu("predictor", steering_, shape.hidden, 1);
  }

  Graph build() {
    const int levels = int(shape_.widths.size());
    NodeId x = first();
    std::vector<NodeId> skips;
    for (int level = 0; level < levels; ++level) {
      const std::string name = "down" + std::to_string(level + 1);
      if (level > 0) x = block(name + ".conv1", b_.average_pool(name + ".pool", x), level);
      x = block(name + ".conv2", x, level);
      skips.push_back(x);
    }
    for (int level = levels - 2; level >= 0; --level) {
      const std::string name = "up" + std::to_string(level + 1);
      x = b_.conv_transpose(name + ".up", x, shape_.widths[size_t(level)]);
      x = b_.sum(name + ".sum", x, skips[size_t(level)]);
      x = block(name + ".conv1", x, level);
      // Deep levels hold coarse structure in few pixels: one convolution is enough there.
      if (level < 2) x = block(name + ".conv2", x, level);
    }
    // In this order: a graph's nodes are numbered as they are added, and models/develop.safetensors
    // has these numbers.
    std::optional<NodeId> linear;
    if (shape_.linear_kernel > 0)
      linear = convolution("linear", cells_, 12, 0, shape_.linear_kernel);
    x = convolution("last", x, 12, 0);
    if (linear) x = b_.sum("sum", x, *linear);
    b_.shuffle("output", x);
    return b_.take();
  }

 private:
  bool predicts(int level) const { return shape_.hidden > 0 && level < shape_.hyper_levels; }

  NodeId convolution(const std::string& name, NodeId x, int out, int level, int kernel = 3) {
    if (!predicts(level)) return b_.conv(name, x, out, kernel);
    if (shape_.film) return b_.film(name, b_.conv(name, x, out, kernel), steering_, out);
    const HyperConv2d op{.out_channels = out, .kernel = kernel, .hidden = shape_.hidden};
    return b_.add(name, op, {x, steering_});
  }

  NodeId block(const std::string& name, NodeId x, int level) {
    return b_.leaky_relu(name, convolution(name, x, shape_.widths[size_t(level)], level));
  }

  /// Without HyperConvolutions the noise enters as constant channels beside the mosaic's would: a
  /// filter adds the same value for them at every pixel.
  NodeId first() {
    if (shape_.hidden > 0) return block("down1.conv1", cells_, 0);
    const int width = shape_.widths.front();
    const NodeId cells = b_.conv("down1.conv1", cells_, width);
    return b_.leaky_relu("down1.conv1",
                         b_.sum("noise.sum", cells, b_.conv("noise.conv", noise_, width, 1)));
  }

  DevelopNetwork shape_;
  GraphBuilder b_;
  NodeId noise_;
  NodeId cells_;         ///< of 2x2 samples
  NodeId steering_ = 0;  ///< what filters are predicted from
};

}  // namespace

std::vector<float> x_trans_interpolation() {
  constexpr int side = XTrans::side, inputs = side * side, taps = 9;
  std::vector<float> filter(size_t(9 * colour_channels * inputs * taps));
  for (int channel = 0; channel < colour_channels; ++channel)
    for (int place = 0; place < 9; ++place) {
      const auto [colour, row, column] = three_colour_places[size_t(channel)];
      const int y = 2 * (place / 3) + row, x = 2 * (place % 3) + column;
      for (const auto& [from, weight] : interpolation_weights(colour, y, x)) {
        const int down = from[0] + side, across = from[1] + side;  // in the 3x3 cells
        const int input = down % side * side + across % side;
        const int tap = down / side * 3 + across / side;
        filter[size_t(((channel * 9 + place) * inputs + input) * taps + tap)] = float(weight);
      }
    }
  return filter;
}

Graph develop_network(const DevelopNetwork& shape) { return DevelopBuilder(shape).build(); }

const std::vector<DevelopDesign>& develop_designs() {
  static const std::vector<DevelopDesign> designs = {
      {"hidden-4", "hidden width 4", {.hidden = 4}},
      {"hidden-128", "hidden width 128", {.hidden = 128}},
      {"hidden-512", "hidden width 512", {.hidden = 512}},
      {"film", "FiLM instead of HyperConvolutions", {.film = true}},
      {"one-level", "HyperConvolutions on the first level alone", {.hyper_levels = 1}},
      {"all-levels", "HyperConvolutions on all levels", {.hyper_levels = 4}},
      {"photo", "filters follow noise and the photo's descriptor", {.sees_photo = true}},
      {"no-linear", "no linear path", {.linear_kernel = 0}},
      {"linear-5", "linear path over 5x5 cells", {.linear_kernel = 5}},
      {"shallow", "three levels: context to 1/8", {.widths = {24, 40, 64}}},
      {"deep", "five levels: context to 1/32", {.widths = {24, 32, 56, 64, 96}}},
      {"wide-top", "wide above, narrow below", {.widths = {28, 28, 40, 56}}},
      {"wide-bottom", "narrow above, wide below", {.widths = {16, 40, 88, 120}}},
  };
  return designs;
}

}  // namespace hyperconv
