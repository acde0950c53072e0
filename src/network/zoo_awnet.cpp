// AWNet, the branch that takes the packed mosaic (Dai, Liu, Li, Chen 2020, arXiv 2008.09228), after
// the code its authors published:
// github.com/Charlie0215/AWNet-Attentive-Wavelet-Network-for-Image-ISP with 3, 3, 3, 4 and 4 dense
// blocks, as its published weights have.
//
// Batch normalisation is a Norm2d with its statistics folded in: right for running trained weights;
// training from here would be without batch statistics. Left out: the 3x3 convolutions to RGB by
// which the five scales are trained (0.05 M parameters, 0.2 % of the FLOPs).
#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

constexpr int levels = 5;
constexpr int dense_blocks[levels] = {3, 3, 3, 4, 4};
constexpr int dense_layers = 6;
constexpr int reduction = 4;

class Wavelets {
 public:
  explicit Wavelets(int width) : w_(width), b_(4) {}

  Graph build() {
    std::vector<NodeId> skips, bands;
    NodeId x = b_.conv("first", b_.input(), w_);
    for (int level = 1; level <= levels; ++level) {
      const std::string name = "level" + std::to_string(level);
      const int c = channels(level);
      skips.push_back(x);
      x = squeeze_excite(name + ".se", x, c);
      for (int i = 1; i <= dense_blocks[level - 1]; ++i)
        x = dense_block(name + ".dense" + std::to_string(i), x, c);
      if (level == levels) break;
      bands.push_back(b_.add(name + ".bands", Haar2d{HaarKind::analysis}, {x}));
      x = descend(name + ".down", x, c);
    }
    for (int level = levels - 1; level >= 1; --level) {
      const std::string name = "level" + std::to_string(level);
      const auto i = size_t(level - 1);
      x = rise(name + ".up", x, bands[i], channels(level));
      x = b_.sum(name + ".sum", x, shortcut(name + ".shortcut", skips[i], channels(level)));
    }
    output(x);
    return b_.take();
  }

 private:
  int channels(int level) const { return w_ << (level - 1); }

  NodeId conv1(const std::string& name, NodeId x, int out) { return b_.conv(name, x, out, 1); }
  NodeId prelu(const std::string& name, NodeId x) { return b_.add(name + ".prelu", PRelu{}, {x}); }
  NodeId norm(const std::string& name, NodeId x, NormKind kind) {
    return b_.add(name + ".norm", Norm2d{kind}, {x});
  }

  NodeId squeeze_excite(const std::string& name, NodeId x, int c) {
    NodeId gate = b_.add(name + ".mean", AdaptiveAveragePool2d{1}, {x});
    gate = b_.conv_relu(name + ".in", gate, c, 1);
    gate = b_.conv_relu(name + ".mid", gate, c / reduction, 1);
    gate = b_.sigmoid(name + ".gate", conv1(name + ".out", gate, c));
    return b_.product(name, conv1(name + ".conv", x, c), gate);
  }

  /// Residual dense block that ends with global context.
  NodeId dense_block(const std::string& name, NodeId x, int c) {
    NodeId all = x;
    for (int i = 1; i <= dense_layers; ++i) {
      const std::string layer = name + ".layer" + std::to_string(i);
      NodeId more = b_.conv_relu(layer, all, w_ / 4);
      more = norm(layer, more, NormKind::folded);
      all = b_.concat(layer + ".concat", {all, more});
    }
    const NodeId y = global_context(name + ".context", conv1(name + ".conv", all, c), c);
    return b_.sum(name, y, x);
  }

  NodeId global_context(const std::string& name, NodeId x, int c) {
    NodeId s = b_.add(name + ".pool", AttentionPool{}, {x, conv1(name + ".mask", x, 1)});
    s = conv1(name + ".in", s, c / reduction);
    s = prelu(name, norm(name, s, NormKind::layer));
    return b_.sum(name, x, conv1(name + ".out", s, c));
  }

  NodeId descend(const std::string& name, NodeId x, int c) {
    NodeId stem = halving_conv(name + ".conv1", x, c);
    stem = prelu(name + ".conv1", norm(name + ".conv1", stem, NormKind::folded));
    stem = b_.conv(name + ".conv2", stem, c);
    stem = prelu(name + ".conv2", norm(name + ".conv2", stem, NormKind::folded));
    // The published module holds this convolution and never calls it; the paper counts it: 3.1 M
    // parameters.
    halving_conv(name + ".idle", x, c);
    const NodeId low = b_.add(name + ".low", Haar2d{HaarKind::low}, {x});
    return b_.concat(name, {stem, conv1(name + ".low.conv", low, c)});
  }

  NodeId halving_conv(const std::string& name, NodeId x, int c) {
    return b_.add(name, Conv2d{.out_channels = c, .stride = 2}, {x});
  }

  NodeId rise(const std::string& name, NodeId x, NodeId bands, int c) {
    NodeId stem = b_.shuffle(name + ".shuffle", conv1(name + ".spread", x, 4 * c));
    stem = prelu(name + ".conv1", b_.conv(name + ".conv1", stem, c));
    stem = prelu(name + ".conv2", b_.conv(name + ".conv2", stem, c));
    NodeId back = conv1(name + ".bands", bands, 4 * c);
    back = b_.add(name + ".inverse", Haar2d{HaarKind::synthesis}, {back});
    back = conv1(name + ".inverse.conv", back, c);
    return conv1(name, b_.concat(name + ".concat", {stem, back}), c);
  }

  NodeId shortcut(const std::string& name, NodeId x, int c) {
    x = b_.conv_relu(name + ".conv1", x, c);
    x = b_.conv_relu(name + ".conv2", x, c);
    return squeeze_excite(name + ".se", x, c);
  }

  void output(NodeId x) {
    const int c = w_ / 4;
    x = b_.conv("last.conv1", b_.shuffle("last.shuffle", x), c);
    x = b_.concat("last.concat", {pyramid_pool("last.pyramid", x, c), x});
    x = squeeze_excite("last.se", b_.conv("last.conv2", x, 2 * c), 2 * c);
    b_.sigmoid("output", b_.conv("last.conv3", x, 3));
  }

  NodeId pyramid_pool(const std::string& name, NodeId x, int c) {
    std::vector<NodeId> parts;
    for (const int size : {1, 2, 3, 6}) {
      const std::string part = name + ".parts" + std::to_string(size);
      NodeId mean = b_.add(part, AdaptiveAveragePool2d{size}, {x});
      mean = b_.add(part + ".conv", Conv2d{.out_channels = c, .kernel = 1, .bias = false}, {mean});
      // Corners not aligned: the default of libtorch since 0.4, which the published code relies on.
      parts.push_back(b_.add(part + ".wide", Bilinear2d{.align_corners = false}, {mean, x}));
    }
    parts.push_back(x);
    return b_.conv_relu(name, b_.concat(name + ".concat", parts), c, 1);
  }

  const int w_;
  GraphBuilder b_;
};

}  // namespace

Graph awnet(int width) { return Wavelets(width).build(); }

}  // namespace hyperconv
