// What the studies put in the place of a backbone's inner convolutions: shared by the zoo's
// functions.
#pragma once

#include "network/zoo.hpp"
#include "network/zoo_builder.hpp"

namespace hyperconv {

class VariantLayers {
 public:
  /// Adds what all layers share, so before the backbone's first one. `builder` must outlive it.
  VariantLayers(GraphBuilder& builder, StudyVariant variant, int hidden);

  /// A 3x3 convolution with relu, of the variant's kind.
  NodeId block(const std::string& name, NodeId x, int out);
  /// What becomes of the RGB at the backbone's end.
  NodeId output(NodeId rgb);

 private:
  NodeId hyper(const std::string& name, NodeId x, int out, int kernel, Conditioning conditioning);
  NodeId excited(const std::string& name, NodeId x, int channels);
  NodeId colour_affine(NodeId rgb);

  GraphBuilder& b_;
  StudyVariant variant_;
  int hidden_;
  NodeId descriptor_ = -1, trunk_ = -1;
};

}  // namespace hyperconv
