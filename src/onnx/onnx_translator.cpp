#include "onnx/onnx_translator.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

using Attributes = OnnxBuilder::Attributes;
using Integers = std::vector<int64_t>;
using Value = OnnxValue;

/// How a side of a node's output follows from the same side of the input: a part or a multiple of
/// it, or always the same.
struct Side {
  bool fixed = false;
  int64_t size = 1;    ///< where it is fixed
  int64_t factor = 1;  ///< else input * factor / divisor
  int64_t divisor = 1;
};

/// From the sizes for an input of `unit` and for one of `times * unit` rows or columns. All
/// operators halve, multiply, copy or fix a side.
Side side_of(int64_t unit, int64_t small, int64_t large) {
  if (small == large) return {.fixed = true, .size = small};
  const int64_t common = std::gcd(unit, small);
  return {.factor = small / common, .divisor = unit / common};
}

struct Extent {
  int64_t channels = 0;
  Side height, width;
};

/// Two inputs whose sides differ tell them apart.
std::vector<Extent> extents_of(const Graph& graph) {
  const int64_t unit = size_multiple(graph);
  const int channels = std::get<Input>(graph.node(0).op).channels;
  const auto small = infer_shapes(graph, {1, channels, unit, unit});
  const auto large = infer_shapes(graph, {1, channels, 2 * unit, 3 * unit});
  std::vector<Extent> extents;
  for (size_t i = 0; i < small.size(); ++i)
    extents.push_back(
        {small[i].c, side_of(unit, small[i].h, large[i].h), side_of(unit, small[i].w, large[i].w)});
  return extents;
}

/// "2*height/3": a name for a side that is not fixed, the same for equal sides.
std::string name_of(const Side& side, const char* input) {
  const std::string product = side.factor == 1 ? input : fmt::format("{}*{}", side.factor, input);
  return side.divisor == 1 ? product : fmt::format("{}/{}", product, side.divisor);
}

void describe_side(const Side& side, const char* input, onnx::TensorShapeProto& shape) {
  if (side.fixed)
    shape.add_dim()->set_dim_value(side.size);
  else
    shape.add_dim()->set_dim_param(name_of(side, input));
}

void describe(const std::string& name, const Extent& extent, onnx::ValueInfoProto& info) {
  info.set_name(name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  auto& shape = *type.mutable_shape();
  shape.add_dim()->set_dim_value(1);
  shape.add_dim()->set_dim_value(extent.channels);
  describe_side(extent.height, "height", shape);
  describe_side(extent.width, "width", shape);
}

constexpr const char* input_name = "input";
constexpr const char* output_name = "output";

/// A graph may call a side input as the photo is called here.
std::string side_input_name(const Node& node) {
  return node.name == input_name || node.name == output_name ? "side_" + node.name : node.name;
}

std::set<std::string> reserved_names(const Graph& graph) {
  std::set<std::string> names = {input_name, output_name};
  for (const Node& node : graph.nodes())
    if (std::holds_alternative<SideInput>(node.op)) names.insert(side_input_name(node));
  for (const Parameter& p : parameters(graph)) names.insert(p.name);
  return names;
}

const Integers frame_axes = {2, 3};
const Integers sample_axes = {1, 2, 3};

class Translator {
 public:
  Translator(const Graph& graph, const SideRanges& ranges)
      : graph_(graph), ranges_(ranges), extents_(extents_of(graph)), b_(reserved_names(graph)) {}

  OnnxBuilder translate() {
    const auto needed = needed_nodes(graph_);
    values_.resize(graph_.nodes().size());
    for (id_ = 0; id_ <= graph_.output(); ++id_)
      if (needed[size_t(id_)]) values_[size_t(id_)] = translate_node();
    describe_values(needed);
    return std::move(b_);
  }

 private:
  Value translate_node() {
    b_.begin(node().name, operator_name(node().op));
    if (id_ == graph_.output()) b_.call_result(output_name);
    // No overload for all: a new alternative does not compile until it has its own.
    return std::visit([this](const auto& op) { return apply(op); }, node().op);
  }

  const Node& node() const { return graph_.node(id_); }
  Value in(size_t index = 0) const { return values_[size_t(node().inputs[index])]; }
  int64_t channels(size_t index = 0) const {
    return extents_[size_t(node().inputs[index])].channels;
  }
  Value weight(const char* suffix, const Integers& dims) {
    return b_.weight(node().name + suffix, dims);
  }
  Value mean(const char* label, const Value& x, const Integers& axes, bool keep = true) {
    return b_.part(label, "ReduceMean", {x},
                   {attribute("axes", axes), attribute("keepdims", int64_t(keep))});
  }

  Value apply(const Input&) {
    if (graph_.output() != 0) return {input_name};
    return b_.last("Identity", {{input_name}});
  }

  Value apply(const SideInput&) {
    const Value given{side_input_name(node())};
    const bool is_output = graph_.output() == id_;
    const auto range = ranges_.find(node().name);
    if (range == ranges_.end()) return is_output ? b_.last("Identity", {given}) : given;
    const Integers dims = {1, int64_t(range->second.least.size()), 1, 1};
    const Value least = b_.constant("least", range->second.least, dims);
    const Value greatest = b_.constant("greatest", range->second.greatest, dims);
    const Value raised = b_.part("raised", "Max", {given, least});
    return is_output ? b_.last("Min", {raised, greatest})
                     : b_.part("held", "Min", {raised, greatest});
  }

  static Attributes convolution(int64_t kernel, int64_t stride, int64_t pad) {
    return {attribute("kernel_shape", Integers{kernel, kernel}),
            attribute("pads", Integers{pad, pad, pad, pad}),
            attribute("strides", Integers{stride, stride})};
  }

  Value mirrored(const Value& x, int64_t pad) {
    const Value pads = b_.constant("pads", {0, 0, pad, pad, 0, 0, pad, pad});
    return b_.part("mirrored", "Pad", {x, pads}, {attribute("mode", "reflect")});
  }

  Value apply(const Conv2d& op) {
    const int64_t pad = op.kernel / 2;
    const bool is_mirrored = pad > 0 && mirrors(op.padding);
    OnnxBuilder::Inputs inputs = {
        is_mirrored ? mirrored(in(), pad) : in(),
        weight(".weight", {op.out_channels, channels(), op.kernel, op.kernel})};
    if (op.bias) inputs.push_back(weight(".bias", {op.out_channels}));
    return b_.last("Conv", inputs, convolution(op.kernel, op.stride, is_mirrored ? 0 : pad));
  }

  Value apply(const HyperConv2d& op) {
    const int64_t filter = op.out_channels * channels() * op.kernel * op.kernel;
    const Integers dims = {op.out_channels, channels(), op.kernel, op.kernel};
    const Encoding e = encoding(op);
    const Attributes transposed = {attribute("transB", int64_t(1))};
    const Value sum = b_.part(
        "a1", "Gemm",
        {e.value, weight(".a1.weight", {op.hidden, e.size}), weight(".a1.bias", {op.hidden})},
        transposed);
    const Value hidden = b_.part("hidden", "Relu", {sum});
    const Value change =
        b_.part("a2", "Gemm", {hidden, weight(".a2.weight", {filter, op.hidden})}, transposed);
    const Value shaped = b_.part("change", "Reshape", {change, b_.constant("filter_shape", dims)});
    const Value filters = b_.part("filters", "Add", {weight(".weight", dims), shaped});
    return b_.last("Conv", {in(), filters, weight(".bias", {op.out_channels})},
                   convolution(op.kernel, 1, op.kernel / 2));
  }

  struct Encoding {
    Value value;  ///< [1,size]
    int64_t size = 0;
  };

  Encoding encoding(const HyperConv2d& op) {
    switch (op.conditioning) {
      case Conditioning::layer:
        return {scale_free(mean("s", in(), frame_axes, false)), channels() + 1};
      case Conditioning::image:
        return {b_.part("s", "Flatten", {in(1)}, {attribute("axis", int64_t(1))}), channels(1)};
      case Conditioning::constant:
        return {weight(".s", {1, op.constant_size}), op.constant_size};
    }
    return {};
  }

  /// enc(s): s / r joined with tanh(log(r) / 4), r = rms(s) + 1e-6.
  Value scale_free(const Value& s) {
    const Value squares = mean("mean_square", b_.part("square", "Mul", {s, s}), {1});
    const Value r =
        b_.part("r", "Add", {b_.part("rms", "Sqrt", {squares}), b_.scalar("least_rms", 1e-6)});
    const Value quarter =
        b_.part("log_r_quarter", "Mul", {b_.part("log_r", "Log", {r}), b_.scalar("quarter", 0.25)});
    return b_.part("encoded", "Concat",
                   {b_.part("direction", "Div", {s, r}), b_.part("size", "Tanh", {quarter})},
                   {attribute("axis", int64_t(1))});
  }

  Value apply(const ConvTranspose2d& op) {
    return b_.last("ConvTranspose",
                   {in(), weight(".weight", {channels(), op.out_channels, 2, 2}),
                    weight(".bias", {op.out_channels})},
                   convolution(2, 2, 0));
  }

  static Attributes halving() {
    return {attribute("kernel_shape", Integers{2, 2}), attribute("strides", Integers{2, 2})};
  }
  Value apply(const AveragePool2d&) { return b_.last("AveragePool", {in()}, halving()); }
  Value apply(const MaxPool2d&) { return b_.last("MaxPool", {in()}, halving()); }

  /// ONNX has no such pooling: rows and columns are averaged by one matrix each, made from the
  /// frame's size.
  Value apply(const AdaptiveAveragePool2d& op) {
    if (op.size == 1) return b_.last("GlobalAveragePool", {in()});
    const Value rows = averaging_matrix("row", 2, op.size);
    const Value columns =
        b_.part("columns_transposed", "Transpose", {averaging_matrix("column", 3, op.size)});
    return b_.last("MatMul", {b_.part("rows_averaged", "MatMul", {rows, in()}), columns});
  }

  /// [parts, length of the axis]: 1 / count where the pixel is in the part, which is
  /// [floor(i length / parts), ceil((i+1) length / parts)).
  Value averaging_matrix(const std::string& axis, int64_t index, int64_t parts) {
    const auto part = [&](const char* label, const char* type, const OnnxBuilder::Inputs& inputs,
                          const Attributes& attributes = {}) {
      return b_.part(axis + "_" + label, type, inputs, attributes);
    };
    const auto number = [&](const char* label, int64_t value) {
      return b_.constant(axis + "_" + label, Integers{value}, {});
    };
    Integers first, next;
    for (int64_t i = 0; i < parts; ++i) {
      first.push_back(i);
      next.push_back(i + 1);
    }
    const auto column = [&](const char* label, const Integers& values) {
      return b_.constant(axis + "_" + label, values, {parts, 1});
    };
    const Value length = part(
        "length", "Squeeze",
        {part("shape", "Shape", {in()}, {attribute("start", index), attribute("end", index + 1)})});
    const Value count = number("parts", parts);
    const Value begin =
        part("begin", "Div", {part("begins", "Mul", {column("first", first), length}), count});
    const Value ends = part("ends", "Mul", {column("next", next), length});
    const Value end =
        part("end", "Div", {part("ends_up", "Add", {ends, number("round_up", parts - 1)}), count});
    const Value pixels = part("pixels", "Range", {number("zero", 0), length, number("one", 1)});
    const Value inside = part("inside", "And",
                              {part("from_begin", "GreaterOrEqual", {pixels, begin}),
                               part("before_end", "Less", {pixels, end})});
    const Attributes to_float = {attribute("to", int64_t(onnx::TensorProto::FLOAT))};
    return part("matrix", "Div",
                {part("members", "Cast", {inside}, to_float),
                 part("sizes", "Cast", {part("counts", "Sub", {end, begin})}, to_float)});
  }

  Value apply(const AttentionPool&) {
    const Value flat_mask =
        b_.part("flat_mask", "Reshape", {in(1), b_.constant("mask_shape", {1, -1, 1})});
    const Value weights =
        b_.part("weights", "Softmax", {flat_mask}, {attribute("axis", int64_t(1))});
    const Value pixels =
        b_.part("pixels", "Reshape", {in(), b_.constant("pixels_shape", {1, channels(), -1})});
    return b_.last("Unsqueeze",
                   {b_.part("mean", "MatMul", {pixels, weights}), b_.constant("width_axis", {3})});
  }

  Value apply(const Upsample2d&) {
    return b_.last("Resize", {in(), {}, twice()},
                   {attribute("mode", "nearest"), attribute("nearest_mode", "floor"),
                    attribute("coordinate_transformation_mode", "asymmetric")});
  }

  Value twice() { return b_.constant("scales", std::vector<float>{1, 1, 2, 2}, {4}); }

  Value apply(const Bilinear2d& op) {
    const Attributes attributes = {attribute("mode", "linear"),
                                   attribute("coordinate_transformation_mode",
                                             op.align_corners ? "align_corners" : "half_pixel")};
    if (node().inputs.size() == 1) return b_.last("Resize", {in(), {}, twice()}, attributes);
    const Value frame = b_.part("frame", "Shape", {in(1)}, {attribute("start", int64_t(2))});
    const Value shape =
        b_.part("shape", "Concat", {b_.constant("channels", {1, channels()}), frame},
                {attribute("axis", int64_t(0))});
    return b_.last("Resize", {in(), {}, {}, shape}, attributes);
  }

  /// Of LL, HL, LH, HH at the pixels (0,0) (0,1) (1,0) (1,1).
  static constexpr float haar_signs[4][4] = {
      {1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, -1, 1, 1}, {1, -1, -1, 1}};

  /// The filters of `bands` bands for each of `count` channels.
  Value haar_filters(int64_t count, int64_t bands) {
    std::vector<float> values;
    for (int64_t c = 0; c < count; ++c)
      for (int64_t band = 0; band < bands; ++band)
        for (const float sign : haar_signs[band]) values.push_back(sign / 2);
    return b_.constant("haar", values, {count * bands, 1, 2, 2});
  }

  /// Channels of [outer, inner] in the order of [inner, outer].
  Value transposed_order(int64_t outer, int64_t inner) {
    Integers order;
    for (int64_t i = 0; i < inner; ++i)
      for (int64_t o = 0; o < outer; ++o) order.push_back(o * inner + i);
    return b_.constant("order", order);
  }

  /// Grouped convolutions keep a channel's bands together; ours keeps a band's channels together.
  Value apply(const Haar2d& op) {
    constexpr int64_t bands = 4;
    const Attributes by_channel = {attribute("axis", int64_t(1))};
    switch (op.kind) {
      case HaarKind::low:
        return b_.last("Conv", {in(), haar_filters(channels(), 1)}, by_group(channels()));
      case HaarKind::analysis: {
        const int64_t count = channels();
        const Value made =
            b_.part("bands", "Conv", {in(), haar_filters(count, bands)}, by_group(count));
        return b_.last("Gather", {made, transposed_order(count, bands)}, by_channel);
      }
      case HaarKind::synthesis: {
        const int64_t count = channels() / bands;
        const Value filters = haar_filters(count, bands);
        const Value ordered =
            b_.part("bands", "Gather", {in(), transposed_order(bands, count)}, by_channel);
        return b_.last("ConvTranspose", {ordered, filters}, by_group(count));
      }
    }
    return {};
  }

  /// 2x2 with stride 2, each of `count` channels by itself.
  static Attributes by_group(int64_t count) {
    Attributes grouped = convolution(2, 2, 0);
    grouped.push_back(attribute("group", count));
    return grouped;
  }

  Value apply(const PixelShuffle& op) {
    return b_.last("DepthToSpace", {in()},
                   {attribute("blocksize", int64_t(op.factor)), attribute("mode", "CRD")});
  }

  Value apply(const Concat&) {
    OnnxBuilder::Inputs parts;
    for (size_t i = 0; i < node().inputs.size(); ++i) parts.push_back(in(i));
    return b_.last("Concat", parts, {attribute("axis", int64_t(1))});
  }

  Value apply(const Add&) { return b_.last("Add", {in(0), in(1)}); }
  Value apply(const Multiply&) { return b_.last("Mul", {in(0), in(1)}); }

  Value apply(const Activation& op) {
    switch (op.kind) {
      case ActivationKind::relu:
        return b_.last("Relu", {in()});
      case ActivationKind::leaky_relu:
        return b_.last("LeakyRelu", {in()}, {attribute("alpha", 0.2)});
      case ActivationKind::sigmoid:
        return b_.last("Sigmoid", {in()});
      case ActivationKind::tanh:
        return b_.last("Tanh", {in()});
    }
    return {};
  }

  Value apply(const PRelu&) { return b_.last("PRelu", {in(), weight(".weight", {1})}); }

  Value apply(const Norm2d& op) {
    switch (op.kind) {
      case NormKind::instance:
        return b_.last("InstanceNormalization",
                       {in(), weight(".weight", {channels()}), weight(".bias", {channels()})},
                       {attribute("epsilon", norm_epsilon)});
      case NormKind::layer:
        return scaled(normalised(in()));
      case NormKind::folded:
        return scaled(in());
    }
    return {};
  }

  static constexpr double norm_epsilon = 1e-5;

  Value scaled(const Value& x) {
    const Integers each_channel = {channels(), 1, 1};
    return b_.last("Add", {b_.part("scaled", "Mul", {x, weight(".weight", each_channel)}),
                           weight(".bias", each_channel)});
  }

  Value normalised(const Value& x) {
    const Value off = b_.part("off", "Sub", {x, mean("mean", x, sample_axes)});
    const Value variance = mean("variance", b_.part("square", "Mul", {off, off}), sample_axes);
    const Value sum = b_.part("sum", "Add", {variance, b_.scalar("epsilon", norm_epsilon)});
    return b_.part("normalised", "Div", {off, b_.part("deviation", "Sqrt", {sum})});
  }

  Value apply(const PhotoDescriptor&) {
    const Value centre = mean("mean", in(), frame_axes);
    const Value off = b_.part("off", "Sub", {in(), centre});
    const Value variance = mean("variance", b_.part("square", "Mul", {off, off}), frame_axes);
    const Value all = b_.part("statistics", "Concat",
                              {centre, b_.part("deviation", "Sqrt", {variance}), mean_gradient()},
                              {attribute("axis", int64_t(1))});
    const Value lifted =
        b_.part("lifted", "Add", {b_.part("positive", "Relu", {all}), b_.scalar("least", 1e-4)});
    const Value shifted =
        b_.part("shifted", "Add", {b_.part("log", "Log", {lifted}), b_.scalar("four", 4)});
    return b_.last("Mul", {shifted, b_.scalar("quarter", 0.25)});
  }

  /// The last column is repeated, so that no frame is too narrow; that column's step is 0 and adds
  /// only to the count of the mean, which the factor width / max(width - 1, 1) takes back.
  Value mean_gradient() {
    const Value wider =
        b_.part("wider", "Pad", {in(), b_.constant("one_column", {0, 0, 0, 0, 0, 0, 0, 1})},
                {attribute("mode", "edge")});
    const Value next = b_.part("next", "Slice",
                               {wider, b_.constant("second", {1}),
                                b_.constant("end", {std::numeric_limits<int64_t>::max()}),
                                b_.constant("width_axis", {3})});
    const Value step = b_.part("step", "Abs", {b_.part("difference", "Sub", {next, in()})});
    const Value width =
        b_.part("width", "Cast",
                {b_.part("width_shape", "Shape", {in()}, {attribute("start", int64_t(3))})},
                {attribute("to", int64_t(onnx::TensorProto::FLOAT))});
    const Value one = b_.scalar("one", 1);
    const Value pairs = b_.part("pairs", "Max", {b_.part("steps", "Sub", {width, one}), one});
    return b_.part("gradient", "Mul",
                   {mean("mean_step", step, frame_axes), b_.part("widen", "Div", {width, pairs})});
  }

  void describe_values(const std::vector<bool>& needed) {
    onnx::GraphProto& graph = b_.graph();
    describe(input_name, extents_.front(), *graph.add_input());
    describe(output_name, extents_.back(), *graph.add_output());
    for (NodeId id = 1; id <= graph_.output(); ++id) {
      const bool is_side = std::holds_alternative<SideInput>(graph_.node(id).op);
      if (is_side && needed[size_t(id)])
        describe(side_input_name(graph_.node(id)), extents_[size_t(id)], *graph.add_input());
      else if (needed[size_t(id)] && id < graph_.output())
        describe(values_[size_t(id)].name, extents_[size_t(id)], *graph.add_value_info());
    }
  }

  const Graph& graph_;
  const SideRanges& ranges_;
  const std::vector<Extent> extents_;
  OnnxBuilder b_;
  std::vector<Value> values_;
  NodeId id_ = 0;
};

/// The least multiple of `unit` with which a side has `wanted` rows or columns; nothing where it
/// never has.
int64_t least_input(const Side& side, int64_t wanted, int64_t unit) {
  if (side.fixed) return side.size >= wanted ? unit : 0;
  const int64_t input = (wanted * side.divisor + side.factor - 1) / side.factor;
  return (input + unit - 1) / unit * unit;
}

}  // namespace

SmallestFrame smallest_onnx_frame(const Graph& graph) {
  const int64_t unit = size_multiple(graph);
  const auto needed = needed_nodes(graph);
  const auto extents = extents_of(graph);
  SmallestFrame frame{unit, unit};
  for (NodeId id = 0; id <= graph.output(); ++id) {
    const Node& node = graph.node(id);
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (!needed[size_t(id)] || conv == nullptr || !mirrors(conv->padding)) continue;
    const Extent& in = extents[size_t(node.inputs.front())];
    const int64_t reach = conv->kernel / 2 + 1;
    const int64_t height = least_input(in.height, reach, unit);
    const int64_t width = least_input(in.width, reach, unit);
    if (height == 0 || width == 0)
      fail("node '{}' mirrors a frame of {}x{} by {}, ONNX at most to its other edge", node.name,
           in.height.size, in.width.size, reach - 1);
    frame.height = std::max(frame.height, height);
    frame.width = std::max(frame.width, width);
  }
  return frame;
}

OnnxBuilder translate_to_onnx(const Graph& graph, const SideRanges& ranges) {
  return Translator(graph, ranges).translate();
}

}  // namespace hyperconv
