#include "network/graph.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/fail.hpp"
#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

// Far beyond any real network, and small enough that no product of sizes overflows 64 bits.
constexpr int largest_channels = 1 << 16;
constexpr int largest_kernel = 31;
constexpr int largest_hidden = 1 << 20;
constexpr int largest_factor = 16;
constexpr int largest_pool = 16;
constexpr int64_t largest_side = int64_t(1) << 24;

/// A node while it is being checked, and its name for messages.
struct CheckedNode {
  const Node& node;

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("node '{}' ({}): {}", node.name, operator_name(node.op),
         fmt::format(format, std::forward<Args>(args)...));
  }

  void require_range(const char* field, int value, int least, int most) const {
    if (value < least || value > most)
      refuse("{} is {}, must be {} to {}", field, value, least, most);
  }

  void require_kernel(int kernel) const {
    require_range("kernel", kernel, 1, largest_kernel);
    if (kernel % 2 == 0) refuse("kernel is {}, must be odd", kernel);
  }
};

void check_fields(const CheckedNode& subject) {
  std::visit(Overloaded{
                 [&](const Input& op) {
                   subject.require_range("channels", op.channels, 1, largest_channels);
                 },
                 [&](const SideInput& op) {
                   subject.require_range("channels", op.channels, 1, largest_channels);
                 },
                 [&](const Conv2d& op) {
                   subject.require_range("out_channels", op.out_channels, 1, largest_channels);
                   subject.require_kernel(op.kernel);
                   subject.require_range("stride", op.stride, 1, 2);
                 },
                 [&](const HyperConv2d& op) {
                   subject.require_range("out_channels", op.out_channels, 1, largest_channels);
                   subject.require_kernel(op.kernel);
                   subject.require_range("hidden", op.hidden, 1, largest_hidden);
                   subject.require_range("constant_size", op.constant_size, 1, largest_channels);
                 },
                 [&](const ConvTranspose2d& op) {
                   subject.require_range("out_channels", op.out_channels, 1, largest_channels);
                 },
                 [&](const PixelShuffle& op) {
                   subject.require_range("factor", op.factor, 2, largest_factor);
                 },
                 [&](const AdaptiveAveragePool2d& op) {
                   subject.require_range("size", op.size, 1, largest_pool);
                 },
                 [](const AveragePool2d&) {},
                 [](const MaxPool2d&) {},
                 [](const AttentionPool&) {},
                 [](const Upsample2d&) {},
                 [](const Bilinear2d&) {},
                 [](const Haar2d&) {},
                 [](const Concat&) {},
                 [](const Add&) {},
                 [](const Multiply&) {},
                 [](const Activation&) {},
                 [](const PRelu&) {},
                 [](const Norm2d&) {},
                 [](const PhotoDescriptor&) {},
             },
             subject.node.op);
}

int input_count(Conditioning conditioning) {
  switch (conditioning) {
    case Conditioning::image:
      return 2;
    case Conditioning::layer:
    case Conditioning::constant:
      return 1;
  }
  return 0;
}

void check_input_count(const CheckedNode& subject) {
  const auto count = int(subject.node.inputs.size());
  const auto exactly = [&](int wanted) {
    if (count != wanted) subject.refuse("has {} inputs, takes {}", count, wanted);
  };
  std::visit(Overloaded{
                 [&](const Input&) { exactly(0); },
                 [&](const SideInput&) { exactly(0); },
                 [&](const HyperConv2d& op) { exactly(input_count(op.conditioning)); },
                 [&](const Concat&) {
                   if (count < 2) subject.refuse("has {} inputs, takes two or more", count);
                 },
                 [&](const Bilinear2d&) {
                   if (count < 1 || count > 2)
                     subject.refuse("has {} inputs, takes one or two", count);
                 },
                 [&](const Add&) { exactly(2); },
                 [&](const Multiply&) { exactly(2); },
                 [&](const AttentionPool&) { exactly(2); },
                 [&](const Conv2d&) { exactly(1); },
                 [&](const ConvTranspose2d&) { exactly(1); },
                 [&](const AveragePool2d&) { exactly(1); },
                 [&](const MaxPool2d&) { exactly(1); },
                 [&](const AdaptiveAveragePool2d&) { exactly(1); },
                 [&](const Upsample2d&) { exactly(1); },
                 [&](const Haar2d&) { exactly(1); },
                 [&](const PixelShuffle&) { exactly(1); },
                 [&](const Activation&) { exactly(1); },
                 [&](const PRelu&) { exactly(1); },
                 [&](const Norm2d&) { exactly(1); },
                 [&](const PhotoDescriptor&) { exactly(1); },
             },
             subject.node.op);
}

/// Output shape of one node from its inputs' shapes.
Shape output_shape(const CheckedNode& subject, const std::vector<Shape>& in, const Shape& input) {
  const auto resized = [&](int64_t channels, int64_t h, int64_t w) {
    if (channels < 1 || channels > largest_channels)
      subject.refuse("would have {} channels, at most {} are allowed", channels, largest_channels);
    if (h < 1 || w < 1 || h > largest_side || w > largest_side)
      subject.refuse("would have {} rows and {} columns, must be 1 to {}", h, w, largest_side);
    return Shape{input.n, channels, h, w};
  };
  const auto even = [&](const Shape& x) {
    if (x.h % 2 != 0 || x.w % 2 != 0)
      subject.refuse("got {}, takes an even number of rows and columns", to_string(x));
  };
  const auto halved = [&](const Shape& x) {
    even(x);
    return resized(x.c, x.h / 2, x.w / 2);
  };
  const auto alike = [&] {
    if (in[0] != in[1] && in[1] != Shape{in[0].n, in[0].c, 1, 1})
      subject.refuse("got {} and {}, takes equal shapes, or [N,C,1,1] as the second",
                     to_string(in[0]), to_string(in[1]));
    return in[0];
  };
  return std::visit(
      Overloaded{
          [&](const Input& op) {
            if (input.c != op.channels)
              subject.refuse("got {}, takes {} channels", to_string(input), op.channels);
            return resized(input.c, input.h, input.w);
          },
          [&](const SideInput& op) { return resized(op.channels, 1, 1); },
          [&](const Conv2d& op) {
            if (op.stride == 2) even(in[0]);
            return resized(op.out_channels, in[0].h / op.stride, in[0].w / op.stride);
          },
          [&](const HyperConv2d& op) {
            if (in.size() == 2 && (in[1].h != 1 || in[1].w != 1))
              subject.refuse("its descriptor is {}, takes [N,E,1,1]", to_string(in[1]));
            return resized(op.out_channels, in[0].h, in[0].w);
          },
          [&](const ConvTranspose2d& op) {
            return resized(op.out_channels, 2 * in[0].h, 2 * in[0].w);
          },
          [&](const AveragePool2d&) { return halved(in[0]); },
          [&](const MaxPool2d&) { return halved(in[0]); },
          [&](const AdaptiveAveragePool2d& op) { return resized(in[0].c, op.size, op.size); },
          [&](const AttentionPool&) {
            if (in[1] != Shape{in[0].n, 1, in[0].h, in[0].w})
              subject.refuse("got {} and {}, takes a mask of one channel and the first's size",
                             to_string(in[0]), to_string(in[1]));
            return resized(in[0].c, 1, 1);
          },
          [&](const Upsample2d&) { return resized(in[0].c, 2 * in[0].h, 2 * in[0].w); },
          [&](const Bilinear2d&) {
            return in.size() == 2 ? resized(in[0].c, in[1].h, in[1].w)
                                  : resized(in[0].c, 2 * in[0].h, 2 * in[0].w);
          },
          [&](const Haar2d& op) {
            switch (op.kind) {
              case HaarKind::analysis:
                even(in[0]);
                return resized(4 * in[0].c, in[0].h / 2, in[0].w / 2);
              case HaarKind::low:
                return halved(in[0]);
              case HaarKind::synthesis:
                if (in[0].c % 4 != 0)
                  subject.refuse("got {}, takes channels that are a multiple of 4",
                                 to_string(in[0]));
                return resized(in[0].c / 4, 2 * in[0].h, 2 * in[0].w);
            }
            subject.refuse("its kind is not known");
          },
          [&](const PixelShuffle& op) {
            const int64_t square = int64_t(op.factor) * op.factor;
            if (in[0].c % square != 0)
              subject.refuse("got {}, takes channels that are a multiple of {}", to_string(in[0]),
                             square);
            return resized(in[0].c / square, op.factor * in[0].h, op.factor * in[0].w);
          },
          [&](const Concat&) {
            int64_t channels = 0;
            for (const Shape& x : in) {
              if (x.h != in[0].h || x.w != in[0].w)
                subject.refuse("got {} and {}, takes equal rows and columns", to_string(in[0]),
                               to_string(x));
              channels += x.c;
            }
            return resized(channels, in[0].h, in[0].w);
          },
          [&](const Add&) { return alike(); },
          [&](const Multiply&) { return alike(); },
          [&](const Activation&) { return in[0]; },
          [&](const PRelu&) { return in[0]; },
          [&](const Norm2d&) { return in[0]; },
          [&](const PhotoDescriptor&) { return resized(3 * in[0].c, 1, 1); },
      },
      subject.node.op);
}

/// Of a node's output pixels: each is `scale` pixels of the network's input wide and depends on
/// those up to `reach` from its centre.
struct ReceptiveField {
  double scale = 1;
  double reach = 0;
};

ReceptiveField receptive_field_of(const Node& node, const std::vector<ReceptiveField>& fields) {
  ReceptiveField field;
  for (const NodeId id : node.inputs) {
    // A descriptor's scale means nothing, and HyperConv2d's second input is one.
    field.scale = id == node.inputs.front() ? fields[size_t(id)].scale : field.scale;
    field.reach = std::max(field.reach, fields[size_t(id)].reach);
  }
  const auto filter = [&](int kernel) { field.reach += (kernel - 1) / 2 * field.scale; };
  const auto coarsen = [&] {
    field.reach += 0.5 * field.scale;
    field.scale *= 2;
  };
  const auto refine = [&](int factor) {
    // The coarse pixel's centre lies off the fine one's by up to (factor-1)/2 fine pixels.
    field.scale /= factor;
    field.reach += (factor - 1) / 2.0 * field.scale;
  };
  std::visit(Overloaded{
                 [&](const Conv2d& op) {
                   filter(op.kernel);
                   // The output pixel is the first of the two it stands for.
                   if (op.stride == 2) coarsen();
                 },
                 [&](const HyperConv2d& op) { filter(op.kernel); },
                 [&](const ConvTranspose2d&) { refine(2); },
                 [&](const Upsample2d&) { refine(2); },
                 [&](const PixelShuffle& op) { refine(op.factor); },
                 [&](const AveragePool2d&) { coarsen(); },
                 [&](const MaxPool2d&) { coarsen(); },
                 [&](const Haar2d& op) {
                   switch (op.kind) {
                     case HaarKind::analysis:
                     case HaarKind::low:
                       return coarsen();
                     case HaarKind::synthesis:
                       return refine(2);
                   }
                 },
                 [&](const Bilinear2d&) {
                   if (node.inputs.size() == 2) {
                     field.scale = fields[size_t(node.inputs[1])].scale;
                   } else {
                     // A quarter of a coarse pixel, as for refine(), and the neighbour one further.
                     field.reach += 1.25 * field.scale;
                     field.scale /= 2;
                   }
                 },
                 // Statistics depend on the whole frame.
                 [&](const AdaptiveAveragePool2d&) { field = ReceptiveField{}; },
                 [&](const AttentionPool&) { field = ReceptiveField{}; },
                 [&](const PhotoDescriptor&) { field = ReceptiveField{}; },
                 [](const Input&) {},
                 [](const SideInput&) {},
                 [](const Concat&) {},
                 [](const Add&) {},
                 [](const Multiply&) {},
                 [](const Activation&) {},
                 [](const PRelu&) {},
                 [](const Norm2d&) {},
             },
             node.op);
  return field;
}

/// The fewest pixels of the input that are a whole number of pixels `scale` as large: 8 for 8 / 3.
int64_t pixels_for_whole_ones(double scale) {
  constexpr int64_t most = 1 << 16;
  // One pixel is whole fine ones.
  if (const double fine = 1 / scale; scale <= 1 && std::abs(fine - std::round(fine)) < 1e-6 * fine)
    return 1;
  for (int64_t count = 1; count <= most; ++count) {
    const double pixels = scale * double(count);
    if (pixels > 2 * double(most)) break;
    if (std::abs(pixels - std::round(pixels)) < 1e-6 && pixels > 0.5) return std::llround(pixels);
  }
  fail("the network's layers are {} of its input's pixels apart, which no size divides into",
       scale);
}

std::vector<ReceptiveField> receptive_fields_of(const Graph& graph) {
  std::vector<ReceptiveField> fields;
  for (const Node& node : graph.nodes()) fields.push_back(receptive_field_of(node, fields));
  return fields;
}

/// Length of enc(s).
int64_t encoding_size(const HyperConv2d& op, const std::vector<Shape>& in) {
  switch (op.conditioning) {
    case Conditioning::layer:
      return in[0].c + 1;
    case Conditioning::image:
      return in[1].c;
    case Conditioning::constant:
      return op.constant_size;
  }
  return 0;
}

void append_parameters(const Node& node, NodeId id, const std::vector<Shape>& in,
                       std::vector<Parameter>& all) {
  const auto add = [&](const char* suffix, std::vector<int64_t> dims, ParameterRole role) {
    all.push_back({node.name + suffix, std::move(dims), role, id});
  };
  std::visit(
      Overloaded{
          [&](const Conv2d& op) {
            add(".weight", {op.out_channels, in[0].c, op.kernel, op.kernel}, ParameterRole::filter);
            if (op.bias) add(".bias", {op.out_channels}, ParameterRole::bias);
          },
          [&](const HyperConv2d& op) {
            const int64_t filter = op.out_channels * in[0].c * op.kernel * op.kernel;
            const int64_t encoding = encoding_size(op, in);
            add(".weight", {op.out_channels, in[0].c, op.kernel, op.kernel}, ParameterRole::filter);
            add(".bias", {op.out_channels}, ParameterRole::bias);
            add(".a1.weight", {op.hidden, encoding}, ParameterRole::hyper_in);
            add(".a1.bias", {op.hidden}, ParameterRole::hyper_in_bias);
            add(".a2.weight", {filter, op.hidden}, ParameterRole::hyper_out);
            if (op.conditioning == Conditioning::constant)
              add(".s", {op.constant_size}, ParameterRole::hyper_constant);
          },
          [&](const ConvTranspose2d& op) {
            add(".weight", {in[0].c, op.out_channels, 2, 2}, ParameterRole::filter);
            add(".bias", {op.out_channels}, ParameterRole::bias);
          },
          [&](const PRelu&) { add(".weight", {1}, ParameterRole::slope); },
          [&](const Norm2d&) {
            add(".weight", {in[0].c}, ParameterRole::scale);
            add(".bias", {in[0].c}, ParameterRole::bias);
          },
          [](const Input&) {},
          [](const SideInput&) {},
          [](const AveragePool2d&) {},
          [](const MaxPool2d&) {},
          [](const AdaptiveAveragePool2d&) {},
          [](const AttentionPool&) {},
          [](const Upsample2d&) {},
          [](const Bilinear2d&) {},
          [](const Haar2d&) {},
          [](const PixelShuffle&) {},
          [](const Concat&) {},
          [](const Add&) {},
          [](const Multiply&) {},
          [](const Activation&) {},
          [](const PhotoDescriptor&) {},
      },
      node.op);
}

std::vector<Shape> shapes_of_inputs(const Node& node, const std::vector<Shape>& shapes) {
  std::vector<Shape> in;
  for (const NodeId id : node.inputs) in.push_back(shapes[size_t(id)]);
  return in;
}

}  // namespace

std::string operator_name(const Operator& op) {
  return std::visit(Overloaded{
                        [](const Input&) { return "input"; },
                        [](const SideInput&) { return "side_input"; },
                        [](const Conv2d&) { return "conv2d"; },
                        [](const HyperConv2d&) { return "hyper_conv2d"; },
                        [](const ConvTranspose2d&) { return "conv_transpose2d"; },
                        [](const AveragePool2d&) { return "average_pool2d"; },
                        [](const MaxPool2d&) { return "max_pool2d"; },
                        [](const AdaptiveAveragePool2d&) { return "adaptive_average_pool2d"; },
                        [](const AttentionPool&) { return "attention_pool"; },
                        [](const Upsample2d&) { return "upsample2d"; },
                        [](const Bilinear2d&) { return "bilinear2d"; },
                        [](const Haar2d&) { return "haar2d"; },
                        [](const PixelShuffle&) { return "pixel_shuffle"; },
                        [](const Concat&) { return "concat"; },
                        [](const Add&) { return "add"; },
                        [](const Multiply&) { return "multiply"; },
                        [](const Activation&) { return "activation"; },
                        [](const PRelu&) { return "prelu"; },
                        [](const Norm2d&) { return "norm2d"; },
                        [](const PhotoDescriptor&) { return "photo_descriptor"; },
                    },
                    op);
}

NodeId Graph::add(std::string name, Operator op, std::vector<NodeId> inputs) {
  const Node node{std::move(name), op, std::move(inputs)};
  const CheckedNode subject{node};
  if (node.name.empty()) subject.refuse("has no name");
  for (const Node& other : nodes_)
    if (other.name == node.name) subject.refuse("its name is taken");
  if (std::holds_alternative<Input>(node.op) != nodes_.empty())
    subject.refuse("the first node and no other must be the input");
  for (const NodeId id : node.inputs)
    if (id < 0 || id >= NodeId(nodes_.size()))
      subject.refuse("input {} does not exist; {} nodes stand before it", id, nodes_.size());
  check_input_count(subject);
  check_fields(subject);
  nodes_.push_back(node);
  return output();
}

std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input) {
  std::vector<Shape> shapes;
  for (const Node& node : graph.nodes())
    shapes.push_back(output_shape({node}, shapes_of_inputs(node, shapes), input));
  return shapes;
}

void check_side_inputs(const Graph& graph, const SideInputs& side, int64_t samples) {
  std::set<std::string> known;
  for (const Node& node : graph.nodes()) {
    const auto* op = std::get_if<SideInput>(&node.op);
    if (op == nullptr) continue;
    known.insert(node.name);
    const Shape wanted{samples, op->channels, 1, 1};
    const auto found = side.find(node.name);
    if (found == side.end())
      fail("the network needs the side input '{}', {}", node.name, to_string(wanted));
    if (found->second.shape() != wanted)
      fail("the side input '{}' is {}, the network takes {}", node.name,
           to_string(found->second.shape()), to_string(wanted));
  }
  for (const auto& [name, value] : side)
    if (!known.contains(name)) fail("the network has no side input '{}'", name);
}

SideInputs neutral_side_inputs(const Graph& graph, int64_t samples) {
  SideInputs side;
  for (const Node& node : graph.nodes())
    if (const auto* op = std::get_if<SideInput>(&node.op))
      side[node.name] = Tensor({samples, op->channels, 1, 1});
  return side;
}

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size());
  if (graph.empty()) return needed;
  needed.back() = true;
  needed.front() = true;  // the input always exists, whether it is read or not
  for (NodeId id = graph.output(); id > 0; --id)
    if (needed[size_t(id)])
      for (const NodeId source : graph.node(id).inputs) needed[size_t(source)] = true;
  return needed;
}

bool mirrors(Padding padding) {
  switch (padding) {
    case Padding::zero:
      return false;
    case Padding::reflect:
      return true;
  }
  return false;
}

int size_multiple(const Graph& graph) {
  int64_t multiple = 1;
  for (const ReceptiveField& field : receptive_fields_of(graph)) {
    multiple = std::lcm(multiple, pixels_for_whole_ones(field.scale));
    if (multiple > 1 << 16) fail("the network takes inputs in multiples of {} pixels", multiple);
  }
  return int(multiple);
}

int receptive_field(const Graph& graph) {
  return int(2 * receptive_fields_of(graph).back().reach) + 1;
}

int64_t Parameter::count() const {
  int64_t product = 1;
  for (const int64_t extent : dims) product *= extent;
  return product;
}

std::vector<Parameter> parameters(const Graph& graph) {
  if (graph.empty()) return {};
  const int side = size_multiple(graph);
  const int channels = std::get<Input>(graph.node(0).op).channels;
  const auto shapes = infer_shapes(graph, {1, channels, side, side});
  std::vector<Parameter> all;
  for (NodeId id = 0; id <= graph.output(); ++id)
    append_parameters(graph.node(id), id, shapes_of_inputs(graph.node(id), shapes), all);
  return all;
}

}  // namespace hyperconv
