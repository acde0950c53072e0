#include "training/blur.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/wide.hpp"

namespace hyperconv {
namespace {

/// to[i] = the sum over the window's weights k of weight k times from[i + k * step].
HYPERCONV_WIDE void weigh(const float* from, int64_t step, const float* window, int64_t size,
                          int64_t count, float* to) {
  // Pieces that stay in registers and the first cache while all weights pass by.
  constexpr int64_t piece = 256;
  for (int64_t start = 0; start < count; start += piece) {
    const int64_t length = std::min(piece, count - start);
    const float* in = from + start;
    float sums[piece];
    for (int64_t i = 0; i < length; ++i) sums[i] = window[0] * in[i];
    for (int64_t k = 1; k < size; ++k)
      for (int64_t i = 0; i < length; ++i) sums[i] += window[k] * in[i + k * step];
    std::copy_n(sums, length, to + start);
  }
}

torch::Tensor blur_planes(const torch::Tensor& x, const std::vector<float>& window) {
  const int64_t height = x.size(2), width = x.size(3), less = int64_t(window.size()) - 1;
  const torch::Tensor planes = x.contiguous();
  torch::Tensor y = torch::empty({x.size(0), x.size(1), height - less, width - less}, x.options());
  const float* from = planes.data_ptr<float>();
  float* to = y.data_ptr<float>();
  at::parallel_for(0, x.size(0) * x.size(1), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> rows;
    for (int64_t i = begin; i < end; ++i)
      blur_plane(from + i * height * width, height, width, window, rows,
                 to + i * (height - less) * (width - less));
  });
  return y;
}

class Blur : public torch::autograd::Function<Blur> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const std::vector<double>& window) {
    context->saved_data["window"] = window;
    return blur_planes(x, {window.begin(), window.end()});
  }

  /// Of a symmetric window: the same, over the gradient with zeros around it.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const std::vector<double> window = context->saved_data["window"].toDoubleVector();
    const int64_t less = int64_t(window.size()) - 1;
    const torch::Tensor padded =
        torch::constant_pad_nd(gradients[0].contiguous(), {less, less, less, less});
    return {blur_planes(padded, {window.begin(), window.end()}), torch::Tensor()};
  }
};

/// libtorch's own operations: on a GPU, and in double.
torch::Tensor convolved(const torch::Tensor& x, const std::vector<float>& window) {
  const int64_t channels = x.size(1), n = int64_t(window.size());
  const torch::Tensor weights =
      torch::tensor(window).to(x.options()).view({1, 1, n}).repeat({channels, 1, 1});
  const torch::Tensor columns =
      torch::conv2d(x, weights.unsqueeze(3), {}, 1, torch::IntArrayRef{0, 0}, 1, channels);
  return torch::conv2d(columns, weights.unsqueeze(2), {}, 1, torch::IntArrayRef{0, 0}, 1, channels);
}

}  // namespace

std::vector<float> gaussian_window(int radius, double sigma) {
  std::vector<double> weights;
  double sum = 0;
  for (int d = -radius; d <= radius; ++d) {
    weights.push_back(std::exp(-double(d * d) / (2 * sigma * sigma)));
    sum += weights.back();
  }
  std::vector<float> window;
  for (const double weight : weights) window.push_back(float(weight / sum));
  return window;
}

void blur_plane(const float* from, int64_t height, int64_t width, const std::vector<float>& window,
                std::vector<float>& rows, float* to) {
  const auto n = int64_t(window.size());
  const int64_t out_width = width - n + 1;
  rows.resize(size_t(height * out_width));
  for (int64_t y = 0; y < height; ++y)
    weigh(from + y * width, 1, window.data(), n, out_width, rows.data() + y * out_width);
  for (int64_t y = 0; y + n <= height; ++y)
    weigh(rows.data() + y * out_width, out_width, window.data(), n, out_width, to + y * out_width);
}

torch::Tensor blur(const torch::Tensor& x, const std::vector<float>& window) {
  assert(std::min(x.size(2), x.size(3)) >= int64_t(window.size()));
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat32) return convolved(x, window);
  return Blur::apply(x, std::vector<double>(window.begin(), window.end()));
}

}  // namespace hyperconv
