// The denoiser we ship, and its control: ours, after the paper's idea.
#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

constexpr int levels = 4;

/// Levels and octaves of luma's and colours' grain (image/grain.hpp).
constexpr int noise_channels = 14;

class DenoiserBuilder {
 public:
  explicit DenoiserBuilder(const SmallDenoiser& shape) : shape_(shape), b_(3) {}

  Graph build() {
    if (shape_.is_told) noise_ = b_.add("noise", SideInput{noise_channels}, {});
    // Three channels of full size become twelve of half: nothing is lost, and no filter ever runs
    // at full size.
    const NodeId bands = b_.add("bands", Haar2d{HaarKind::analysis}, {b_.input()});
    // The mean of a detail subband is nearly zero; that of its positive half measures the noise.
    if (shape_.hidden > 0)
      steering_ = b_.add("descriptor", PhotoDescriptor{}, {b_.relu("halves", bands)});
    if (shape_.hidden > 0 && shape_.is_told) steering_ = b_.concat("steering", {steering_, noise_});
    std::vector<NodeId> skips;
    NodeId x = bands;
    for (int level = 1; level <= levels; ++level) {
      const std::string name = "down" + std::to_string(level);
      if (level > 1) x = b_.average_pool(name + ".pool", x);
      x = level == 1 && shape_.hidden == 0 && shape_.is_told ? told_in_channels(x)
                                                             : block(name + ".conv1", x, level);
      x = block(name + ".conv2", x, level);
      skips.push_back(x);
    }
    for (int level = levels - 1; level >= 1; --level) {
      const std::string name = "up" + std::to_string(level);
      x = b_.conv_transpose(name + ".up", x, width(level));
      x = b_.concat(name + ".concat", {x, skips[size_t(level - 1)]});
      x = level == 3 ? block(name + ".conv1", x, level) : two_convolutions(name, x, level);
    }
    x = b_.sum("sum", b_.conv("last", x, 12), b_.conv("linear", bands, 12));
    b_.shuffle("output", x);
    return b_.take();
  }

 private:
  int width(int level) const { return level == 4 ? 6 * shape_.width : shape_.width << (level - 1); }

  NodeId two_convolutions(const std::string& name, NodeId x, int level) {
    x = block(name + ".conv1", x, level);
    return block(name + ".conv2", x, level);
  }

  /// As constant channels beside the photo's would be: a filter adds the same value for them at
  /// every pixel.
  NodeId told_in_channels(NodeId bands) {
    const NodeId x = b_.conv("down1.conv1", bands, width(1));
    return b_.leaky_relu("down1.conv1",
                         b_.sum("noise.sum", x, b_.conv("noise.conv", noise_, width(1), 1)));
  }

  /// Noise is at the two upper levels; the lower ones would need many more filter values for few
  /// pixels.
  NodeId block(const std::string& name, NodeId x, int level) {
    if (shape_.hidden == 0 || level > 2) return b_.conv_leaky_relu(name, x, width(level));
    const HyperConv2d op{.out_channels = width(level), .hidden = shape_.hidden};
    return b_.leaky_relu(name, b_.add(name, op, {x, steering_}));
  }

  SmallDenoiser shape_;
  GraphBuilder b_;
  NodeId noise_ = -1;
  NodeId steering_ = -1;  ///< what filters are predicted from
};

}  // namespace

Graph small_denoiser(const SmallDenoiser& shape) { return DenoiserBuilder(shape).build(); }

}  // namespace hyperconv
