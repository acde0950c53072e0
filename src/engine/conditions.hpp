// What a network's run on a part of a photo follows from the whole of it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "network/graph.hpp"

namespace hyperconv {

struct Given;

/// Of HyperConv2ds, by node: the vector s that their filters follow from (graph.hpp).
using Statistics = std::map<NodeId, std::vector<float>>;

/// All that an engine has to know of a photo before it can run a part of it: the photo's
/// descriptors, its side inputs, and the filters that were predicted from them. Made by
/// Engine::condition, for runs of that engine. Nothing changes in it: copies share their memory,
/// and any number of threads may have one.
class Conditions {
 public:
  /// What each HyperConv2d's filters follow from, of those that are known.
  const Statistics& statistics() const;

 private:
  friend class Engine;
  Conditions(std::shared_ptr<const Given> given, const void* engine)
      : given_(std::move(given)), engine_(engine) {}

  std::shared_ptr<const Given> given_;
  const void* engine_;  ///< whose filters they are: never looked into
};

}  // namespace hyperconv
