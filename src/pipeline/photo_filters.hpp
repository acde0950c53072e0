// The filters that follow from a whole photo, for working on a part of it.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.hpp"

namespace hyperconv {

/// A photo's rows [top, top + rows) and columns [0, width), as the network takes them:
/// [1,C,rows,width]. Beyond the frame's end it is mirrored.
using ReadRows = std::function<Tensor(int64_t top, int64_t rows, int64_t width)>;

/// A network whose HyperConvolutions are conditioned by a PhotoDescriptor treats a part of a photo
/// otherwise than the whole. With the filters of one photo put in their place it is a network of
/// ordinary convolutions, which treats every part alike.
class PhotoFilters {
 public:
  explicit PhotoFilters(std::shared_ptr<const Model> model, const EngineOptions& options = {});

  /// Whether any filter follows from the photo.
  bool depend_on_photo() const { return !descriptors_.empty(); }

  /// The network with the filters of a photo of this size. The photo is described in strips of
  /// whole rows, so that it need not be in memory as floats; a strip's statistics are put together
  /// to the photo's. A size that the descriptor's inputs do not take is mirrored up to one that
  /// they take.
  std::shared_ptr<const Model> fixed_for(int64_t height, int64_t width, const ReadRows& read);

 private:
  /// The part of the graph that ends in a descriptor.
  struct Descriptor {
    NodeId node;
    int multiple;  ///< of rows and columns
    Engine engine;
  };

  std::vector<float> describe(Descriptor& descriptor, int64_t height, int64_t width,
                              const ReadRows& read) const;

  std::shared_ptr<const Model> model_;
  std::vector<Descriptor> descriptors_;
};

}  // namespace hyperconv
