// What a run is given beside its input: all that is computed of the photo before its first row.
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
  /// What `filters` were predicted from, by HyperConv2d.
  Statistics statistics;
};

/// Predicts into `given.filters` all filters that depend on `known` or else `given.vectors`, and
/// not on a layer's own statistics. Existing filters keep their memory. Throws Error for a vector
/// in `known` of another length than the node's.
void predict_filters(const Plan& plan, FilterBank& bank, const Statistics& known, Given& given);

}  // namespace hyperconv
