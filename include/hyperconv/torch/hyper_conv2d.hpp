// HyperConvolution for any libtorch program: a convolution whose filters are predicted from its
// input, for every sample anew. This file needs libtorch (1.13 or 2.x), C++17 and nothing else of
// hyperconv: copy it, or put hyperconv's include/ on the include path.
//
//     torch::nn::Sequential net(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).padding(1)),
//                               torch::nn::ReLU(), hyperconv::nn::HyperConv2d(16, 16, 3), ...);
//     const torch::optim::AdamOptions options(1e-3);
//     torch::optim::Adam adam(hyperconv::nn::parameter_groups(*net, options), options);
//
// The layer, for x [N,C,H,W]:
//     s = conditioning(x);  e = enc(s)                      [N,E]
//     W = W0 + A2 relu(A1 e + a1)                           [N,out,C,k,k]
//     y = conv2d(x, W) + b                                  [N,out,H,W], zero padding (k-1)/2
//
// Sources. The layer is a reconstruction from the abstract and the poster of L. K. Muller,
// "Overparametrization of HyperNetworks at Fixed FLOP-Count Enables Fast Neural Image Enhancement"
// (2021, arXiv 2105.08470). That enc must keep the size of the filters independent of the size of
// the input: Gonzalez Ortiz, Guttag, Dalca, "Magnitude Invariant Parametrizations Improve
// Hypernetwork Learning" (2023, arXiv 2304.07645); this form of it is ours. A2's first values:
// hyperfan-in of Chang, Flokas, Lipson, "Principled Weight Initialization for Hypernetworks" (ICLR
// 2020). W0's: He et al., "Delving Deep into Rectifiers" (2015).
//
// Training. A2 turns a few numbers into all filters, so that a step of the usual length moves the
// filters far: let it learn at a fifth of the rate (parameter_groups), warm up, and clip gradients.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <ostream>
#include <unordered_set>
#include <utility>
#include <vector>

namespace hyperconv::nn {

/// Where the filters come from.
enum class Conditioning {
  layer,    ///< the mean of each channel of the layer's own input over the frame
  image,    ///< a vector that the caller gives, like photo_descriptor(photo): one for all layers
  constant  ///< a learned vector: filters do not depend on the input (a control)
};

/// Length of photo_descriptor's vectors.
inline int64_t photo_descriptor_size(int64_t channels) { return 3 * channels; }

/// Three numbers a channel that tell the light and the noise of a photo, x [N,C,H,W] -> [N,3C]:
///     f(v) = (ln(max(v, 0) + 1e-4) + 4) / 4        about [-1,1] for samples in [0,1]
///     channel c: f(mean x) ; C + c: f(std x) ; 2C + c: f(mean |x[y,x+1]-x[y,x]| over all rows)
/// std divides by H*W, the mean gradient by H*(W-1); for W = 1 the gradient is 0.
inline torch::Tensor photo_descriptor(const torch::Tensor& x) {
  const auto f = [](const torch::Tensor& v) { return (torch::log(v.clamp_min(0) + 1e-4) + 4) / 4; };
  const torch::Tensor mean = x.mean({2, 3});
  const torch::Tensor deviation = (x - mean.unsqueeze(2).unsqueeze(3)).square().mean({2, 3}).sqrt();
  const int64_t w = x.size(3);
  const torch::Tensor gradient =
      w > 1 ? (x.narrow(3, 1, w - 1) - x.narrow(3, 0, w - 1)).abs().mean({2, 3})
            : torch::zeros_like(mean);
  return torch::cat({f(mean), f(deviation), f(gradient)}, 1);
}

/// enc(s) of a layer's means, [N,C] -> [N,C+1]: s / r joined with tanh(log(r) / 4), where
/// r = rms(s) + 1e-6 (a black frame has s = 0).
inline torch::Tensor encode_means(const torch::Tensor& s) {
  // The tiny term keeps the root's slope finite for a black frame.
  const torch::Tensor r = (s.square().mean(1, true) + 1e-24).sqrt() + 1e-6;
  return torch::cat({s / r, torch::tanh(torch::log(r) / 4)}, 1);
}

/// relu(A1 e + a1): e [N,E], A1 [hidden,E], a1 [hidden] -> [N,hidden].
inline torch::Tensor hidden_layer(const torch::Tensor& e, const torch::Tensor& a1_weight,
                                  const torch::Tensor& a1_bias) {
  return torch::relu(torch::addmm(a1_bias, e, a1_weight.t()));
}

/// W0 + change: W0 [out,C,k,k], change [N,out*C*k*k] -> [N,out,C,k,k].
inline torch::Tensor filters_around(const torch::Tensor& w0, const torch::Tensor& change) {
  return w0.unsqueeze(0) +
         change.reshape({change.size(0), w0.size(0), w0.size(1), w0.size(2), w0.size(3)});
}

/// W0 + A2 relu(A1 e + a1): e [N,E], A1 [hidden,E], a1 [hidden], A2 [out*C*k*k,hidden] and W0
/// [out,C,k,k] -> [N,out,C,k,k].
inline torch::Tensor predict_filters(const torch::Tensor& e, const torch::Tensor& a1_weight,
                                     const torch::Tensor& a1_bias, const torch::Tensor& a2_weight,
                                     const torch::Tensor& w0) {
  const torch::Tensor hidden = hidden_layer(e, a1_weight, a1_bias);
  return filters_around(w0, torch::matmul(hidden, a2_weight.t()));
}

/// y[n] = conv2d(x[n], filters[n]) + bias, zero padding (k-1)/2, k odd: x [N,C,H,W], filters
/// [N,out,C,k,k] or, the same for all samples, [1,out,C,k,k], bias [out] -> [N,out,H,W].
inline torch::Tensor per_sample_conv2d(const torch::Tensor& x, const torch::Tensor& filters,
                                       const torch::Tensor& bias) {
  const int64_t n = x.size(0), out = filters.size(1), k = filters.size(3);
  if (filters.size(0) == 1) return torch::conv2d(x, filters[0], bias, 1, (k - 1) / 2);
  TORCH_CHECK(filters.size(0) == n, "per_sample_conv2d: ", filters.size(0), " filters for ", n,
              " samples");
  // One grouped convolution, a group a sample. Measured against a loop over samples and against
  // unfold + bmm at 16..64 channels: 1.1 to 2.6 and 4 to 10 times faster, and never far from an
  // ordinary convolution of the same size.
  const torch::Tensor y = torch::conv2d(x.reshape({1, n * x.size(1), x.size(2), x.size(3)}),
                                        filters.reshape({n * out, filters.size(2), k, k}),
                                        bias.repeat({n}), 1, (k - 1) / 2, 1, n);
  return y.view({n, out, x.size(2), x.size(3)});
}

struct HyperConv2dOptions {
  HyperConv2dOptions(int64_t in_channels, int64_t out_channels, int64_t kernel_size)
      : in_channels_(in_channels), out_channels_(out_channels), kernel_size_(kernel_size) {}

  TORCH_ARG(int64_t, in_channels);
  TORCH_ARG(int64_t, out_channels);
  /// Odd.
  TORCH_ARG(int64_t, kernel_size);
  /// Width of the MLP's hidden layer: parameters grow with it, the convolution's cost does not.
  TORCH_ARG(int64_t, hidden) = 32;
  TORCH_ARG(Conditioning, conditioning) = Conditioning::layer;
  /// Length of s for `image` (photo_descriptor_size) and `constant`; `layer` has in_channels means.
  TORCH_ARG(int64_t, condition_size) = 16;
};

/// The layer. Its parameters are called as in hyperconv's model files and checkpoints: weight (W0)
/// [out,C,k,k], bias (b) [out], a1.weight [hidden,E], a1.bias [hidden], a2.weight
/// [out*C*k*k,hidden] and, for `constant`, s [condition_size]. E is C + 1 for `layer`, else
/// condition_size.
class HyperConv2dImpl : public torch::nn::Cloneable<HyperConv2dImpl> {
 public:
  HyperConv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size)
      : HyperConv2dImpl(HyperConv2dOptions(in_channels, out_channels, kernel_size)) {}

  /// Throws c10::Error for an even kernel or a size that is not positive.
  explicit HyperConv2dImpl(const HyperConv2dOptions& wanted) : options(wanted) { build(); }

  /// x [N,C,H,W] -> [N,out,H,W]. For `image`, and only for it, s [N,condition_size] or, the same
  /// for all samples, [1,condition_size]. Throws c10::Error on other shapes.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& s = {}) {
    TORCH_CHECK(x.dim() == 4 && x.size(1) == options.in_channels(), "HyperConv2d takes [N,",
                options.in_channels(), ",H,W], not ", x.sizes());
    const torch::Tensor filters =
        predict_filters(encoding(x, s), a1->weight, a1->bias, a2->weight, weight);
    return per_sample_conv2d(x, filters, bias);
  }

  /// New parameters: libtorch's clone() asks for that.
  void reset() override { build(); }

  /// Kaiming filters (He et al. 2015, for ReLU) in W0; a tenth of hyperfan-in in A2, so that step 0
  /// is nearly an ordinary convolution: Var(A2) = Var(W0) / (hidden E[a^2]), where E[a^2] = 1
  /// because enc(s) has unit size and Var(A1) = 2 / E; biases zero.
  void reset_parameters() {
    constexpr double a2_gain = 0.1;
    const double fan_in =
        double(options.in_channels() * options.kernel_size() * options.kernel_size());
    torch::nn::init::normal_(weight, 0, std::sqrt(2 / fan_in));
    torch::nn::init::zeros_(bias);
    torch::nn::init::normal_(a1->weight, 0, std::sqrt(2 / double(a1->weight.size(1))));
    torch::nn::init::zeros_(a1->bias);
    torch::nn::init::normal_(a2->weight, 0,
                             a2_gain * std::sqrt(2 / fan_in / double(options.hidden())));
    if (constant.defined()) torch::nn::init::normal_(constant);
  }

  void pretty_print(std::ostream& stream) const override {
    stream << "hyperconv::nn::HyperConv2d(" << options.in_channels() << ", "
           << options.out_channels() << ", kernel_size=" << options.kernel_size()
           << ", hidden=" << options.hidden() << ")";
  }

  HyperConv2dOptions options;
  torch::Tensor weight, bias;
  torch::Tensor constant;  ///< s of `constant`; else undefined
  torch::nn::Linear a1{nullptr}, a2{nullptr};

 protected:
  // For torch::nn::Sequential, which gives x alone.
  FORWARD_HAS_DEFAULT_ARGS({1, torch::nn::AnyValue(torch::Tensor())})

 private:
  void build() {
    const int64_t in = options.in_channels(), out = options.out_channels(),
                  k = options.kernel_size();
    TORCH_CHECK(in > 0 && out > 0 && options.hidden() > 0 && options.condition_size() > 0,
                "HyperConv2d: channels, hidden and condition_size must be positive");
    TORCH_CHECK(k > 0 && k % 2 == 1, "HyperConv2d: kernel_size must be odd, not ", k);
    weight = register_parameter("weight", torch::empty({out, in, k, k}));
    bias = register_parameter("bias", torch::empty({out}));
    if (options.conditioning() == Conditioning::constant)
      constant = register_parameter("s", torch::empty({options.condition_size()}));
    const int64_t e =
        options.conditioning() == Conditioning::layer ? in + 1 : options.condition_size();
    a1 = register_module("a1", torch::nn::Linear(e, options.hidden()));
    a2 = register_module(
        "a2", torch::nn::Linear(
                  torch::nn::LinearOptions(options.hidden(), out * in * k * k).bias(false)));
    reset_parameters();
  }

  torch::Tensor encoding(const torch::Tensor& x, const torch::Tensor& s) const {
    if (options.conditioning() != Conditioning::image) {
      TORCH_CHECK(!s.defined(), "HyperConv2d: s is for Conditioning::image only");
      return options.conditioning() == Conditioning::layer ? encode_means(x.mean({2, 3}))
                                                           : constant.unsqueeze(0);
    }
    TORCH_CHECK(s.defined(), "HyperConv2d: Conditioning::image needs forward(x, s)");
    TORCH_CHECK(s.dim() == 2 && s.size(1) == options.condition_size(), "HyperConv2d: s must be [N,",
                options.condition_size(), "], not ", s.sizes());
    return s;
  }
};

/// Holds a HyperConv2dImpl, as torch::nn::Conv2d holds its own.
TORCH_MODULE(HyperConv2d);

/// What the rate of A2 [F, hidden] is multiplied by: `rate`, and from 64 hidden values on less, as
/// 1 / hidden. Adam moves every entry by about as much, so the filters, sums over the hidden
/// values, would otherwise move with their number; with 1,110 of them a network dies in its first
/// steps (Yang & Hu 2021, arXiv 2011.14522, have such rules for every layer).
inline double hyper_out_factor(double rate, int64_t hidden) {
  constexpr double full_rate_up_to = 64;
  return rate * std::min(1.0, full_rate_up_to / double(std::max<int64_t>(hidden, 1)));
}

/// A2 of every HyperConv2d in the network.
inline std::vector<torch::Tensor> hyper_out_weights(const torch::nn::Module& network) {
  std::vector<torch::Tensor> found;
  if (const auto* hyper = network.as<HyperConv2dImpl>()) found.push_back(hyper->a2->weight);
  for (const auto& child : network.children()) {
    const auto of_child = hyper_out_weights(*child);
    found.insert(found.end(), of_child.begin(), of_child.end());
  }
  return found;
}

/// All parameters of the network for an optimiser of libtorch, in groups: the ordinary ones with
/// the given options, and each HyperConv2d's A2, at hyper_out_factor(hyper_out_rate, hidden) times
/// their learning rate. A schedule has to multiply each group's own rate.
template <class Options>
std::vector<torch::optim::OptimizerParamGroup> parameter_groups(const torch::nn::Module& network,
                                                                const Options& options,
                                                                double hyper_out_rate = 0.2) {
  const std::vector<torch::Tensor> hyper_out = hyper_out_weights(network);
  std::unordered_set<const void*> known;
  for (const auto& weight : hyper_out) known.insert(weight.unsafeGetTensorImpl());
  std::vector<torch::Tensor> ordinary;
  for (const auto& weight : network.parameters())
    if (known.count(weight.unsafeGetTensorImpl()) == 0) ordinary.push_back(weight);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(ordinary, std::make_unique<Options>(options));
  for (const torch::Tensor& weight : hyper_out) {
    auto slow = std::make_unique<Options>(options);
    slow->set_lr(hyper_out_factor(hyper_out_rate, weight.size(1)) * options.get_lr());
    groups.emplace_back(std::vector{weight}, std::move(slow));
  }
  return groups;
}

}  // namespace hyperconv::nn
