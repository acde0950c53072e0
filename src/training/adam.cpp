#include "training/adam.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "base/wide.hpp"

namespace hyperconv {
namespace {

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double epsilon = 1e-8;

/// Weights, moments and averaged weights of one tensor.
struct Slice {
  torch::Tensor weights, first, second, average;

  bool on_cpu() const { return weights.is_cpu() && weights.is_contiguous(); }
  int64_t rows() const { return weights.size(0); }
  int64_t row_size() const { return weights.numel() / std::max<int64_t>(rows(), 1); }
  Slice narrow(int64_t start, int64_t length) const {
    return {weights.narrow(0, start, length), first.narrow(0, start, length),
            second.narrow(0, start, length), average.narrow(0, start, length)};
  }
};

struct StepSize {
  double rate, correction1, correction2;
  double follow;  ///< how far the average goes towards the weights
};

// ---- On a GPU: libtorch's operations

void descend(const Slice& s, const torch::Tensor& gradient, const StepSize& size) {
  s.first.mul_(beta1).add_(gradient, 1 - beta1);
  s.second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
  const torch::Tensor denominator = (s.second / size.correction2).sqrt_().add_(epsilon);
  s.weights.addcdiv_(s.first, denominator, -size.rate / size.correction1);
  s.average.lerp_(s.weights, size.follow);
}

// Values worked on at once: the gradient of outer products exists a piece at a time.
constexpr int64_t piece = 1 << 24;

void descend_outer(const Slice& whole, const torch::Tensor& left, const torch::Tensor& right,
                   const StepSize& size) {
  const int64_t rows = std::max<int64_t>(1, piece / whole.row_size());
  for (int64_t start = 0; start < whole.rows(); start += rows) {
    const int64_t length = std::min(rows, whole.rows() - start);
    descend(whole.narrow(start, length), left.narrow(1, start, length).t().mm(right), size);
  }
}

// ---- On a CPU: one pass over memory, which is what bounds it. libtorch's operations make nine,
// and start their threads anew for each: three to nine times slower on two cores.

/// The same from a pointer on.
struct Values {
  float *weights, *first, *second, *average;

  explicit Values(const Slice& s, int64_t offset = 0)
      : weights(s.weights.data_ptr<float>() + offset),
        first(s.first.data_ptr<float>() + offset),
        second(s.second.data_ptr<float>() + offset),
        average(s.average.data_ptr<float>() + offset) {}
};

HYPERCONV_WIDE void descend(const Values& v, const float* gradient, float scale, int64_t count,
                            const StepSize& size) {
  const auto rate = float(size.rate / size.correction1);
  const auto inverse2 = float(1 / size.correction2), follow = float(size.follow);
  for (int64_t i = 0; i < count; ++i) {
    const float g = scale * gradient[i];
    v.first[i] = float(beta1) * v.first[i] + float(1 - beta1) * g;
    v.second[i] = float(beta2) * v.second[i] + float(1 - beta2) * g * g;
    v.weights[i] -= rate * v.first[i] / (std::sqrt(v.second[i] * inverse2) + float(epsilon));
    v.average[i] += follow * (v.weights[i] - v.average[i]);
  }
}

/// Sum over the samples n of factors[n] times row n of `vectors`.
HYPERCONV_WIDE void add_products(const float* factors, const float* vectors, int64_t samples,
                                 int64_t columns, float* sum) {
  std::fill_n(sum, columns, 0.0f);
  for (int64_t n = 0; n < samples; ++n) {
    const float factor = factors[n];
    const float* vector = vectors + n * columns;
    for (int64_t i = 0; i < columns; ++i) sum[i] += factor * vector[i];
  }
}

// Below so many values a second thread costs more than it brings.
constexpr int64_t grain = 1 << 15;

void descend_on_cpu(const Slice& s, const torch::Tensor& dense, double scale,
                    const StepSize& size) {
  const torch::Tensor gradient = dense.contiguous();
  const float* from = gradient.data_ptr<float>();
  at::parallel_for(0, s.weights.numel(), grain, [&](int64_t begin, int64_t end) {
    descend(Values(s, begin), from + begin, float(scale), end - begin, size);
  });
}

void descend_outer_on_cpu(const Slice& s, const OuterProducts& outer, double scale,
                          const StepSize& size) {
  // Samples of a row side by side, so that a row's gradient reads one short line of `left`.
  const torch::Tensor left = outer.left.t().contiguous(), right = outer.right.contiguous();
  const int64_t samples = right.size(0), columns = s.row_size();
  const float *l = left.data_ptr<float>(), *r = right.data_ptr<float>();
  const int64_t rows_a_thread = std::max<int64_t>(1, grain / std::max<int64_t>(1, columns));
  at::parallel_for(0, s.rows(), rows_a_thread, [&](int64_t begin, int64_t end) {
    std::vector<float> gradient(static_cast<size_t>(columns));
    for (int64_t row = begin; row < end; ++row) {
      add_products(l + row * samples, r, samples, columns, gradient.data());
      descend(Values(s, row * columns), gradient.data(), float(scale), columns, size);
    }
  });
}

void descend(const Slice& slice, const Gradient& gradient, double scale, const StepSize& size) {
  if (const auto* outer = std::get_if<OuterProducts>(&gradient)) {
    if (slice.on_cpu())
      descend_outer_on_cpu(slice, *outer, scale, size);
    else
      descend_outer(slice, outer->left * scale, outer->right, size);
    return;
  }
  const auto& dense = std::get<torch::Tensor>(gradient);
  if (!dense.defined())
    slice.average.lerp_(slice.weights, size.follow);
  else if (slice.on_cpu())
    descend_on_cpu(slice, dense, scale, size);
  else
    descend(slice, dense * scale, size);
}

}  // namespace

Adam::Adam(std::vector<torch::Tensor> weights, std::vector<double> rate_factors)
    : weights_(std::move(weights)), factors_(std::move(rate_factors)) {
  for (const auto& w : weights_) {
    first_.push_back(torch::zeros_like(w));
    second_.push_back(torch::zeros_like(w));
    average_.push_back(w.detach().clone());
  }
}

void Adam::step(double rate, double average_decay, const Gradients& gradients,
                const std::vector<double>& scales) {
  const torch::NoGradGuard no_grad;
  const double decay = std::min(average_decay, double(1 + steps_) / double(10 + steps_));
  ++steps_;
  StepSize size{rate, 1 - std::pow(beta1, double(steps_)), 1 - std::pow(beta2, double(steps_)),
                1 - decay};
  for (size_t i = 0; i < weights_.size(); ++i) {
    size.rate = rate * factors_[i];
    const double scale = scales.empty() ? 1 : scales[i];
    descend({weights_[i].detach(), first_[i], second_[i], average_[i]}, gradients[i], scale, size);
  }
}

}  // namespace hyperconv
