#include "training/inference.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include "base/fail.hpp"
#include "base/threads.hpp"
#include "training/lowering.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Views of the tensors.
TorchSideInputs in_torch(const SideInputs& side) {
  TorchSideInputs views;
  for (const auto& [name, value] : side)
    views[name] = torch::from_blob(const_cast<float*>(value.data()),
                                   {value.shape().n, value.shape().c, 1, 1}, torch::kFloat32);
  return views;
}

}  // namespace

class TorchInference::Impl {
 public:
  Impl(const Model& model, const TorchInferenceOptions& options)
      : options_(options), ranges_(model.info().side_ranges), network_((set_up(options), model)) {
    if (!options.tuned) return;
    for (torch::Tensor weight : network_.weights())
      if (weight.dim() == 4) weight.set_data(weight.contiguous(torch::MemoryFormat::ChannelsLast));
  }

  void run(const Tensor& input, Tensor& output, const SideInputs& side) {
    const torch::NoGradGuard no_gradients;
    const Shape& s = input.shape();
    torch::Tensor x =
        torch::from_blob(const_cast<float*>(input.data()), {s.n, s.c, s.h, s.w}, torch::kFloat32);
    if (options_.tuned) x = x.contiguous(torch::MemoryFormat::ChannelsLast);
    torch::Tensor y;
    {
      const Autocast autocast(options_.precision, torch::kCPU);
      const SideInputs held = held_to(ranges_, side);
      y = network_.forward(x, nullptr, in_torch(held));
    }
    const Shape shape{y.size(0), y.size(1), y.size(2), y.size(3)};
    if (output.shape() != shape) output = Tensor(shape);
    torch::from_blob(output.data(), y.sizes(), torch::kFloat32).copy_(y);
  }

 private:
  /// Before the first tensor.
  static void set_up(const TorchInferenceOptions& options) {
    if (options.tuned)
      prepare_torch(options.threads);
    else
      // Debian's build starts with one thread whatever the machine.
      at::set_num_threads(options.threads > 0 ? options.threads : available_cores());
  }

  const TorchInferenceOptions options_;
  const SideRanges ranges_;
  LoweredNetwork network_;
};

TorchInference::TorchInference(const Model& model, const TorchInferenceOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
TorchInference::~TorchInference() = default;

void TorchInference::run(const Tensor& input, Tensor& output, const SideInputs& side) {
  try {
    impl_->run(input, output, side);
  } catch (const c10::Error& error) {
    fail("libtorch: {}", first_line(error.what_without_backtrace()));
  }
}

std::string TorchInference::version() { return TORCH_VERSION; }

}  // namespace hyperconv
