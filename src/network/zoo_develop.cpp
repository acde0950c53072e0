// The networks that develop a mosaic whose noise is known: ours, after the paper's idea.
#include "hyperconv/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

/// R's, G's and B's shot and read noise (raw/stabilised.hpp).
constexpr int noise_channels = 6;

class DevelopBuilder {
 public:
  explicit DevelopBuilder(const DevelopNetwork& shape)
      : shape_(shape), b_(4), noise_(b_.add("noise", SideInput{noise_channels}, {})) {}

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
      // The deep levels hold few of a photo's pixels, and the broad forms that one look is enough
      // for.
      if (level < 2) x = block(name + ".conv2", x, level);
    }
    x = b_.sum("sum", convolution("last", x, 12, 0), convolution("linear", b_.input(), 12, 0));
    b_.shuffle("output", x);
    return b_.take();
  }

 private:
  bool predicts(int level) const { return shape_.hidden > 0 && level < shape_.hyper_levels; }

  NodeId convolution(const std::string& name, NodeId x, int out, int level) {
    if (!predicts(level)) return b_.conv(name, x, out);
    const HyperConv2d op{.out_channels = out, .hidden = shape_.hidden};
    return b_.add(name, op, {x, noise_});
  }

  NodeId block(const std::string& name, NodeId x, int level) {
    return b_.leaky_relu(name, convolution(name, x, shape_.widths[size_t(level)], level));
  }

  /// Without HyperConvolutions the noise comes in as constant channels beside the cells would: what
  /// a filter makes of those is one value for each of its outputs, whatever the place.
  NodeId first() {
    if (shape_.hidden > 0) return block("down1.conv1", b_.input(), 0);
    const int width = shape_.widths.front();
    const NodeId cells = b_.conv("down1.conv1", b_.input(), width);
    return b_.leaky_relu("down1.conv1",
                         b_.sum("noise.sum", cells, b_.conv("noise.conv", noise_, width, 1)));
  }

  DevelopNetwork shape_;
  GraphBuilder b_;
  NodeId noise_;
};

}  // namespace

Graph develop_network(const DevelopNetwork& shape) { return DevelopBuilder(shape).build(); }

}  // namespace hyperconv
