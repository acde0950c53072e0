// VDN (Yue et al. 2019, arXiv 1908.11314), after the code its authors published:
// github.com/zsyOAOA/VDNet. Two networks that are trained together; only D-Net runs on a photo.
#include "hyperconv/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

NodeId two_convolutions(GraphBuilder& b, const std::string& name, NodeId x, int out) {
  x = b.conv_leaky_relu(name + ".conv1", x, out);
  return b.conv_leaky_relu(name + ".conv2", x, out);
}

}  // namespace

Graph vdn_denoiser(int width) {
  constexpr int levels = 4;
  GraphBuilder b(3);
  std::vector<NodeId> skips;
  NodeId x = b.input();
  for (int level = 1; level <= levels; ++level) {
    const std::string name = "down" + std::to_string(level);
    if (level > 1) x = b.average_pool(name + ".pool", x);
    x = two_convolutions(b, name, x, width << (level - 1));
    skips.push_back(x);
  }
  for (int level = levels - 1; level >= 1; --level) {
    const std::string name = "up" + std::to_string(level);
    const int out = width << (level - 1);
    x = b.conv_transpose(name + ".up", x, out);
    x = b.concat(name + ".concat", {x, skips[size_t(level - 1)]});
    x = two_convolutions(b, name, x, out);
  }
  b.conv("last", x, 6);
  return b.take();
}

Graph vdn_noise(int width) {
  GraphBuilder b(3);
  NodeId x = b.input();
  for (const char* name : {"conv1", "conv2", "conv3", "conv4"})
    x = b.conv_leaky_relu(name, x, width);
  b.conv("last", x, 6);
  return b.take();
}

}  // namespace hyperconv
