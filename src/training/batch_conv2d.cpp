#include "training/batch_conv2d.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "base/fail.hpp"
#include "engine/batch_convolution.hpp"
#include "engine/plan.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

/// libtorch's own threads: a second set would fight them for the cores. Each takes the next task
/// when it is done with one.
void on_torch_threads(int64_t tasks, const std::function<void(int64_t)>& body) {
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(tasks, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t i = next++; i < tasks; i = next++) body(i);
  });
}

torch::Tensor channels_last(const torch::Tensor& t) {
  return t.contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor empty_frames(int64_t n, int64_t channels, const torch::Tensor& like) {
  return torch::empty({n, channels, like.size(2), like.size(3)},
                      like.options().memory_format(torch::MemoryFormat::ChannelsLast));
}

BatchShape shape_of(const torch::Tensor& x, const torch::Tensor& filters) {
  const int64_t first = filters.dim() - 4;  // of [out,C,k,k]
  return {x.size(0), x.size(2),           x.size(3),
          x.size(1), filters.size(first), int(filters.size(first + 2)),
          first == 1};
}

/// With fewer channels a convolution costs next to nothing, and what it reads is the photo itself.
constexpr int64_t fewest_bf16_channels = 8;

thread_local const Bf16Kernels* bf16_at_work = nullptr;

class BatchConv2d : public torch::autograd::Function<BatchConv2d> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& filters, const torch::Tensor& bias,
                               int64_t rectifier, const Bf16Kernels* bf16) {
    RECORD_FUNCTION("batch_conv2d", std::vector<c10::IValue>());
    const torch::Tensor frames = channels_last(x), weights = filters.contiguous();
    const BatchShape shape = shape_of(frames, weights);
    torch::Tensor y = empty_frames(shape.samples, shape.out, frames);
    BatchConvolution(shape, kernels(), bf16)
        .forward(frames.data_ptr<float>(), weights.data_ptr<float>(),
                 bias.contiguous().data_ptr<float>(), Rectifier(rectifier), y.data_ptr<float>(),
                 on_torch_threads);
    context->save_for_backward({frames, weights, y});
    context->saved_data["rectifier"] = rectifier;
    context->saved_data["input_wanted"] = x.requires_grad();
    context->saved_data["bf16"] = bf16 != nullptr;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    RECORD_FUNCTION("batch_conv2d_backward", std::vector<c10::IValue>());
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &filters = saved[1], &y = saved[2];
    const torch::Tensor gradient = channels_last(gradients[0]);
    const BatchShape shape = shape_of(x, filters);
    torch::Tensor dx, dfilters = torch::empty_like(filters);
    torch::Tensor dbias = torch::empty({shape.out}, filters.options());
    if (context->saved_data["input_wanted"].toBool()) dx = empty_frames(shape.samples, shape.in, x);
    const Bf16Kernels* bf16 =
        context->saved_data["bf16"].toBool() ? chosen_bf16_kernels() : nullptr;
    BatchConvolution(shape, kernels(), bf16)
        .backward(x.data_ptr<float>(), filters.data_ptr<float>(), y.data_ptr<float>(),
                  gradient.data_ptr<float>(), Rectifier(context->saved_data["rectifier"].toInt()),
                  {dx.defined() ? dx.data_ptr<float>() : nullptr, dfilters.data_ptr<float>(),
                   dbias.data_ptr<float>()},
                  on_torch_threads);
    return {dx, dfilters, dbias, torch::Tensor(), torch::Tensor()};
  }
};

/// HYPERCONV_CONVOLUTIONS=libtorch leaves all of them to libtorch: for comparisons.
bool is_wanted() {
  const char* wish = std::getenv("HYPERCONV_CONVOLUTIONS");
  const std::string_view name = wish == nullptr ? "" : wish;
  if (name.empty() || name == "own") return true;
  if (name == "libtorch") return false;
  fail("HYPERCONV_CONVOLUTIONS={}: there are own and libtorch", name);
}

}  // namespace

bool suits_batch_conv2d(const torch::Tensor& x, const torch::Tensor& filters) {
  const int64_t out = filters.size(filters.dim() - 4), k = filters.size(filters.dim() - 1);
  if (!is_wanted() || !x.is_cpu() || x.scalar_type() != torch::kFloat32 || is_cpu_autocast() ||
      k % 2 == 0 || std::max(x.size(1), out) > most_winograd_channels)
    return false;
  if (bf16_at_work != nullptr) return true;
  // What packing filters and adding up their gradients costs does not shrink with the frame.
  constexpr int64_t many_pixels = 1024, few_weights = 48 * 48;
  return x.size(2) * x.size(3) >= many_pixels || x.size(1) * out <= few_weights;
}

torch::Tensor batch_conv2d(const torch::Tensor& x, const torch::Tensor& filters,
                           const torch::Tensor& bias, Rectifier rectifier) {
  const bool is_narrow =
      std::min(x.size(1), filters.size(filters.dim() - 4)) < fewest_bf16_channels;
  return BatchConv2d::apply(x, filters, bias, int64_t(rectifier),
                            is_narrow ? nullptr : bf16_at_work);
}

TrainingArithmetic::TrainingArithmetic(TrainingPrecision precision, torch::Device device)
    : outer_(bf16_at_work) {
  const Bf16Kernels* ours = device.is_cpu() && is_wanted() ? chosen_bf16_kernels() : nullptr;
  switch (precision) {
    case TrainingPrecision::fp32:
      return;
    case TrainingPrecision::bf16:
      bf16_at_work = ours;
      if (ours == nullptr) autocast_.emplace(precision, device);
      return;
    case TrainingPrecision::automatic:
      bf16_at_work = ours;
      return;
  }
}

TrainingArithmetic::~TrainingArithmetic() { bf16_at_work = outer_; }

}  // namespace hyperconv
