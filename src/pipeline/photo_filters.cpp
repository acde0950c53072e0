#include "pipeline/photo_filters.hpp"

#include <algorithm>
#include <cmath>

#include "base/integers.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

// Few enough for a strip and its bands to stay in a cache.
constexpr int64_t strip_rows = 64;

using Weights = std::map<std::string, std::vector<float>>;

/// Whether a node is a HyperConvolution whose filters follow from a PhotoDescriptor.
bool follows_from_photo(const Graph& graph, const Node& node) {
  const auto* hyper = std::get_if<HyperConv2d>(&node.op);
  return hyper != nullptr && hyper->conditioning == Conditioning::image &&
         std::holds_alternative<PhotoDescriptor>(graph.node(node.inputs[1]).op);
}

/// What `output` depends on, in a graph of these nodes.
std::vector<bool> ancestors(const std::vector<Node>& nodes, NodeId output) {
  std::vector<bool> needed(nodes.size());
  needed[size_t(output)] = true;
  needed[0] = true;
  for (NodeId id = output; id >= 0; --id)
    if (needed[size_t(id)])
      for (const NodeId from : nodes[size_t(id)].inputs) needed[size_t(from)] = true;
  return needed;
}

/// The nodes that `output` depends on, as a graph of their own.
Graph graph_to(const std::vector<Node>& nodes, NodeId output) {
  const auto needed = ancestors(nodes, output);
  std::vector<NodeId> place(nodes.size(), -1);
  Graph graph;
  for (NodeId id = 0; id <= output; ++id) {
    if (!needed[size_t(id)]) continue;
    const Node& node = nodes[size_t(id)];
    std::vector<NodeId> inputs;
    for (const NodeId from : node.inputs) inputs.push_back(place[size_t(from)]);
    place[size_t(id)] = graph.add(node.name, node.op, std::move(inputs));
  }
  return graph;
}

/// The graph's weights, from the model it is a part of unless they are there already.
Model with_weights_of(const Model& model, Graph graph, Weights weights) {
  for (const Parameter& p : parameters(graph))
    if (!weights.contains(p.name)) weights[p.name] = model.weight(p.name).to_float();
  return {std::move(graph), model.info(), std::move(weights)};
}

/// W0 + A2 relu(A1 s + a1).
std::vector<float> filters_for(const Model& model, const std::string& node,
                               const std::vector<float>& s) {
  const auto a1 = model.weight(node + ".a1.weight").to_float();
  const auto bias = model.weight(node + ".a1.bias").to_float();
  const auto a2 = model.weight(node + ".a2.weight").to_float();
  auto filters = model.weight(node + ".weight").to_float();
  std::vector<double> hidden(bias.begin(), bias.end());
  for (size_t h = 0; h < hidden.size(); ++h) {
    for (size_t e = 0; e < s.size(); ++e) hidden[h] += double(a1[h * s.size() + e]) * s[e];
    hidden[h] = std::max(hidden[h], 0.0);
  }
  for (size_t f = 0; f < filters.size(); ++f) {
    double sum = filters[f];
    for (size_t h = 0; h < hidden.size(); ++h) sum += a2[f * hidden.size() + h] * hidden[h];
    filters[f] = float(sum);
  }
  return filters;
}

// PhotoDescriptor's f and back.
double describe_value(double v) { return (std::log(std::max(v, 0.0) + 1e-4) + 4) / 4; }
double described_value(double f) { return std::exp(4 * f - 4) - 1e-4; }

/// The statistics of a photo from those of its strips.
class DescriptorSum {
 public:
  void add(const Tensor& strip, double rows) {
    const auto channels = size_t(strip.shape().c) / 3;
    sums_.resize(3 * channels);
    for (size_t c = 0; c < channels; ++c) {
      const auto value = [&](size_t part) {
        return described_value(strip.data()[part * channels + c]);
      };
      const double mean = value(0), deviation = value(1);
      sums_[c] += rows * mean;
      sums_[channels + c] += rows * (deviation * deviation + mean * mean);
      sums_[2 * channels + c] += rows * value(2);
    }
    rows_ += rows;
  }

  std::vector<float> descriptor() const {
    const size_t channels = sums_.size() / 3;
    std::vector<float> values(sums_.size());
    for (size_t c = 0; c < channels; ++c) {
      const double mean = sums_[c] / rows_, squares = sums_[channels + c] / rows_;
      values[c] = float(describe_value(mean));
      values[channels + c] = float(describe_value(std::sqrt(std::max(squares - mean * mean, 0.0))));
      values[2 * channels + c] = float(describe_value(sums_[2 * channels + c] / rows_));
    }
    return values;
  }

 private:
  std::vector<double> sums_;
  double rows_ = 0;
};

}  // namespace

PhotoFilters::PhotoFilters(std::shared_ptr<const Model> model, const EngineOptions& options)
    : model_(std::move(model)) {
  const Graph& graph = model_->graph();
  EngineOptions whole = options;
  whole.execution = Execution::automatic;
  for (NodeId id = 0; id <= graph.output(); ++id) {
    const bool is_read = std::ranges::any_of(graph.nodes(), [&](const Node& node) {
      return follows_from_photo(graph, node) && node.inputs[1] == id;
    });
    if (!is_read) continue;
    Graph part = graph_to(graph.nodes(), id);
    const int multiple = size_multiple(part);
    auto describing = std::make_shared<const Model>(with_weights_of(*model_, std::move(part), {}));
    descriptors_.push_back({id, multiple, Engine(std::move(describing), whole)});
  }
}

std::vector<float> PhotoFilters::describe(Descriptor& descriptor, int64_t height, int64_t width,
                                          const ReadRows& read) const {
  const int64_t columns = round_up(width, descriptor.multiple);
  DescriptorSum sum;
  Tensor part;
  for (int64_t top = 0; top < height; top += strip_rows) {
    const WatchStage stage(double(top) / double(height),
                           double(std::min(top + strip_rows, height)) / double(height));
    const int64_t rows = round_up(std::min(strip_rows, height - top), descriptor.multiple);
    descriptor.engine.run(read(top, rows, columns), part);
    sum.add(part, double(rows));
  }
  return sum.descriptor();
}

std::shared_ptr<const Model> PhotoFilters::fixed_for(int64_t height, int64_t width,
                                                     const ReadRows& read) {
  if (!depend_on_photo()) return model_;
  std::map<NodeId, std::vector<float>> described;
  for (Descriptor& descriptor : descriptors_)
    described[descriptor.node] = describe(descriptor, height, width, read);
  std::vector<Node> nodes = model_->graph().nodes();
  Weights weights;
  for (Node& node : nodes) {
    if (!follows_from_photo(model_->graph(), node)) continue;
    const auto& hyper = std::get<HyperConv2d>(node.op);
    weights[node.name + ".weight"] = filters_for(*model_, node.name, described.at(node.inputs[1]));
    node.op = Conv2d{.out_channels = hyper.out_channels, .kernel = hyper.kernel};
    node.inputs.resize(1);
  }
  Graph graph = graph_to(nodes, model_->graph().output());
  return std::make_shared<const Model>(
      with_weights_of(*model_, std::move(graph), std::move(weights)));
}

}  // namespace hyperconv
