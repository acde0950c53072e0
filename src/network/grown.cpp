#include "network/grown.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/fail.hpp"
#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

constexpr int new_channel = -1;
/// For each channel of a layer's output the model's channel that it goes on from, or new_channel.
using Channels = std::vector<int>;

Channels first_of(int64_t count, int64_t models) {
  Channels channels(size_t(count), new_channel);
  for (int64_t i = 0; i < std::min(count, models); ++i) channels[size_t(i)] = int(i);
  return channels;
}

bool has_new(const Channels& channels) { return std::ranges::count(channels, new_channel) > 0; }

/// `copies` times these channels one after the other, each time those behind the model's
/// `models` before.
Channels repeated(const Channels& channels, int copies, int64_t models) {
  Channels all;
  for (int copy = 0; copy < copies; ++copy)
    for (const int channel : channels)
      all.push_back(channel == new_channel ? new_channel : int(copy * models) + channel);
  return all;
}

/// What a pixel shuffle or a Haar synthesis makes one channel of, `stride` channels apart.
Channels joined(const Channels& channels, int count, int stride) {
  Channels all;
  for (int i = 0; i < count; ++i) {
    const int channel = channels[size_t(i * stride)];
    all.push_back(channel == new_channel ? new_channel : channel / stride);
  }
  return all;
}

/// A graph, how many channels each of its layers has, and its layers by name.
struct Layers {
  explicit Layers(const Graph& g) : graph(g) {
    const int side = size_multiple(g);
    for (const Shape& shape :
         infer_shapes(g, {1, std::get<Input>(g.node(0).op).channels, side, side}))
      channels.push_back(shape.c);
    for (NodeId id = 0; id <= g.output(); ++id) by_name[g.node(id).name] = id;
  }

  std::optional<NodeId> find(const std::string& name) const {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return {};
    return found->second;
  }

  const Graph& graph;
  std::vector<int64_t> channels;
  std::map<std::string, NodeId> by_name;
};

/// Which channels of a larger network are the model's.
class ChannelsOfModel {
 public:
  ChannelsOfModel(const Graph& model, const Graph& larger) : model_(model), larger_(larger) {
    for (NodeId id = 0; id <= larger.output(); ++id) outputs_.push_back(output_of(id));
  }

  /// Of the `input`-th input of a layer that the model has too.
  Channels input(NodeId id, size_t input) const {
    const Node& node = larger_.graph.node(id);
    const Node& models = model_.graph.node(model_.find(node.name).value());
    const NodeId from = node.inputs[input], models_from = models.inputs[input];
    if (larger_.graph.node(from).name == model_.graph.node(models_from).name)
      return outputs_[size_t(from)];
    return first_of(larger_.channels[size_t(from)], model_.channels[size_t(models_from)]);
  }
  const Channels& output(NodeId id) const { return outputs_[size_t(id)]; }

 private:
  Channels output_of(NodeId id) const {
    const Node& node = larger_.graph.node(id);
    const std::optional<NodeId> models = model_.find(node.name);
    if (!models) return Channels(size_t(larger_.channels[size_t(id)]), new_channel);
    if (model_.graph.node(*models).op.index() != node.op.index() ||
        model_.graph.node(*models).inputs.size() != node.inputs.size())
      fail("the layer '{}' is another one than the model's", node.name);
    const int64_t count = larger_.channels[size_t(id)];
    const int64_t models_count = model_.channels[size_t(*models)];
    if (count < models_count)
      fail("the layer '{}' has {} channels, the model's has {}", node.name, count, models_count);
    const auto made = [&](const auto&) { return first_of(count, models_count); };
    const auto kept = [&](const auto&) { return input(id, 0); };
    return std::visit(
        Overloaded{
            [&](const Input& op) { return made(op); },
            [&](const SideInput& op) { return made(op); },
            [&](const Conv2d& op) { return made(op); },
            [&](const ConvTranspose2d& op) { return made(op); },
            [&](const HyperConv2d& op) {
              if (op.conditioning == Conditioning::layer) check_whole(id);
              return made(op);
            },
            [&](const Norm2d& op) {
              if (op.kind == NormKind::layer) check_whole(id);
              return kept(op);
            },
            [&](const AveragePool2d& op) { return kept(op); },
            [&](const MaxPool2d& op) { return kept(op); },
            [&](const AdaptiveAveragePool2d& op) { return kept(op); },
            [&](const AttentionPool& op) { return kept(op); },
            [&](const Upsample2d& op) { return kept(op); },
            [&](const Bilinear2d& op) { return kept(op); },
            [&](const Activation& op) { return kept(op); },
            [&](const PRelu& op) { return kept(op); },
            [&](const Add&) { return alike(id); },
            [&](const Multiply&) { return alike(id); },
            [&](const PhotoDescriptor&) { return repeated(input(id, 0), 3, models_count / 3); },
            [&](const PixelShuffle& op) {
              return joined(input(id, 0), int(count), op.factor * op.factor);
            },
            [&](const Haar2d& op) { return transformed(op, id, models_count); },
            [&](const Concat&) { return concatenated(id, *models); }},
        node.op);
  }

  void check_whole(NodeId id) const {
    if (has_new(input(id, 0)))
      fail("the layer '{}' looks at all channels together, so new ones change what it says",
           larger_.graph.node(id).name);
  }

  Channels alike(NodeId id) const {
    if (input(id, 0) != input(id, 1))
      fail("the layer '{}' has inputs of which other channels are new",
           larger_.graph.node(id).name);
    return input(id, 0);
  }

  Channels transformed(const Haar2d& op, NodeId id, int64_t models_count) const {
    switch (op.kind) {
      case HaarKind::analysis:
        return repeated(input(id, 0), 4, models_count / 4);
      case HaarKind::low:
        return input(id, 0);
      case HaarKind::synthesis:
        check_whole(id);
        return first_of(models_count, models_count);
    }
    fail("the kind of Haar transform is not known");
  }

  Channels concatenated(NodeId id, NodeId models) const {
    Channels all;
    int64_t before = 0;
    for (size_t i = 0; i < larger_.graph.node(id).inputs.size(); ++i) {
      for (const int channel : input(id, i))
        all.push_back(channel == new_channel ? new_channel : int(before) + channel);
      before += model_.channels[size_t(model_.graph.node(models).inputs[i])];
    }
    return all;
  }

  Layers model_, larger_;
  std::vector<Channels> outputs_;
};

/// One dimension of a layer's weights.
struct Axis {
  Channels channels;
  int64_t models = 0;  ///< its extent in the model
  bool is_output = false;
};

/// The weights of a parameter of `axes`, row-major.
std::vector<float> grown_values(const std::vector<Axis>& axes, const std::vector<float>& model,
                                std::vector<float> values) {
  std::vector<size_t> at(axes.size());
  for (float& value : values) {
    bool is_new = false, of_new_output = false;
    int64_t source = 0;
    for (size_t a = 0; a < axes.size(); ++a) {
      const int channel = axes[a].channels[at[a]];
      is_new |= channel == new_channel;
      of_new_output |= channel == new_channel && axes[a].is_output;
      source = source * axes[a].models + channel;
    }
    if (!is_new)
      value = model[size_t(source)];
    else if (!of_new_output)
      value = 0;
    for (size_t a = axes.size(); a-- > 0;) {
      if (++at[a] < axes[a].channels.size()) break;
      at[a] = 0;
    }
  }
  return values;
}

/// The axes of a layer's weights.
class Axes {
 public:
  Axes(const ChannelsOfModel& channels, const Parameter& larger, const Parameter& model,
       const std::vector<int64_t>& filter, const std::vector<int64_t>& models_filter)
      : channels_(channels),
        larger_(larger),
        model_(model),
        filter_(filter),
        models_filter_(models_filter) {}

  std::vector<Axis> of(const Operator& op) const {
    switch (larger_.role) {
      case ParameterRole::filter:
        return filter(std::holds_alternative<ConvTranspose2d>(op));
      case ParameterRole::bias:
      case ParameterRole::scale:
        return {output()};
      case ParameterRole::slope:
      case ParameterRole::hyper_constant:
        return {first(0, true)};
      case ParameterRole::hyper_in:
        return {first(0, true), encoding(std::get<HyperConv2d>(op))};
      case ParameterRole::hyper_in_bias:
        return {first(0, true)};
      case ParameterRole::hyper_out: {
        std::vector<Axis> axes = filter(false);
        axes.push_back(first(1, false));
        return axes;
      }
    }
    fail("the role of '{}' is not known", larger_.name);
  }

 private:
  Axis first(size_t dim, bool is_output) const {
    return {first_of(larger_.dims[dim], model_.dims[dim]), model_.dims[dim], is_output};
  }
  Axis output() const {
    const Channels& channels = channels_.output(larger_.node);
    return {channels, model_.dims[0], true};
  }
  Axis encoding(const HyperConv2d& op) const {
    if (op.conditioning == Conditioning::image)
      return {channels_.input(larger_.node, 1), model_.dims[1], false};
    return first(1, false);
  }
  std::vector<Axis> filter(bool is_transposed) const {
    const size_t out = is_transposed ? 1 : 0, in = 1 - out;
    std::vector<Axis> axes(2);
    axes[out] = {channels_.output(larger_.node), models_filter_[out], true};
    axes[in] = {channels_.input(larger_.node, 0), models_filter_[in], false};
    for (const size_t dim : {2, 3}) {
      if (filter_[dim] != models_filter_[dim])
        fail("the weight '{}' has a kernel of {}, the model's of {}", larger_.name, filter_[dim],
             models_filter_[dim]);
      axes.push_back({first_of(filter_[dim], filter_[dim]), filter_[dim], false});
    }
    return axes;
  }

  const ChannelsOfModel& channels_;
  const Parameter& larger_;
  const Parameter& model_;
  const std::vector<int64_t>&filter_, &models_filter_;
};

/// Parameters by name, each with the dimensions of its layer's filter, where it has one.
std::map<std::string, std::pair<Parameter, std::vector<int64_t>>> by_name(const Graph& graph) {
  std::map<std::string, std::pair<Parameter, std::vector<int64_t>>> all;
  std::vector<int64_t> filter;  // a layer's filter stands before its other weights
  for (const Parameter& p : parameters(graph)) {
    if (p.role == ParameterRole::filter) filter = p.dims;
    all.emplace(p.name, std::pair(p, filter));
  }
  return all;
}

}  // namespace

Model grown(const Model& model, const Model& untrained) {
  const ChannelsOfModel channels(model.graph(), untrained.graph());
  const auto old = by_name(model.graph());
  std::map<std::string, std::vector<float>> weights;
  for (const auto& [name, larger] : by_name(untrained.graph())) {
    std::vector<float> values = untrained.weight(name).to_float();
    if (const auto found = old.find(name); found != old.end()) {
      const auto& [parameter, filter] = larger;
      const auto& [models, models_filter] = found->second;
      for (size_t dim = 0; dim < parameter.dims.size(); ++dim)
        if (parameter.dims[dim] < models.dims[dim])
          fail("the weight '{}' is {}, the model's {}", name, fmt::join(parameter.dims, "x"),
               fmt::join(models.dims, "x"));
      const Axes axes(channels, parameter, models, filter, models_filter);
      values = grown_values(axes.of(untrained.graph().node(parameter.node).op),
                            model.weight(name).to_float(), std::move(values));
    }
    weights[name] = std::move(values);
  }
  for (const auto& [name, parameter] : old)
    if (!weights.contains(name)) fail("the network has no weight '{}', which the model has", name);
  ModelInfo info = model.info();
  info.packing = untrained.info().packing;
  return {untrained.graph(), info, std::move(weights)};
}

}  // namespace hyperconv
