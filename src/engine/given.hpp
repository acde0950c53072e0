// What a run is given beside its input: all that is known of the photo before its first row.
#pragma once

#include <map>
#include <vector>

#include "engine/conditions.hpp"
#include "engine/filters.hpp"
#include "engine/plan.hpp"

namespace hyperconv {

struct Given {
  /// Values of the nodes that a plan takes as they are (action::TakeVector).
  std::map<NodeId, std::vector<float>> vectors;
  PredictedFilters filters;
  /// What `filters` follow from, by HyperConv2d.
  Statistics statistics;
};

/// Predicts into `given.filters` all that follows from `known`, or else from `given.vectors`, and
/// no layer's own statistics. Filters that are there already keep their memory. Throws Error for a
/// vector in `known` of another length than the node's.
void predict_filters(const Plan& plan, FilterBank& bank, const Statistics& known, Given& given);

}  // namespace hyperconv
