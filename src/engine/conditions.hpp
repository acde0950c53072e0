// What the run of a part of a photo depends on of the whole photo.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "network/graph.hpp"

namespace hyperconv {

struct Given;

/// By HyperConv2d: the vector s that its filters are predicted from (graph.hpp).
using Statistics = std::map<NodeId, std::vector<float>>;

/// What an engine needs of a photo before it can run a part of it: descriptors, side inputs, and
/// the filters predicted from them. Made by Engine::condition, for that engine only. Immutable:
/// copies share their memory, and any number of threads may use one.
class Conditions {
 public:
  /// What each HyperConv2d's filters are predicted from, where that is known.
  const Statistics& statistics() const;

 private:
  friend class Engine;
  Conditions(std::shared_ptr<const Given> given, const void* engine)
      : given_(std::move(given)), engine_(engine) {}

  std::shared_ptr<const Given> given_;
  const void* engine_;  ///< that the filters are packed for; compared, never dereferenced
};

}  // namespace hyperconv
