// PyNET (Ignatov, Van Gool, Timofte 2020, arXiv 2002.05509) and PyNET-CA (Kim et al. 2020, AIM
// workshop), after the code that their authors published: github.com/aiff22/PyNET-PyTorch and
// github.com/egyptdj/skyb-aim2020-public. Both are one inverted pyramid of five levels.
//
// Left out: the 3x3 convolutions to RGB by which levels 1 to 5 are trained on their own. They hold
// 0.03 M parameters and take no part in a photo; a count that includes them has 0.02 % more FLOPs.
#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

/// What the two networks do differently.
struct Variant {
  /// PyNET-CA: every block ends with channel attention, only its second convolution is normalised,
  /// and level 1 is normalised too.
  bool attention = false;
};

class Pyramid {
 public:
  Pyramid(int width, Variant variant) : w_(width), variant_(variant), b_(4) {}

  Graph build() {
    const NodeId x1 = plain_block("level1.block1", b_.input(), w_, 3);
    const NodeId x2 = descend("level2", x1, 2 * w_);
    const NodeId x3 = descend("level3", x2, 4 * w_);
    const NodeId x4 = descend("level4", x3, 8 * w_);
    const NodeId x5 = descend("level5", x4, 16 * w_);
    const NodeId x = level1(x1, level2(x2, level3(x3, level4(x4, level5(x5)))));
    if (variant_.attention)
      shuffled_output(x);
    else
      upsampled_output(x);
    return b_.take();
  }

 private:
  NodeId level5(NodeId x) {
    for (const char* name : {"level5.block2", "level5.block3", "level5.block4"})
      x = block(name, x, 16 * w_, 3);
    return x;
  }

  NodeId level4(NodeId skip, NodeId below) {
    const int w = 8 * w_;
    NodeId x = b_.concat("level4.concat1", {skip, rise("level4.up1", below, w)});
    x = block("level4.block2", x, w, 3);
    x = residual("level4.block3", x, w, 3);
    x = residual("level4.block4", x, w, 3);
    x = block("level4.block5", x, w, 3);
    x = b_.concat("level4.concat2", {x, rise("level4.up2", below, w)});
    return block("level4.block6", x, w, 3);
  }

  NodeId level3(NodeId skip, NodeId below) {
    const int w = 4 * w_;
    NodeId x = b_.concat("level3.concat1", {skip, rise("level3.up1", below, w)});
    for (const char* name : {"level3.block2", "level3.block3", "level3.block4"})
      x = residual(name, x, w, 5);
    x = block("level3.block5", x, w, 5);
    x = b_.concat("level3.concat2", {x, skip, rise("level3.up2", below, w)});
    return block("level3.block6", x, w, 3);
  }

  NodeId level2(NodeId skip, NodeId below) {
    const int w = 2 * w_;
    NodeId x = b_.concat("level2.concat1", {skip, rise("level2.up1", below, w)});
    x = b_.concat("level2.concat2", {block("level2.block2", x, w, 5), skip});
    for (const char* name : {"level2.block3", "level2.block4", "level2.block5"})
      x = residual(name, x, w, 7);
    x = b_.concat("level2.concat3", {block("level2.block6", x, w, 7), skip});
    x = block("level2.block7", x, w, 5);
    x = b_.concat("level2.concat4", {x, rise("level2.up2", below, w)});
    return block("level2.block8", x, w, 3);
  }

  NodeId level1(NodeId skip, NodeId below) {
    NodeId x = b_.concat("level1.concat1", {skip, rise("level1.up1", below, w_)});
    x = b_.concat("level1.concat2", {plain_block("level1.block2", x, w_, 5), skip});
    x = block1("level1.block3", x, 7);
    x = block1("level1.block4", x, 9);
    for (const std::string name : {"level1.block5", "level1.block6", "level1.block7"})
      x = b_.sum(name + ".sum", block1(name, x, 9), x);
    x = b_.concat("level1.concat3", {block1("level1.block8", x, 7), skip});
    x = block1("level1.block9", x, 5);
    x = b_.concat("level1.concat4", {x, rise("level1.up2", below, w_), skip});
    return plain_block("level1.block10", x, w_, 3);
  }

  void upsampled_output(NodeId x) {
    x = rise("level0.up", x, w_ / 2);
    b_.sigmoid("output", mirrored("level0.last", x, 3, 3));
  }

  void shuffled_output(NodeId x) {
    x = plain_block("level0.block", x, w_, 9);
    x = b_.shuffle("level0.shuffle", b_.conv("level0.last", x, 12, 1));
    b_.add("output", Activation{ActivationKind::tanh}, {x});
  }

  NodeId descend(const std::string& level, NodeId x, int out) {
    return block(level + ".block1", b_.max_pool(level + ".pool", x), out, 3);
  }

  NodeId rise(const std::string& name, NodeId x, int out) {
    return b_.leaky_relu(name,
                         mirrored(name, b_.add(name + ".bilinear", Bilinear2d{}, {x}), out, 3));
  }

  NodeId block(const std::string& name, NodeId x, int out, int largest) {
    return block(name, x, out, largest, true);
  }
  NodeId plain_block(const std::string& name, NodeId x, int out, int largest) {
    return block(name, x, out, largest, false);
  }
  NodeId block1(const std::string& name, NodeId x, int largest) {
    return block(name, x, w_, largest, variant_.attention);
  }
  NodeId residual(const std::string& name, NodeId x, int out, int largest) {
    return b_.sum(name + ".sum", block(name, x, out, largest), x);
  }

  /// Side by side two convolutions with kernel 3, with kernel 5, ... up to `largest`.
  NodeId block(const std::string& name, NodeId x, int out, int largest, bool norm) {
    std::vector<NodeId> columns;
    for (int kernel = 3; kernel <= largest; kernel += 2) {
      const std::string column = name + ".k" + std::to_string(kernel);
      const NodeId first = layer(column + "a", x, out, kernel, norm && !variant_.attention);
      columns.push_back(layer(column + "b", first, out, kernel, norm));
    }
    const NodeId y = columns.size() == 1 ? columns.front() : b_.concat(name + ".concat", columns);
    return variant_.attention ? attend(name, y, out, int(columns.size())) : y;
  }

  NodeId layer(const std::string& name, NodeId x, int out, int kernel, bool norm) {
    // PyNET-CA leaves out the bias, which the norm's makes redundant.
    x = mirrored(name, x, out, kernel, !(norm && variant_.attention));
    if (norm) x = b_.add(name + ".norm", Norm2d{NormKind::instance}, {x});
    return b_.leaky_relu(name, x);
  }

  NodeId mirrored(const std::string& name, NodeId x, int out, int kernel, bool bias = true) {
    return b_.add(
        name,
        Conv2d{.out_channels = out, .kernel = kernel, .padding = Padding::reflect, .bias = bias},
        {x});
  }

  NodeId attend(const std::string& name, NodeId x, int out, int columns) {
    const std::string at = name + ".attention";
    NodeId gate = b_.add(at + ".mean", AdaptiveAveragePool2d{1}, {x});
    gate = b_.conv_relu(at + ".squeeze", gate, out, 1);
    gate = b_.sigmoid(at + ".gate", b_.conv(at + ".excite", gate, out * columns, 1));
    return b_.product(at, x, gate);
  }

  const int w_;
  const Variant variant_;
  GraphBuilder b_;
};

}  // namespace

Graph pynet(int width) { return Pyramid(width, {}).build(); }
Graph pynet_ca(int width) { return Pyramid(width, {.attention = true}).build(); }

}  // namespace hyperconv
