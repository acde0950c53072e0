#include "studies/statistics.hpp"

#include <algorithm>
#include <cassert>

#include "base/fail.hpp"
#include "engine/filters.hpp"

namespace hyperconv {
namespace {

const HyperConv2d& hyper(const Model& model, NodeId node) {
  return std::get<HyperConv2d>(model.graph().node(node).op);
}

std::vector<float> weight(const Model& model, NodeId node, const char* suffix) {
  return model.weight(model.graph().node(node).name + suffix).to_float();
}

/// All of a model's weights by name.
std::map<std::string, std::vector<float>> weights_of(const Model& model) {
  std::map<std::string, std::vector<float>> all;
  for (const Parameter& p : parameters(model.graph()))
    all[p.name] = model.weight(p.name).to_float();
  return all;
}

}  // namespace

std::vector<NodeId> hyper_nodes(const Graph& graph) {
  std::vector<NodeId> found;
  for (NodeId id = 0; id <= graph.output(); ++id)
    if (std::holds_alternative<HyperConv2d>(graph.node(id).op)) found.push_back(id);
  return found;
}

// The network, and behind it nodes that pool what its HyperConvolutions look at: the last of them
// is then the output, and what does not lead there is not run. A descriptor is one value a channel
// already, and its mean is itself.
StatisticsProbe::StatisticsProbe(const Model& model, int threads) {
  Graph graph = model.graph();
  const auto nodes = hyper_nodes(graph);
  if (nodes.empty()) fail("the model '{}' has no HyperConvolution", model.info().name);
  const int channels = std::get<Input>(graph.node(0).op).channels, side = size_multiple(graph);
  const auto shapes = infer_shapes(graph, {1, channels, side, side});
  std::map<NodeId, int64_t> place;  // of what is looked at, in the output
  std::vector<NodeId> pooled;
  int64_t next = 0;
  for (const NodeId id : nodes) {
    const Conditioning conditioning = hyper(model, id).conditioning;
    if (conditioning == Conditioning::constant) {
      constant_[id] = weight(model, id, ".s");
      continue;
    }
    const NodeId source =
        model.graph().node(id).inputs[conditioning == Conditioning::layer ? 0 : 1];
    const int64_t count = shapes[size_t(source)].c;
    if (place.emplace(source, next).second) {
      pooled.push_back(
          graph.add(fmt::format("probe-{}", source), AdaptiveAveragePool2d{1}, {source}));
      next += count;
    }
    parts_.push_back({id, place.at(source), count});
  }
  if (parts_.empty()) return;
  if (pooled.size() > 1) graph.add("probe", Concat{}, pooled);
  engine_ = std::make_unique<Engine>(
      std::make_shared<const Model>(graph, model.info(), weights_of(model)),
      EngineOptions{.threads = threads});
}

Statistics StatisticsProbe::of(const Tensor& input) {
  Statistics found = constant_;
  if (engine_ == nullptr) return found;
  engine_->run(input, output_);
  for (const Part& part : parts_)
    found[part.node].assign(output_.data() + part.first, output_.data() + part.first + part.count);
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

Model with_fixed_filters(const Model& model, const Statistics& statistics) {
  const Graph& graph = model.graph();
  auto weights = weights_of(model);
  Graph fixed;
  for (NodeId id = 0; id <= graph.output(); ++id) {
    Node node = graph.node(id);
    if (std::holds_alternative<HyperConv2d>(node.op)) {
      const HyperConv2d op = hyper(model, id);
      weights[node.name + ".weight"] = predicted_filters(model, id, statistics.at(id));
      for (const char* suffix : {".a1.weight", ".a1.bias", ".a2.weight", ".s"})
        weights.erase(node.name + suffix);
      node.op = Conv2d{op.out_channels, op.kernel};
      node.inputs.resize(1);
    }
    fixed.add(node.name, node.op, node.inputs);
  }
  return {std::move(fixed), model.info(), std::move(weights)};
}

}  // namespace hyperconv
