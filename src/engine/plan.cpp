#include "engine/plan.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "base/fail.hpp"
#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

// A cache line: rows start on one, so that no vector of 16 channels crosses it.
constexpr int64_t line = 64;
// 4K aliasing: rows whose addresses agree in the last 12 bits share cache sets, and a load appears
// to depend on the store before it.
constexpr int64_t memory_page = 4096;

// 64 TiB: beyond any machine, and far from where sums of sizes overflow.
constexpr double most_floats = 0x1.0p44;

// How a convolution goes over its input.
struct ConvolutionForm {
  int kernel = 1;
  int stride = 1;
  Padding padding = Padding::zero;

  bool operator==(const ConvolutionForm&) const = default;
};

// Nothing for operators that are no convolution, or a transposed one.
std::optional<ConvolutionForm> form_of_convolution(const Operator& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op))
    return ConvolutionForm{conv->kernel, conv->stride, conv->padding};
  if (const auto* hyper = std::get_if<HyperConv2d>(&op))
    return ConvolutionForm{.kernel = hyper->kernel};
  return std::nullopt;
}

// For every node whether its rows and columns are the same for every input.
std::vector<bool> nodes_of_fixed_size(const Graph& graph) {
  std::vector<bool> fixed;
  for (const Node& node : graph.nodes()) {
    const auto as_first = [&] { return bool(fixed[size_t(node.inputs.front())]); };
    fixed.push_back(std::visit(
        Overloaded{
            [](const Input&) { return false; }, [](const SideInput&) { return true; },
            [](const AdaptiveAveragePool2d&) { return true; },
            [](const AttentionPool&) { return true; }, [](const PhotoDescriptor&) { return true; },
            // As large as its last input, or twice as large.
            [&](const Bilinear2d&) { return bool(fixed[size_t(node.inputs.back())]); },
            [&](const Conv2d&) { return as_first(); },
            [&](const HyperConv2d&) { return as_first(); },
            [&](const ConvTranspose2d&) { return as_first(); },
            [&](const AveragePool2d&) { return as_first(); },
            [&](const MaxPool2d&) { return as_first(); },
            [&](const Upsample2d&) { return as_first(); },
            [&](const Haar2d&) { return as_first(); },
            [&](const PixelShuffle&) { return as_first(); },
            [&](const Concat&) { return as_first(); }, [&](const Add&) { return as_first(); },
            [&](const Multiply&) { return as_first(); },
            [&](const Activation&) { return as_first(); }, [&](const PRelu&) { return as_first(); },
            [&](const Norm2d&) { return as_first(); }},
        node.op));
  }
  return fixed;
}

// For every node whether the output depends on it when the photo's descriptors are given.
std::vector<bool> planned_nodes(const Graph& graph) {
  std::vector<bool> planned(graph.nodes().size());
  planned.back() = true;
  planned.front() = true;
  for (NodeId id = graph.output(); id > 0; --id) {
    const Node& node = graph.node(id);
    if (!planned[size_t(id)] || std::holds_alternative<PhotoDescriptor>(node.op)) continue;
    for (const NodeId source : node.inputs) planned[size_t(source)] = true;
  }
  return planned;
}

// Whether an operator reads its inputs as whole layers.
bool looks_at_whole_layers(const Node& node, bool is_known) {
  return std::visit(
      Overloaded{[](const AdaptiveAveragePool2d&) { return true; },
                 [](const AttentionPool&) { return true; },
                 // The rows that it reads depend on their number.
                 [](const Bilinear2d&) { return true; },
                 [](const Norm2d& op) {
                   switch (op.kind) {
                     case NormKind::instance:
                     case NormKind::layer:
                       return true;
                     case NormKind::folded:
                       return false;
                   }
                   return true;
                 },
                 [&](const HyperConv2d& op) {
                   switch (op.conditioning) {
                     case Conditioning::layer:
                       return !is_known;
                     case Conditioning::image:
                     case Conditioning::constant:
                       return false;
                   }
                   return true;
                 },
                 [](const Input&) { return false; }, [](const SideInput&) { return false; },
                 [](const PhotoDescriptor&) { return false; }, [](const Conv2d&) { return false; },
                 [](const ConvTranspose2d&) { return false; },
                 [](const AveragePool2d&) { return false; }, [](const MaxPool2d&) { return false; },
                 [](const Upsample2d&) { return false; }, [](const Haar2d&) { return false; },
                 [](const PixelShuffle&) { return false; }, [](const Concat&) { return false; },
                 [](const Add&) { return false; }, [](const Multiply&) { return false; },
                 [](const Activation&) { return false; }, [](const PRelu&) { return false; }},
      node.op);
}

class Planner {
 public:
  Planner(const Graph& graph, const Shape& input, const PlanOptions& options)
      : graph_(graph),
        shapes_(infer_shapes(graph, input)),
        fixed_(nodes_of_fixed_size(graph)),
        options_(options) {
    plan_.input = input;
    plan_.output = shapes_.back();
    plan_.bf16 = options.bf16;
    values_.resize(shapes_.size());
    done_.resize(shapes_.size());
    consumers_.resize(shapes_.size());
    const auto needed = planned_nodes(graph);
    for (NodeId id = 0; id < NodeId(shapes_.size()); ++id) {
      done_[size_t(id)] = !needed[size_t(id)];
      if (done_[size_t(id)]) continue;
      if (std::holds_alternative<PhotoDescriptor>(graph.node(id).op)) continue;
      for (const NodeId from : graph.node(id).inputs) consumers_[size_t(from)].push_back(id);
    }
  }

  Plan make() {
    for (NodeId id = 0; id <= graph_.output(); ++id) {
      if (done_[size_t(id)]) continue;
      node_ = id;
      std::visit([&](const auto& op) { add(id, op); }, graph_.node(id).op);
    }
    require_precision();
    if (!output_written_) emit(action::Output{}, value(graph_.output()), {});
    widen_borders();
    for (FeatureMap& feature_map : plan_.feature_maps) {
      feature_map.row =
          row_stride((feature_map.width + 2 * feature_map.border) * feature_map.pixel_bytes());
    }
    plan_.arena_bytes = place_feature_maps(plan_.feature_maps);
    return std::move(plan_);
  }

 private:
  void require_precision() const {
    if (options_.precision == Precision::f32) return;
    if (const auto node = node_that_needs_f32(plan_))
      fail("node '{}' ({}) can be computed in fp32 only", graph_.node(*node).name,
           operator_name(graph_.node(*node).op));
  }

  const Shape& shape(NodeId id) const { return shapes_[size_t(id)]; }
  FeatureMaps& value(NodeId id) { return values_[size_t(id)]; }
  FeatureMaps& input_value(NodeId id, size_t index = 0) {
    return value(graph_.node(id).inputs[index]);
  }

  void add(NodeId id, const Input&) {
    const FeatureMapId p = feature_map(id);
    const auto& readers = consumers_[size_t(id)];
    const bool convolutions_alone = std::ranges::all_of(readers, [&](NodeId reader) {
      return form_of_convolution(graph_.node(reader).op).has_value();
    });
    if (options_.bf16 != nullptr && convolutions_alone && id != graph_.output()) {
      FeatureMap& map = plan_.feature_maps[size_t(p)];
      map.precision = Precision::bf16;
      map.hi_lo = true;
      map.channels = map.pixel = hi_lo_parts * map.channels;
    }
    emit(action::Input{}, {}, {p});
  }

  void add(NodeId id, const SideInput&) { emit(action::TakeVector{}, {}, {feature_map(id)}); }
  void add(NodeId id, const PhotoDescriptor&) { emit(action::TakeVector{}, {}, {feature_map(id)}); }

  void add(NodeId id, const Conv2d&) { add_convolution(id); }
  void add(NodeId id, const HyperConv2d&) { add_convolution(id); }

  void add_convolution(NodeId id) {
    const auto reader = only_consumer(id);
    if (reader && is_sum_of_convolutions(*reader)) return;  // computed with the sum
    convolve(id, {id});
  }

  // Convolves the inputs of all `terms` into the value of `id`.
  void convolve(NodeId id, const std::vector<NodeId>& terms) {
    const FilterId filter = FilterId(plan_.filters.size());
    const ConvolutionForm form = *form_of_convolution(graph_.node(terms.front()).op);
    FilterSpec spec{
        .form = form_of(form, terms), .kernel = form.kernel, .out_channels = shape(id).c};
    const bool crowded = most_inputs(spec) < map_count(terms);
    FeatureMaps inputs;
    for (const NodeId term : terms) {
      if (crowded) join(input_value(term));
      predict(filter, term);
      append_slices(spec, term, input_value(term));
      inputs.insert(inputs.end(), input_value(term).begin(), input_value(term).end());
    }
    plan_.filters.push_back(spec);
    if (form.kernel > 1) surround(inputs, form.padding);
    NodeId last = id;
    const Rectifier rectifier = take_activation(last);
    const auto factor = form.stride == 1 ? take_output_shuffle(last) : std::nullopt;
    if (factor) {
      output_written_ = true;
      emit(action::Conv2dToOutput{filter, rectifier, *factor, form.padding}, inputs, {});
    } else {
      emit(action::Conv2d{filter, rectifier, form.stride, form.padding}, inputs, {vector_map(id)},
           last);
    }
  }

  FilterForm form_of(const ConvolutionForm& form, const std::vector<NodeId>& terms) {
    int64_t channels = 0;
    for (const NodeId term : terms) channels += shape(graph_.node(term).inputs[0]).c;
    const bool is_winograd = form.kernel == 3 && form.stride == 1 && options_.winograd &&
                             channels <= most_winograd_channels;
    if (options_.bf16 == nullptr) return is_winograd ? FilterForm::winograd : FilterForm::direct;
    return is_winograd && options_.bf16->conv2d_winograd != nullptr &&
                   std::ranges::all_of(terms, [&](NodeId id) { return holds_bf16_pairs(id); })
               ? FilterForm::bf16_winograd
               : FilterForm::bf16;
  }

  // Whether a convolution's inputs are pairs of bf16 numbers side by side, and no more than that.
  bool holds_bf16_pairs(NodeId id) {
    return std::ranges::all_of(input_value(id), [&](FeatureMapId p) {
      const FeatureMap& map = plan_.feature_maps[size_t(p)];
      return map.precision == Precision::bf16 && !map.hi_lo && map.pixel == map.channels &&
             map.channels % 2 == 0;
    });
  }

  static int64_t most_inputs(const FilterSpec& spec) { return most_tap_rows / rows_read(spec); }

  int64_t map_count(const std::vector<NodeId>& terms) {
    size_t count = 0;
    for (const NodeId term : terms) count += input_value(term).size();
    return int64_t(count);
  }

  // The border of a new feature map holds zeros.
  void surround(const FeatureMaps& feature_maps, Padding padding) {
    borders_.resize(plan_.feature_maps.size(), Padding::zero);
    for (const FeatureMapId p : feature_maps) {
      if (borders_[size_t(p)] == padding) continue;
      borders_[size_t(p)] = padding;
      emit_step(action::FillBorder{padding}, {p}, {});
    }
  }

  void predict(FilterId filter, NodeId id) {
    const auto* op = std::get_if<HyperConv2d>(&graph_.node(id).op);
    if (op == nullptr) return;
    const action::PredictFilters action{filter, id, op->conditioning};
    switch (op->conditioning) {
      case Conditioning::layer:
        want_sums(input_value(id));
        return emit(action, input_value(id), {});
      case Conditioning::image:
        return emit(action, input_value(id, 1), {});
      case Conditioning::constant:
        return;  // predicted once, when the weights are packed
    }
  }

  void want_sums(const FeatureMaps& feature_maps) {
    for (const FeatureMapId p : feature_maps) plan_.feature_maps[size_t(p)].sums = true;
  }

  void append_slices(FilterSpec& spec, NodeId id, const FeatureMaps& inputs) const {
    int64_t first = 0;
    for (const FeatureMapId p : inputs) {
      const FeatureMap& from = plan_.feature_maps[size_t(p)];
      const int64_t channels = from.hi_lo ? from.channels / hi_lo_parts : from.channels;
      spec.slices.push_back(
          {.node = id,
           .first = first,
           .channels = channels,
           .dense = from.pixel == from.channels,
           .hi_lo = is_bf16(spec.form) && (from.hi_lo || from.precision == Precision::f32)});
      first += channels;
    }
  }

  // For every size of input: a vector [N,C,1,1] does not count as a frame of one pixel.
  bool have_one_shape(NodeId a, NodeId b) const {
    return shape(a) == shape(b) && fixed_[size_t(a)] == fixed_[size_t(b)];
  }

  // conv(a, V) + conv(b, W) is one convolution over the channels of both.
  bool is_sum_of_convolutions(NodeId id) const {
    const Node& sum = graph_.node(id);
    if (!std::holds_alternative<Add>(sum.op) || sum.inputs[0] == sum.inputs[1]) return false;
    if (!have_one_shape(sum.inputs[0], sum.inputs[1])) return false;
    const auto left = form_of_convolution(graph_.node(sum.inputs[0]).op);
    return left && left == form_of_convolution(graph_.node(sum.inputs[1]).op) &&
           only_consumer(sum.inputs[0]) && only_consumer(sum.inputs[1]);
  }

  void add(NodeId id, const ConvTranspose2d&) {
    const FilterId filter = FilterId(plan_.filters.size());
    FilterSpec spec{.form = options_.bf16 != nullptr ? FilterForm::bf16 : FilterForm::direct,
                    .out_channels = shape(id).c,
                    .transposed = true};
    const FeatureMaps inputs = input_value(id);
    append_slices(spec, id, inputs);
    plan_.filters.push_back(spec);
    NodeId last = id;
    const Rectifier rectifier = take_activation(last);
    emit(action::ConvTranspose2d{filter, rectifier}, inputs, {vector_map(id)}, last);
  }

  void add(NodeId id, const AveragePool2d&) { add_each(id, action::AveragePool2d{}); }
  void add(NodeId id, const Upsample2d&) { add_each(id, action::Upsample2d{}); }
  void add(NodeId id, const MaxPool2d&) { add_each(id, action::MaxPool2d{}); }
  void add(NodeId id, const AdaptiveAveragePool2d& op) {
    add_each(id, action::AdaptiveAveragePool2d{op.size});
  }
  void add(NodeId id, const PRelu&) { add_each(id, action::PRelu{}); }

  void add(NodeId id, const Activation& op) { add_each(id, action::Activation{op.kind}); }

  void add(NodeId id, const Bilinear2d& op) { add_each(id, action::Bilinear2d{op.align_corners}); }

  void add(NodeId id, const AttentionPool&) {
    FeatureMaps inputs = input_value(id, 0);
    inputs.push_back(input_value(id, 1).front());  // a mask of one channel is one feature map
    emit(action::AttentionPool{}, inputs, {feature_map(id)});
  }

  void add(NodeId id, const Haar2d& op) {
    join(input_value(id));
    emit(action::Haar2d{op.kind}, input_value(id), {feature_map(id)});
  }

  void add(NodeId id, const Norm2d& op) {
    switch (op.kind) {
      case NormKind::instance:
      case NormKind::folded:
        break;
      case NormKind::layer:
        join(input_value(id));
        break;
    }
    NodeId last = id;
    const Rectifier rectifier = take_activation(last);
    emit(action::Norm2d{op.kind, rectifier}, input_value(id), same_split(id, input_value(id)),
         last);
  }

  void add(NodeId id, const PixelShuffle& op) {
    join(input_value(id));
    emit(action::PixelShuffle{op.factor}, input_value(id), {feature_map(id)});
  }

  void add(NodeId id, const Concat&) {
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const FeatureMaps& part = input_value(id, i);
      value(id).insert(value(id).end(), part.begin(), part.end());
    }
  }

  void add(NodeId id, const Add&) {
    if (is_sum_of_convolutions(id)) return convolve(id, graph_.node(id).inputs);
    const FeatureMaps terms = pairs(id);
    NodeId last = id;
    const Rectifier rectifier = take_activation(last);
    emit(action::Add{rectifier}, terms, same_split(id, input_value(id, 0)), last);
  }

  void add(NodeId id, const Multiply&) {
    const FeatureMaps factors = pairs(id);
    emit(action::Multiply{}, factors, same_split(id, input_value(id, 0)));
  }

  // The feature maps of the first input, then as many of the second with the same channels.
  FeatureMaps pairs(NodeId id) {
    if (channels(input_value(id, 0)) != channels(input_value(id, 1))) {
      join(input_value(id, 0));
      join(input_value(id, 1));
    }
    FeatureMaps both = input_value(id, 0);
    both.insert(both.end(), input_value(id, 1).begin(), input_value(id, 1).end());
    return both;
  }

  // What works channel by channel, feature map by feature map.
  void add_each(NodeId id, const Action& action) {
    emit(action, input_value(id), same_split(id, input_value(id)));
  }

  std::vector<int64_t> channels(const FeatureMaps& feature_maps) const {
    std::vector<int64_t> counts;
    for (const FeatureMapId p : feature_maps)
      counts.push_back(plan_.feature_maps[size_t(p)].channels);
    return counts;
  }

  FeatureMapId new_map(NodeId id, int64_t channels, int64_t pixel) {
    if (double(shape(id).plane()) * double(pixel) > most_floats) {
      fail_as(ErrorCode::out_of_memory, "node '{}' would be {}: more memory than there is",
              graph_.node(id).name, to_string(shape(id)));
    }
    FeatureMap made;
    made.channels = channels;
    made.height = shape(id).h;
    made.width = shape(id).w;
    made.pixel = pixel;
    // The input and vectors (descriptors) stay in f32: they are small, and much depends on them.
    // For every size of photo: a layer may be one pixel large, too.
    const bool exact = id == 0 || (fixed_[size_t(id)] && shape(id).plane() == 1);
    made.precision = exact ? Precision::f32 : options_.precision;
    plan_.feature_maps.push_back(made);
    return FeatureMapId(plan_.feature_maps.size()) - 1;
  }

  FeatureMapId feature_map(NodeId id) { return new_map(id, shape(id).c, shape(id).c); }
  // Convolutions store whole vectors, but for those in bf16.
  FeatureMapId vector_map(NodeId id) {
    if (options_.bf16 != nullptr) return feature_map(id);
    return new_map(id, shape(id).c, round_up(shape(id).c, options_.lanes));
  }
  FeatureMaps same_split(NodeId id, const FeatureMaps& like) {
    FeatureMaps made;
    for (const int64_t count : channels(like)) made.push_back(new_map(id, count, count));
    return made;
  }

  // A list of feature maps becomes one.
  void join(FeatureMaps& feature_maps) {
    if (feature_maps.size() == 1) return;
    const auto counts = channels(feature_maps);
    const FeatureMap& first = plan_.feature_maps[size_t(feature_maps.front())];
    FeatureMap whole;
    whole.height = first.height;
    whole.width = first.width;
    whole.precision = options_.precision;
    whole.channels = whole.pixel = std::accumulate(counts.begin(), counts.end(), int64_t(0));
    plan_.feature_maps.push_back(whole);
    const FeatureMaps joined = {FeatureMapId(plan_.feature_maps.size()) - 1};
    emit_step(action::Concat{}, feature_maps, joined);
    feature_maps = joined;
  }

  std::optional<NodeId> only_consumer(NodeId id) const {
    const auto& readers = consumers_[size_t(id)];
    if (readers.size() != 1 || id == graph_.output()) return std::nullopt;
    return readers.front();
  }

  // Fuses an activation that is the node's only reader into the step that computes the node; `last`
  // becomes the node whose value is written.
  Rectifier take_activation(NodeId& last) {
    const auto reader = only_consumer(last);
    if (!reader) return Rectifier::none;
    const auto rectifier = rectifier_of(graph_.node(*reader).op);
    if (!rectifier) return Rectifier::none;
    last = *reader;
    done_[size_t(last)] = true;
    return *rectifier;
  }

  // The same for the network's end: a convolution whose result is the output, shuffled or not.
  std::optional<int> take_output_shuffle(NodeId last) {
    if (shape(last).c > most_direct_channels) return std::nullopt;
    if (last == graph_.output()) return 1;
    const auto reader = only_consumer(last);
    if (!reader || *reader != graph_.output()) return std::nullopt;
    const auto* shuffle = std::get_if<PixelShuffle>(&graph_.node(*reader).op);
    if (shuffle == nullptr) return std::nullopt;
    done_[size_t(*reader)] = true;
    return shuffle->factor;
  }

  void emit(const Action& action, const FeatureMaps& inputs, const FeatureMaps& outputs) {
    emit(action, inputs, outputs, node_);
  }

  void emit(const Action& action, const FeatureMaps& inputs, const FeatureMaps& outputs,
            NodeId result) {
    emit_step(action, inputs, outputs);
    if (!outputs.empty()) value(result) = outputs;
  }

  void emit_step(const Action& action, const FeatureMaps& inputs, const FeatureMaps& outputs) {
    const int step = int(plan_.steps.size());
    for (const FeatureMapId p : inputs) plan_.feature_maps[size_t(p)].last_step = step;
    for (const FeatureMapId p : outputs) {
      plan_.feature_maps[size_t(p)].first_step = plan_.feature_maps[size_t(p)].last_step = step;
    }
    plan_.steps.push_back({action, inputs, outputs, node_});
  }

  void widen_borders() {
    for (const Step& step : plan_.steps) {
      const auto filter = filter_of(step.action);
      if (!filter) continue;
      const int64_t border = plan_.filters[size_t(*filter)].kernel / 2;
      for (const FeatureMapId p : step.inputs) {
        FeatureMap& feature_map = plan_.feature_maps[size_t(p)];
        feature_map.border = std::max(feature_map.border, border);
      }
    }
  }

  const Graph& graph_;
  const std::vector<Shape> shapes_;
  const std::vector<bool> fixed_;  // nodes whose rows and columns do not follow the input's
  const PlanOptions options_;
  Plan plan_;
  NodeId node_ = 0;
  bool output_written_ = false;
  std::vector<Padding> borders_;     // of each feature map, at the step being planned
  std::vector<FeatureMaps> values_;  // of each node
  std::vector<bool> done_;           // fused into another node's step
  std::vector<std::vector<NodeId>> consumers_;
};

// Actions whose row y is computed from row y.
template <class Kind>
constexpr bool one_row =
    std::is_same_v<Kind, action::Input> || std::is_same_v<Kind, action::Add> ||
    std::is_same_v<Kind, action::Multiply> || std::is_same_v<Kind, action::Activation> ||
    std::is_same_v<Kind, action::PRelu> || std::is_same_v<Kind, action::Concat> ||
    std::is_same_v<Kind, action::Output>;

bool alive_together(const FeatureMap& a, const FeatureMap& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

// Lowest offset that is free while the feature map is alive; `placed` holds the others that are
// alive then.
int64_t first_gap(int64_t bytes, std::vector<const FeatureMap*>& placed) {
  std::sort(placed.begin(), placed.end(),
            [](const FeatureMap* a, const FeatureMap* b) { return a->offset < b->offset; });
  int64_t start = 0;
  for (const FeatureMap* other : placed) {
    if (start + bytes <= other->offset) break;
    start = std::max(start, other->offset + other->bytes());
  }
  return start;
}

}  // namespace

std::optional<Rectifier> rectifier_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::relu:
      return Rectifier::relu;
    case ActivationKind::leaky_relu:
      return Rectifier::leaky_relu;
    case ActivationKind::sigmoid:
    case ActivationKind::tanh:
      return std::nullopt;
  }
  return std::nullopt;
}

int64_t row_stride(int64_t bytes) {
  const int64_t row = round_up(bytes, line);
  return row % memory_page == 0 ? row + line : row;
}

int64_t channels_of(const FilterSpec& spec) {
  int64_t channels = 0;
  for (const FilterSlice& slice : spec.slices) channels += slice.channels;
  return channels;
}

int filters_of(const FilterSpec& spec) {
  if (!spec.transposed) return 1;
  return is_bf16(spec.form) ? 2 : 4;
}

int64_t outs_at_once(const FilterSpec& spec) {
  return spec.transposed ? 4 / filters_of(spec) * spec.out_channels : spec.out_channels;
}

int rows_read(const FilterSpec& spec) {
  switch (spec.form) {
    case FilterForm::direct:
    case FilterForm::bf16:
      return spec.kernel;
    case FilterForm::winograd:
      return winograd_rows;
    case FilterForm::bf16_winograd:
      return bf16_winograd_rows;
  }
  return 0;
}

Bf16Taps bf16_taps(const FilterSpec& spec, const FilterSlice& slice) {
  // (hi, lo, hi) of every pixel, without gaps.
  if (slice.hi_lo) return {spec.kernel, hi_lo_parts * slice.channels, true};
  return {spec.kernel, slice.channels, slice.dense};
}

std::optional<FilterId> filter_of(const Action& action) {
  const auto* row = std::get_if<RowAction>(&action);
  if (row == nullptr) return std::nullopt;
  if (const auto* convolve = std::get_if<action::Conv2d>(row)) return convolve->filter;
  if (const auto* last = std::get_if<action::Conv2dToOutput>(row)) return last->filter;
  if (const auto* up = std::get_if<action::ConvTranspose2d>(row)) return up->filter;
  return std::nullopt;
}

RowReach reach_of(const Plan& plan, const RowAction& action) {
  const auto both = [](const Reach& reach) { return RowReach{reach, reach}; };
  const auto convolution = [&](FilterId id, int stride) {
    const FilterSpec& spec = plan.filters[size_t(id)];
    const int before = spec.kernel / 2;
    const Reach direct{.in = stride, .before = before, .count = spec.kernel};
    switch (spec.form) {
      case FilterForm::direct:
      case FilterForm::bf16:
        return both(direct);
      case FilterForm::winograd:
        return RowReach{{.in = 4, .before = before, .count = rows_read(spec), .out = 4}, direct};
      case FilterForm::bf16_winograd:
        return RowReach{{.in = 2, .before = before, .count = rows_read(spec), .out = 2}, direct};
    }
    return RowReach{};
  };
  const RowReach halved = both({.in = 2, .count = 2}), doubled = both({.out = 2});
  return std::visit(
      Overloaded{[&](const action::Conv2d& op) { return convolution(op.filter, op.stride); },
                 [&](const action::Conv2dToOutput& op) { return convolution(op.filter, 1); },
                 [&](const action::ConvTranspose2d&) { return doubled; },
                 [&](const action::AveragePool2d&) { return halved; },
                 [&](const action::MaxPool2d&) { return halved; },
                 [&](const action::Upsample2d&) { return doubled; },
                 [&](const action::Haar2d& op) {
                   switch (op.kind) {
                     case HaarKind::analysis:
                     case HaarKind::low:
                       return halved;
                     case HaarKind::synthesis:
                       return doubled;
                   }
                   return RowReach{};
                 },
                 [&](const action::PixelShuffle& op) { return both({.out = op.factor}); },
                 [&](const auto& alike) {
                   static_assert(one_row<std::decay_t<decltype(alike)>>);
                   return both({});
                 }},
      action);
}

Units units_of(const Plan& plan, const Step& step) {
  const RowReach reach = reach_of(plan, std::get<RowAction>(step.action));
  if (!step.outputs.empty()) {
    const FeatureMap& out = plan.feature_map(step.outputs.front());
    return {ceil_div(out.height, reach.rows.out), ceil_div(out.width, reach.columns.out)};
  }
  const FeatureMap& in = plan.feature_map(step.inputs.front());
  return {ceil_div(in.height, reach.rows.in), ceil_div(in.width, reach.columns.in)};
}

std::string step_name(const Action& action) {
  const auto row = Overloaded{[](const action::Input&) { return "input"; },
                              [](const action::Conv2d&) { return "conv2d"; },
                              [](const action::Conv2dToOutput&) { return "conv2d to output"; },
                              [](const action::ConvTranspose2d&) { return "conv_transpose2d"; },
                              [](const action::AveragePool2d&) { return "average_pool2d"; },
                              [](const action::MaxPool2d&) { return "max_pool2d"; },
                              [](const action::Upsample2d&) { return "upsample2d"; },
                              [](const action::Haar2d&) { return "haar2d"; },
                              [](const action::PixelShuffle&) { return "pixel_shuffle"; },
                              [](const action::Add&) { return "add"; },
                              [](const action::Multiply&) { return "multiply"; },
                              [](const action::Activation&) { return "activation"; },
                              [](const action::PRelu&) { return "prelu"; },
                              [](const action::Concat&) { return "concat"; },
                              [](const action::Output&) { return "output"; }};
  const auto frame =
      Overloaded{[](const action::FillBorder&) { return "fill border"; },
                 [](const action::PredictFilters&) { return "predict filters"; },
                 [](const action::AdaptiveAveragePool2d&) { return "adaptive_average_pool2d"; },
                 [](const action::AttentionPool&) { return "attention_pool"; },
                 [](const action::Bilinear2d&) { return "bilinear2d"; },
                 [](const action::Norm2d&) { return "norm2d"; },
                 [](const action::TakeVector&) { return "take vector"; }};
  return std::visit(Overloaded{[&](const RowAction& one) { return std::visit(row, one); },
                               [&](const FrameAction& one) { return std::visit(frame, one); }},
                    action);
}

std::optional<Rectifier> rectifier_of(const Operator& op) {
  const auto* activation = std::get_if<Activation>(&op);
  return activation == nullptr ? std::nullopt : rectifier_of(activation->kind);
}

int64_t FeatureMap::bytes() const {
  // One cache line more: kernels that take groups of channels read beyond the last pixel.
  return round_up(row * height + line, line);
}

int64_t place_feature_maps(std::vector<FeatureMap>& feature_maps) {
  std::vector<size_t> order(feature_maps.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return feature_maps[a].bytes() > feature_maps[b].bytes();
  });
  int64_t total = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    FeatureMap& feature_map = feature_maps[order[i]];
    std::vector<const FeatureMap*> contemporaries;
    for (size_t j = 0; j < i; ++j) {
      if (alive_together(feature_map, feature_maps[order[j]]))
        contemporaries.push_back(&feature_maps[order[j]]);
    }
    feature_map.offset = first_gap(feature_map.bytes(), contemporaries);
    total = std::max(total, feature_map.offset + feature_map.bytes());
  }
  return total;
}

std::optional<NodeId> node_that_needs_whole_layers(const Graph& graph,
                                                   const Statistics& statistics) {
  const auto planned = planned_nodes(graph);
  const auto fixed = nodes_of_fixed_size(graph);
  for (NodeId id = 0; id <= graph.output(); ++id) {
    const Node& node = graph.node(id);
    if (!planned[size_t(id)] || !looks_at_whole_layers(node, statistics.contains(id))) continue;
    const bool sees_layers =
        std::ranges::any_of(node.inputs, [&](NodeId from) { return !fixed[size_t(from)]; });
    if (sees_layers) return id;
  }
  // An output of one size, whatever the photo's, has no part that is made from a part of the photo.
  return fixed[size_t(graph.output())] ? std::optional(graph.output()) : std::nullopt;
}

// Actions on whole frames read f32, except those that only sum or take a vector.
std::optional<NodeId> node_that_needs_f32(const Plan& plan) {
  for (const Step& step : plan.steps) {
    const auto* action = std::get_if<FrameAction>(&step.action);
    if (action == nullptr) continue;
    const bool reads_f32 =
        std::visit(Overloaded{[](const action::PredictFilters&) { return false; },
                              [](const action::TakeVector&) { return false; },
                              [](const action::FillBorder&) { return true; },
                              [](const action::AdaptiveAveragePool2d&) { return true; },
                              [](const action::AttentionPool&) { return true; },
                              [](const action::Bilinear2d&) { return true; },
                              [](const action::Norm2d&) { return true; }},
                   *action);
    if (reads_f32) return step.node;
  }
  return std::nullopt;
}

Plan make_plan(const Graph& graph, const Shape& input, const PlanOptions& options) {
  return Planner(graph, input, options).make();
}

}  // namespace hyperconv
