// The backbone of the studies: two levels, small enough for hundreds of trainings on a laptop, with
// HyperConvolutions or an alternative to them in the same places.
#include <algorithm>

#include "network/zoo_variants.hpp"

namespace hyperconv {
namespace {

constexpr int squeeze_ratio = 4;

/// What of the photo's descriptor a variant takes.
enum class DescriptorUse { none, filters, trunk };

DescriptorUse descriptor_use(StudyVariant variant) {
  switch (variant) {
    case StudyVariant::plain:
    case StudyVariant::hyper_constant:
    case StudyVariant::hyper_layer:
    case StudyVariant::squeeze_excitation:
      return DescriptorUse::none;
    case StudyVariant::hyper_image:
      return DescriptorUse::filters;
    case StudyVariant::film:
    case StudyVariant::colour_affine:
      return DescriptorUse::trunk;
  }
  return DescriptorUse::none;
}

}  // namespace

VariantLayers::VariantLayers(GraphBuilder& builder, StudyVariant variant, int hidden)
    : b_(builder), variant_(variant), hidden_(hidden) {
  const DescriptorUse use = descriptor_use(variant);
  if (use == DescriptorUse::none) return;
  descriptor_ = b_.add("descriptor", PhotoDescriptor{}, {b_.input()});
  if (use == DescriptorUse::trunk) trunk_ = b_.conv_relu("predictor", descriptor_, hidden, 1);
}

NodeId VariantLayers::block(const std::string& name, NodeId x, int out) {
  switch (variant_) {
    case StudyVariant::plain:
    case StudyVariant::colour_affine:
      return b_.conv_relu(name, x, out);
    case StudyVariant::hyper_constant:
      return b_.relu(name, hyper(name, x, out, 3, Conditioning::constant));
    case StudyVariant::hyper_layer:
      return b_.relu(name, hyper(name, x, out, 3, Conditioning::layer));
    case StudyVariant::hyper_image:
      return b_.relu(name, hyper(name, x, out, 3, Conditioning::image));
    case StudyVariant::squeeze_excitation:
      return excited(name, b_.conv_relu(name, x, out), out);
    case StudyVariant::film:
      return b_.relu(name, b_.film(name, b_.conv(name, x, out), trunk_, out));
  }
  return -1;
}

NodeId VariantLayers::output(NodeId rgb) {
  return variant_ == StudyVariant::colour_affine ? colour_affine(rgb) : rgb;
}

NodeId VariantLayers::hyper(const std::string& name, NodeId x, int out, int kernel,
                            Conditioning conditioning) {
  const HyperConv2d op{
      .out_channels = out, .kernel = kernel, .hidden = hidden_, .conditioning = conditioning};
  std::vector<NodeId> inputs{x};
  if (conditioning == Conditioning::image) inputs.push_back(descriptor_);
  return b_.add(name, op, std::move(inputs));
}

NodeId VariantLayers::excited(const std::string& name, NodeId x, int channels) {
  const NodeId means = b_.add(name + ".squeeze", AdaptiveAveragePool2d{1}, {x});
  const int few = std::max(2, channels / squeeze_ratio);
  const NodeId hidden = b_.conv_relu(name + ".narrow", means, few, 1);
  const NodeId gate = b_.sigmoid(name + ".gate", b_.conv(name + ".wide", hidden, channels, 1));
  return b_.product(name + ".excite", x, gate);
}

/// rgb + M rgb + t: nine and three numbers from the photo's descriptor.
NodeId VariantLayers::colour_affine(NodeId rgb) {
  const NodeId turned = b_.sum("turned", rgb, hyper("matrix", rgb, 3, 1, Conditioning::image));
  return b_.sum("affine", turned, b_.conv("offset", trunk_, 3, 1));
}

Graph study_network(const StudyNetwork& shape) {
  const int w = shape.width;
  GraphBuilder b(4);
  VariantLayers layers(b, shape.variant, shape.hidden);
  NodeId x = b.conv_relu("down1.conv1", b.input(), w);
  const NodeId skip = x = layers.block("down1.conv2", x, w);
  x = layers.block("down2.conv1", b.average_pool("down2.pool", x), 2 * w);
  x = layers.block("down2.conv2", x, 2 * w);
  x = b.concat("up1.concat", {b.conv_transpose("up1.up", x, w), skip});
  x = layers.block("up1.conv1", x, w);
  x = layers.block("up1.conv2", x, w);
  layers.output(b.shuffle("output", b.conv("last", x, 12)));
  return b.take();
}

}  // namespace hyperconv
