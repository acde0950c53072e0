#include "studies/statistics.hpp"

#include <algorithm>
#include <cassert>

#include "engine/filters.hpp"

namespace hyperconv {
namespace {

const HyperConv2d& hyper(const Model& model, NodeId node) {
  return std::get<HyperConv2d>(model.graph().node(node).op);
}

std::vector<float> weight(const Model& model, NodeId node, const char* suffix) {
  return model.weight(model.graph().node(node).name + suffix).to_float();
}

}  // namespace

std::vector<NodeId> hyper_nodes(const Graph& graph) {
  std::vector<NodeId> found;
  for (NodeId id = 0; id <= graph.output(); ++id)
    if (std::holds_alternative<HyperConv2d>(graph.node(id).op)) found.push_back(id);
  return found;
}

Statistics mean_of(const std::vector<Statistics>& all) {
  assert(!all.empty());
  Statistics mean = all.front();
  for (auto& [node, s] : mean)
    for (size_t i = 0; i < s.size(); ++i) {
      double sum = 0;
      for (const Statistics& one : all) sum += double(one.at(node)[i]);
      s[i] = float(sum / double(all.size()));
    }
  return mean;
}

std::vector<float> hidden_activations(const Model& model, NodeId node,
                                      const std::vector<float>& s) {
  std::vector<float> e;
  encode(s, hyper(model, node).conditioning, e);
  const auto a1 = weight(model, node, ".a1.weight");
  std::vector<float> hidden = weight(model, node, ".a1.bias");
  for (size_t h = 0; h < hidden.size(); ++h) {
    double sum = double(hidden[h]);
    for (size_t i = 0; i < e.size(); ++i) sum += double(a1[h * e.size() + i]) * double(e[i]);
    hidden[h] = float(std::max(sum, 0.0));
  }
  return hidden;
}

std::vector<float> predicted_filters(const Model& model, NodeId node, const std::vector<float>& s) {
  const auto hidden = hidden_activations(model, node, s);
  const auto a2 = weight(model, node, ".a2.weight");
  std::vector<float> filters = weight(model, node, ".weight");
  for (size_t f = 0; f < filters.size(); ++f) {
    double sum = double(filters[f]);
    for (size_t h = 0; h < hidden.size(); ++h)
      sum += double(a2[f * hidden.size() + h]) * double(hidden[h]);
    filters[f] = float(sum);
  }
  return filters;
}

}  // namespace hyperconv
