#include "engine/given.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

// The slices of a filter that a HyperConv2d predicts.
struct Prediction {
  const action::PredictFilters* action;
  const Step* step;
};

std::vector<Prediction> predictions_of(const Plan& plan) {
  std::vector<Prediction> found;
  for (const Step& step : plan.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    const auto* action = frame == nullptr ? nullptr : std::get_if<action::PredictFilters>(frame);
    if (action != nullptr) found.push_back({action, &step});
  }
  return found;
}

// For each feature map the node whose given vector it is, or nothing.
std::vector<std::optional<NodeId>> given_feature_maps(const Plan& plan) {
  std::vector<std::optional<NodeId>> nodes(plan.feature_maps.size());
  for (const Step& step : plan.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    if (frame != nullptr && std::holds_alternative<action::TakeVector>(*frame))
      nodes[size_t(step.outputs.front())] = step.node;
  }
  return nodes;
}

int64_t length_of(const Plan& plan, const FeatureMaps& feature_maps) {
  int64_t length = 0;
  for (const FeatureMapId p : feature_maps) length += plan.feature_map(p).channels;
  return length;
}

// What each HyperConv2d's filters are predicted from, where that is known.
Statistics statistics_of(const Plan& plan, const Graph& graph, const Statistics& known,
                         const std::map<NodeId, std::vector<float>>& vectors) {
  const auto node_of = given_feature_maps(plan);
  const auto is_given = [&](FeatureMapId p) { return node_of[size_t(p)].has_value(); };
  Statistics statistics;
  for (const auto& [action, step] : predictions_of(plan)) {
    std::vector<float>& s = statistics[action->node];
    if (const auto found = known.find(action->node); found != known.end()) {
      s = found->second;
      const int64_t wanted = length_of(plan, step->inputs);
      if (int64_t(s.size()) != wanted)
        fail("the filters of '{}' follow from {} numbers, not from {}",
             graph.node(action->node).name, wanted, s.size());
    } else if (std::ranges::all_of(step->inputs, is_given)) {
      for (const FeatureMapId p : step->inputs) {
        const std::vector<float>& part = vectors.at(*node_of[size_t(p)]);
        s.insert(s.end(), part.begin(), part.end());
      }
    } else {
      statistics.erase(action->node);
    }
  }
  return statistics;
}

}  // namespace

// A filter may have slices of several nodes: it is known when all of them are.
void predict_filters(const Plan& plan, FilterBank& bank, const Statistics& known, Given& given) {
  const Statistics statistics = statistics_of(plan, bank.model().graph(), known, given.vectors);
  const auto predictions = predictions_of(plan);
  std::set<FilterId> told, untold, wanted;
  for (const auto& [action, step] : predictions)
    (statistics.contains(action->node) ? told : untold).insert(action->filter);
  std::ranges::set_difference(told, untold, std::inserter(wanted, wanted.end()));
  if (wanted.empty()) return;
  if (given.filters.empty()) given.filters = bank.room_for({wanted.begin(), wanted.end()});
  for (const auto& [action, step] : predictions) {
    if (!wanted.contains(action->filter)) continue;
    const std::vector<float>& s = statistics.at(action->node);
    bank.predict(action->filter, action->node, s, given.filters);
    given.statistics[action->node] = s;
  }
}

}  // namespace hyperconv
