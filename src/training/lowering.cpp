#include "training/lowering.hpp"

#include <algorithm>
#include <optional>

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "engine/plan.hpp"
#include "hyperconv/torch/hyper_conv2d.hpp"
#include "training/batch_conv2d.hpp"

namespace hyperconv {
namespace {

/// One node's weights by role; an absent one is an undefined tensor.
struct NodeWeights {
  torch::Tensor filter, bias, scale, slope, a1, a1_bias, a2, constant;
  size_t a2_index = 0;          ///< of a2 among the network's parameters
  ProductTape* tape = nullptr;  ///< where a2 leaves its gradient; null: in its grad()

  void set(ParameterRole role, const torch::Tensor& value, size_t index) {
    switch (role) {
      case ParameterRole::filter:
        filter = value;
        return;
      case ParameterRole::bias:
        bias = value;
        return;
      case ParameterRole::scale:
        scale = value;
        return;
      case ParameterRole::slope:
        slope = value;
        return;
      case ParameterRole::hyper_in:
        a1 = value;
        return;
      case ParameterRole::hyper_in_bias:
        a1_bias = value;
        return;
      case ParameterRole::hyper_out:
        a2 = value;
        a2_index = index;
        return;
      case ParameterRole::hyper_constant:
        constant = value;
        return;
    }
  }
};

torch::Tensor encoding(const HyperConv2d& op, const std::vector<torch::Tensor>& in,
                       const NodeWeights& w) {
  switch (op.conditioning) {
    case Conditioning::layer:
      // As a sum: the slope of mean() would be written for every pixel before it is added.
      return nn::encode_means(in[0].sum({2, 3}) / double(in[0].size(2) * in[0].size(3)));
    case Conditioning::image:
      return in[1].flatten(1);
    case Conditioning::constant:
      return w.constant.unsqueeze(0);
  }
  fail("unknown conditioning");
}

torch::Tensor rectified(const torch::Tensor& x, Rectifier rectifier) {
  switch (rectifier) {
    case Rectifier::none:
      return x;
    case Rectifier::relu:
      return torch::relu(x);
    case Rectifier::leaky_relu:
      return torch::leaky_relu(x, leaky_slope);
  }
  fail("unknown rectifier");
}

/// Stride 1 and zero padding; filters [out,C,k,k], or of their own for every sample.
torch::Tensor convolved(const torch::Tensor& x, const torch::Tensor& filters,
                        const torch::Tensor& bias, Rectifier rectifier) {
  if (suits_batch_conv2d(x, filters)) return batch_conv2d(x, filters, bias, rectifier);
  const torch::Tensor y = filters.dim() == 5
                              ? nn::per_sample_conv2d(x, filters, bias)
                              : torch::conv2d(x, filters, bias, 1, (filters.size(3) - 1) / 2);
  return rectified(y, rectifier);
}

torch::Tensor hyper_conv2d(const HyperConv2d& op, const std::vector<torch::Tensor>& in,
                           const NodeWeights& w, Rectifier rectifier) {
  const torch::Tensor hidden = nn::hidden_layer(encoding(op, in, w), w.a1, w.a1_bias);
  const torch::Tensor change = w.tape != nullptr ? w.tape->product(w.a2_index, hidden, w.a2)
                                                 : torch::matmul(hidden, w.a2.t());
  const torch::Tensor filters = nn::filters_around(w.filter, change);
  // A constant's are the same for all samples.
  return convolved(in[0], filters.size(0) == 1 ? filters[0] : filters, w.bias, rectifier);
}

/// Indices -border .. size + border - 1 of a frame that is mirrored at its edges for ever.
torch::Tensor reflected(int64_t size, int64_t border) {
  const int64_t period = std::max<int64_t>(2 * (size - 1), 1);
  const torch::Tensor phase =
      torch::arange(-border, size + border, torch::kInt64).remainder(period);
  return torch::minimum(phase, period - phase).clamp_max(size - 1);
}

/// With a border of the frame mirrored at its edges.
torch::Tensor mirrored(const torch::Tensor& x, int64_t border) {
  // libtorch's own reflection takes no frame that is smaller than the border.
  if (x.size(2) > border && x.size(3) > border)
    return torch::reflection_pad2d(x, {border, border, border, border});
  return x.index_select(2, reflected(x.size(2), border))
      .index_select(3, reflected(x.size(3), border));
}

torch::Tensor conv2d(const Conv2d& op, const torch::Tensor& x, const NodeWeights& w,
                     Rectifier rectifier) {
  const int64_t border = (op.kernel - 1) / 2;
  switch (op.padding) {
    case Padding::zero:
      if (op.stride == 1) {
        const torch::Tensor bias =
            w.bias.defined() ? w.bias : torch::zeros({op.out_channels}, x.options());
        return convolved(x, w.filter, bias, rectifier);
      }
      return rectified(torch::conv2d(x, w.filter, w.bias, op.stride, border), rectifier);
    case Padding::reflect:
      return rectified(torch::conv2d(mirrored(x, border), w.filter, w.bias, op.stride), rectifier);
  }
  fail("unknown padding");
}

/// 2x2 with stride 2: four 1x1 convolutions, whose outputs are the four pixels of a square.
torch::Tensor conv_transpose2d(const torch::Tensor& x, const NodeWeights& w) {
  const int64_t channels = w.filter.size(0), out = w.filter.size(1);
  const torch::Tensor filters = w.filter.permute({2, 3, 1, 0}).reshape({4 * out, channels, 1, 1});
  if (!suits_batch_conv2d(x, filters)) return torch::conv_transpose2d(x, w.filter, w.bias, 2);
  const torch::Tensor squares = batch_conv2d(x, filters, w.bias.repeat({4}), Rectifier::none);
  const int64_t n = x.size(0), height = x.size(2), width = x.size(3);
  // [N,h,w,dy,dx,out] -> [N,h,dy,w,dx,out]: the channels stay side by side.
  return squares.permute({0, 2, 3, 1})
      .view({n, height, width, 2, 2, out})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({n, 2 * height, 2 * width, out})
      .permute({0, 3, 1, 2});
}

torch::Tensor bilinear(const Bilinear2d& op, const std::vector<torch::Tensor>& in) {
  const std::vector<int64_t> size =
      in.size() == 2 ? std::vector<int64_t>{in[1].size(2), in[1].size(3)}
                     : std::vector<int64_t>{2 * in[0].size(2), 2 * in[0].size(3)};
  return torch::upsample_bilinear2d(in[0], size, op.align_corners);
}

torch::Tensor attention_pool(const torch::Tensor& x, const torch::Tensor& mask) {
  const torch::Tensor weights = torch::softmax(mask.flatten(1), 1).unsqueeze(2);  // [N,HW,1]
  return torch::matmul(x.flatten(2), weights).unsqueeze(3);
}

/// Every second pixel from (dy, dx) on.
torch::Tensor phase(const torch::Tensor& x, int64_t dy, int64_t dx) {
  return x.slice(2, dy, c10::nullopt, 2).slice(3, dx, c10::nullopt, 2);
}

torch::Tensor haar_synthesis(const torch::Tensor& x) {
  const auto bands = (x / 2).chunk(4, 1);
  const auto &ll = bands[0], &hl = bands[1], &lh = bands[2], &hh = bands[3];
  // Pixel (dy, dx) as channel 4 c + 2 dy + dx: what pixel_shuffle wants.
  const torch::Tensor pixels =
      torch::stack({ll - hl - lh + hh, ll + hl - lh - hh, ll - hl + lh - hh, ll + hl + lh + hh}, 2);
  return torch::pixel_shuffle(pixels.flatten(1, 2), 2);
}

torch::Tensor haar(const Haar2d& op, const torch::Tensor& x) {
  const torch::Tensor half = x / 2;
  const auto pixel = [&](int64_t dy, int64_t dx) { return phase(half, dy, dx); };
  const auto low = [&] { return pixel(0, 0) + pixel(0, 1) + pixel(1, 0) + pixel(1, 1); };
  switch (op.kind) {
    case HaarKind::low:
      return low();
    case HaarKind::analysis: {
      const torch::Tensor a = pixel(0, 0), b = pixel(0, 1), c = pixel(1, 0), d = pixel(1, 1);
      return torch::cat({low(), b + d - a - c, c + d - a - b, a + d - b - c}, 1);
    }
    case HaarKind::synthesis:
      return haar_synthesis(x);
  }
  fail("unknown Haar transform");
}

torch::Tensor activation(const Activation& op, const torch::Tensor& x) {
  switch (op.kind) {
    case ActivationKind::relu:
      return torch::relu(x);
    case ActivationKind::leaky_relu:
      return torch::leaky_relu(x, 0.2);
    case ActivationKind::sigmoid:
      return torch::sigmoid(x);
    case ActivationKind::tanh:
      return torch::tanh(x);
  }
  fail("unknown activation");
}

/// Mean 0 and variance 1 over these dimensions.
torch::Tensor normalised(const torch::Tensor& x, const std::vector<int64_t>& over) {
  const torch::Tensor centred = x - x.mean(over, true);
  return centred * torch::rsqrt(centred.square().mean(over, true) + 1e-5);
}

torch::Tensor norm(const Norm2d& op, const torch::Tensor& x, const NodeWeights& w) {
  const torch::Tensor scale = w.scale.view({1, -1, 1, 1}), bias = w.bias.view({1, -1, 1, 1});
  switch (op.kind) {
    case NormKind::instance:
      return normalised(x, {2, 3}) * scale + bias;
    case NormKind::layer:
      return normalised(x, {1, 2, 3}) * scale + bias;
    case NormKind::folded:
      return x * scale + bias;
  }
  fail("unknown normalisation");
}

const torch::Tensor& side_input(const Node& node, const TorchSideInputs& side) {
  const auto found = side.find(node.name);
  if (found == side.end())
    fail("the network needs the side input '{}', which its data do not have", node.name);
  return found->second;
}

/// A node's value; `rectifier` is what a convolution applies to its own (rectifiers_of()).
torch::Tensor run(const Node& node, const std::vector<torch::Tensor>& in, const NodeWeights& w,
                  Rectifier rectifier) {
  return std::visit(
      Overloaded{
          [&](const Input&) { return in[0]; },
          [&](const SideInput&) { return in[0]; },
          [&](const Conv2d& op) { return conv2d(op, in[0], w, rectifier); },
          [&](const HyperConv2d& op) { return hyper_conv2d(op, in, w, rectifier); },
          [&](const ConvTranspose2d&) { return conv_transpose2d(in[0], w); },
          [&](const AveragePool2d&) { return torch::avg_pool2d(in[0], 2); },
          [&](const MaxPool2d&) { return torch::max_pool2d(in[0], 2); },
          [&](const AdaptiveAveragePool2d& op) {
            return torch::adaptive_avg_pool2d(in[0], {op.size, op.size});
          },
          [&](const AttentionPool&) { return attention_pool(in[0], in[1]); },
          [&](const Bilinear2d& op) { return bilinear(op, in); },
          [&](const Haar2d& op) { return haar(op, in[0]); },
          [&](const Upsample2d&) {
            return torch::upsample_nearest2d(in[0], {2 * in[0].size(2), 2 * in[0].size(3)});
          },
          [&](const PixelShuffle& op) { return torch::pixel_shuffle(in[0], op.factor); },
          [&](const Concat&) { return torch::cat(in, 1); },
          [&](const Add&) { return in[0] + in[1]; },
          [&](const Multiply&) { return in[0] * in[1]; },
          [&](const Activation& op) { return activation(op, in[0]); },
          [&](const PRelu&) { return torch::prelu(in[0], w.slope); },
          [&](const Norm2d& op) { return norm(op, in[0], w); },
          [&](const PhotoDescriptor&) {
            return nn::photo_descriptor(in[0]).unsqueeze(2).unsqueeze(3);
          },
      },
      node.op);
}

bool is_convolution(const Operator& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<HyperConv2d>(op);
}

/// What each convolution applies to its own output: the activation that alone reads it, which then
/// has nothing left to do. A pass over memory less, forward and backward.
std::vector<Rectifier> rectifiers_of(const Graph& graph) {
  std::vector<int> readers(graph.nodes().size());
  for (const Node& node : graph.nodes())
    for (const NodeId source : node.inputs) ++readers[size_t(source)];
  std::vector<Rectifier> rectifiers(graph.nodes().size(), Rectifier::none);
  for (const Node& node : graph.nodes()) {
    const auto rectifier = rectifier_of(node.op);
    if (!rectifier) continue;
    const NodeId source = node.inputs[0];
    if (is_convolution(graph.node(source).op) && readers[size_t(source)] == 1)
      rectifiers[size_t(source)] = *rectifier;
  }
  return rectifiers;
}

/// Number of the last node that needs each node's output.
std::vector<NodeId> last_uses(const Graph& graph) {
  std::vector<NodeId> last(graph.nodes().size(), graph.output());
  const auto needed = needed_nodes(graph);
  for (NodeId id = 0; id <= graph.output(); ++id)
    if (needed[size_t(id)])
      for (const NodeId source : graph.node(id).inputs) last[size_t(source)] = id;
  return last;
}

}  // namespace

LoweredNetwork::LoweredNetwork(const Model& model, torch::Device device)
    : graph_(model.graph()), parameters_(hyperconv::parameters(graph_)) {
  for (const Parameter& p : parameters_) {
    std::vector<float> values = model.weight(p.name).to_float();
    const torch::Tensor view = torch::from_blob(values.data(), p.dims, torch::kFloat32);
    weights_.push_back(view.to(device, torch::kFloat32, false, true).requires_grad_(true));
  }
}

torch::Tensor LoweredNetwork::forward(const torch::Tensor& input, ProductTape* tape,
                                      const TorchSideInputs& side) const {
  return forward_with(weights_, input, tape, side);
}

torch::Tensor LoweredNetwork::forward_with(const std::vector<torch::Tensor>& values_of,
                                           const torch::Tensor& input, ProductTape* tape,
                                           const TorchSideInputs& side) const {
  std::vector<NodeWeights> weights(graph_.nodes().size());
  for (NodeWeights& node : weights) node.tape = tape;
  for (size_t i = 0; i < parameters_.size(); ++i)
    weights[size_t(parameters_[i].node)].set(parameters_[i].role, values_of[i], i);
  const auto last = last_uses(graph_);
  const auto needed = needed_nodes(graph_);
  const auto rectifiers = rectifiers_of(graph_);
  std::vector<torch::Tensor> values(graph_.nodes().size());
  for (NodeId id = 0; id <= graph_.output(); ++id) {
    if (!needed[size_t(id)]) continue;
    const Node& node = graph_.node(id);
    std::vector<torch::Tensor> in;
    for (const NodeId source : node.inputs) in.push_back(values[size_t(source)]);
    if (in.empty()) in.push_back(id == 0 ? input : side_input(node, side));
    const bool is_applied = !node.inputs.empty() && rectifier_of(node.op) &&
                            rectifiers[size_t(node.inputs[0])] != Rectifier::none;
    values[size_t(id)] =
        is_applied ? in[0] : run(node, in, weights[size_t(id)], rectifiers[size_t(id)]);
    // Without gradients a value that nobody needs any more is memory wasted.
    for (const NodeId source : node.inputs)
      if (last[size_t(source)] == id) values[size_t(source)].reset();
  }
  return values.back();
}

Model LoweredNetwork::to_model(const ModelInfo& info,
                               const std::vector<torch::Tensor>& weights) const {
  std::map<std::string, std::vector<float>> values;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor flat = weights[i].detach().to(torch::kCPU, torch::kFloat32).contiguous();
    values[parameters_[i].name].assign(flat.data_ptr<float>(),
                                       flat.data_ptr<float>() + flat.numel());
  }
  return {graph_, info, std::move(values)};
}

}  // namespace hyperconv
