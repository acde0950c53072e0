// The backbone of the studies: two levels, small enough for hundreds of trainings on a laptop, with
// HyperConvolutions or an alternative to them in the same places.
#include <algorithm>
#include <array>

#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {
namespace {

bool is_hyper(StudyVariant variant) {
  return variant == StudyVariant::hyper_constant || variant == StudyVariant::hyper_layer ||
         variant == StudyVariant::hyper_image;
}

Conditioning conditioning_of(StudyVariant variant) {
  if (variant == StudyVariant::hyper_constant) return Conditioning::constant;
  return variant == StudyVariant::hyper_layer ? Conditioning::layer : Conditioning::image;
}

class StudyBuilder {
 public:
  explicit StudyBuilder(const StudyNetwork& shape) : shape_(shape), b_(4) {
    const StudyVariant v = shape.variant;
    if (v != StudyVariant::hyper_image && v != StudyVariant::film &&
        v != StudyVariant::colour_affine)
      return;
    descriptor_ = b_.add("descriptor", PhotoDescriptor{}, {b_.input()});
    if (v != StudyVariant::hyper_image)
      trunk_ = b_.conv_relu("predictor", descriptor_, shape.hidden, 1);
  }

  Graph build() {
    const int w = shape_.width;
    NodeId x = b_.conv_relu("down1.conv1", b_.input(), w);
    const NodeId skip = x = block("down1.conv2", x, w);
    x = block("down2.conv1", b_.average_pool("down2.pool", x), 2 * w);
    x = block("down2.conv2", x, 2 * w);
    x = b_.concat("up1.concat", {b_.conv_transpose("up1.up", x, w), skip});
    x = block("up1.conv1", x, w);
    x = block("up1.conv2", x, w);
    x = b_.shuffle("output", b_.conv("last", x, 12));
    if (shape_.variant == StudyVariant::colour_affine) colour_affine(x);
    return b_.take();
  }

 private:
  NodeId block(const std::string& name, NodeId x, int out) {
    if (is_hyper(shape_.variant)) return b_.relu(name, hyper(name, x, out, 3));
    if (shape_.variant == StudyVariant::film)
      return b_.relu(name, b_.film(name, b_.conv(name, x, out), trunk_, out));
    x = b_.conv_relu(name, x, out);
    return shape_.variant == StudyVariant::squeeze_excitation ? excited(name, x, out) : x;
  }

  NodeId hyper(const std::string& name, NodeId x, int out, int kernel) {
    HyperConv2d op{.out_channels = out, .kernel = kernel, .hidden = shape_.hidden};
    if (is_hyper(shape_.variant)) op.conditioning = conditioning_of(shape_.variant);
    std::vector<NodeId> inputs{x};
    if (op.conditioning == Conditioning::image) inputs.push_back(descriptor_);
    return b_.add(name, op, std::move(inputs));
  }

  NodeId excited(const std::string& name, NodeId x, int channels) {
    const NodeId means = b_.add(name + ".squeeze", AdaptiveAveragePool2d{1}, {x});
    const int few = std::max(2, channels / squeeze_ratio);
    const NodeId hidden = b_.conv_relu(name + ".narrow", means, few, 1);
    const NodeId gate = b_.sigmoid(name + ".gate", b_.conv(name + ".wide", hidden, channels, 1));
    return b_.product(name + ".excite", x, gate);
  }

  /// rgb + M rgb + t: nine and three numbers from the photo's descriptor.
  NodeId colour_affine(NodeId rgb) {
    const NodeId turned = b_.sum("turned", rgb, hyper("matrix", rgb, 3, 1));
    return b_.sum("affine", turned, b_.conv("offset", trunk_, 3, 1));
  }

  static constexpr int squeeze_ratio = 4;

  StudyNetwork shape_;
  GraphBuilder b_;
  NodeId descriptor_ = -1, trunk_ = -1;
};

}  // namespace

Graph study_network(const StudyNetwork& shape) { return StudyBuilder(shape).build(); }

}  // namespace hyperconv
