#include "engine/given.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

// A HyperConv2d's part of a filter.
struct Prediction {
  const PredictFilters* action;
  const Step* step;
};

std::vector<Prediction> predictions_of(const Plan& plan) {
  std::vector<Prediction> found;
  for (const Step& step : plan.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    const auto* action = frame == nullptr ? nullptr : std::get_if<PredictFilters>(frame);
    if (action != nullptr) found.push_back({action, &step});
  }
  return found;
}

// Of each picture the node that it is the given vector of, or nothing.
std::vector<std::optional<NodeId>> given_pictures(const Plan& plan) {
  std::vector<std::optional<NodeId>> nodes(plan.pictures.size());
  for (const Step& step : plan.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    if (frame != nullptr && std::holds_alternative<TakeVector>(*frame))
      nodes[size_t(step.outputs.front())] = step.node;
  }
  return nodes;
}

// A filter is the sum of several nodes' parts: it is known when all of them are.
void predict(const Plan& plan, FilterBank& bank, const Statistics& statistics, Given& given) {
  const auto predictions = predictions_of(plan);
  std::set<FilterId> unknown, known;
  for (const auto& [action, step] : predictions)
    (statistics.contains(action->node) ? known : unknown).insert(action->filter);
  std::vector<FilterId> wanted;
  std::ranges::set_difference(known, unknown, std::back_inserter(wanted));
  if (wanted.empty()) return;
  if (given.filters.empty()) given.filters = bank.room_for(wanted);
  for (const auto& [action, step] : predictions) {
    if (unknown.contains(action->filter)) continue;
    const std::vector<float>& s = statistics.at(action->node);
    bank.predict(action->filter, action->node, s, given.filters);
    given.statistics[action->node] = s;
  }
}

}  // namespace

void predict_from_vectors(const Plan& plan, FilterBank& bank, Given& given) {
  const auto node_of = given_pictures(plan);
  Statistics statistics;
  for (const auto& [action, step] : predictions_of(plan)) {
    std::vector<float> s;
    bool is_known = true;
    for (const PictureId p : step->inputs) {
      is_known = is_known && node_of[size_t(p)];
      if (!is_known) break;
      const std::vector<float>& part = given.vectors.at(*node_of[size_t(p)]);
      s.insert(s.end(), part.begin(), part.end());
    }
    if (is_known) statistics[action->node] = std::move(s);
  }
  predict(plan, bank, statistics, given);
}

void predict_from_statistics(const Plan& plan, FilterBank& bank, const Statistics& statistics,
                             Given& given) {
  for (const auto& [action, step] : predictions_of(plan)) {
    const auto found = statistics.find(action->node);
    int64_t wanted = 0;
    for (const PictureId p : step->inputs) wanted += plan.picture(p).channels;
    if (found != statistics.end() && int64_t(found->second.size()) != wanted)
      fail("the filters of '{}' follow from {} numbers, not from {}",
           bank.model().graph().node(action->node).name, wanted, found->second.size());
  }
  predict(plan, bank, statistics, given);
}

}  // namespace hyperconv
