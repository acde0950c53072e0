// What a run is given beside its input: all that is known of the photo before its first row.
#pragma once

#include <map>
#include <vector>

#include "engine/conditions.hpp"
#include "engine/filters.hpp"
#include "engine/plan.hpp"

namespace hyperconv {

struct Given {
  /// Values of the nodes that a plan takes as they are (TakeVector).
  std::map<NodeId, std::vector<float>> vectors;
  PredictedFilters filters;
  /// What `filters` follow from, by HyperConv2d.
  Statistics statistics;
};

/// Predicts into `given.filters` what follows from `given.vectors` alone. Filters that are there
/// already keep their memory.
void predict_from_vectors(const Plan& plan, FilterBank& bank, Given& given);

/// Predicts every filter whose HyperConv2ds all have an entry in `statistics`. Throws Error for a
/// vector of another length than the node's.
void predict_from_statistics(const Plan& plan, FilterBank& bank, const Statistics& statistics,
                             Given& given);

}  // namespace hyperconv
