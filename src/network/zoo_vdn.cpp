// VDN (Yue et al. 2019, arXiv 1908.11314), after the code its authors published:
// github.com/zsyOAOA/VDNet. Two networks that are trained together; only D-Net runs on a photo.
#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

constexpr int levels = 4;

/// D-Net, with HyperConvolutions or ordinary convolutions in the same places.
class DenoiserBuilder {
 public:
  DenoiserBuilder(int width, int hidden) : width_(width), hidden_(hidden), b_(3) {
    if (hidden > 0) descriptor_ = b_.add("descriptor", PhotoDescriptor{}, {b_.input()});
  }

  Graph build() {
    std::vector<NodeId> skips;
    NodeId x = b_.input();
    for (int level = 1; level <= levels; ++level) {
      const std::string name = "down" + std::to_string(level);
      if (level > 1) x = b_.average_pool(name + ".pool", x);
      x = two_convolutions(name, x, width_ << (level - 1));
      skips.push_back(x);
    }
    for (int level = levels - 1; level >= 1; --level) {
      const std::string name = "up" + std::to_string(level);
      const int out = width_ << (level - 1);
      x = b_.conv_transpose(name + ".up", x, out);
      x = b_.concat(name + ".concat", {x, skips[size_t(level - 1)]});
      x = two_convolutions(name, x, out);
    }
    b_.conv("last", x, 6);
    return b_.take();
  }

 private:
  NodeId two_convolutions(const std::string& name, NodeId x, int out) {
    x = block(name + ".conv1", x, out);
    return block(name + ".conv2", x, out);
  }

  NodeId block(const std::string& name, NodeId x, int out) {
    // The first one sees the photo itself, in three channels.
    if (hidden_ == 0 || x == b_.input()) return b_.conv_leaky_relu(name, x, out);
    const HyperConv2d op{.out_channels = out, .hidden = hidden_};
    return b_.leaky_relu(name, b_.add(name, op, {x, descriptor_}));
  }

  int width_, hidden_;
  GraphBuilder b_;
  NodeId descriptor_ = -1;
};

}  // namespace

Graph vdn_denoiser(int width, int hidden) { return DenoiserBuilder(width, hidden).build(); }

Graph vdn_noise(int width) {
  GraphBuilder b(3);
  NodeId x = b.input();
  for (const char* name : {"conv1", "conv2", "conv3", "conv4"})
    x = b.conv_leaky_relu(name, x, width);
  b.conv("last", x, 6);
  return b.take();
}

}  // namespace hyperconv
