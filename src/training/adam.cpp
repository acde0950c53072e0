#include "training/adam.hpp"

#include <algorithm>
#include <cmath>

#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double epsilon = 1e-8;

/// Weights and moments, or the same rows of them.
struct Slice {
  torch::Tensor weights, first, second;

  int64_t rows() const { return weights.size(0); }
  int64_t row_size() const { return weights.numel() / std::max<int64_t>(rows(), 1); }
  Slice narrow(int64_t start, int64_t length) const {
    return {weights.narrow(0, start, length), first.narrow(0, start, length),
            second.narrow(0, start, length)};
  }
};

struct StepSize {
  double rate, correction1, correction2;
};

void descend(Slice s, const torch::Tensor& gradient, const StepSize& size) {
  s.first.mul_(beta1).add_(gradient, 1 - beta1);
  s.second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
  const torch::Tensor denominator = (s.second / size.correction2).sqrt_().add_(epsilon);
  s.weights.addcdiv_(s.first, denominator, -size.rate / size.correction1);
}

// Values worked on at once: the few arrays of a piece stay in a CPU's cache, and the gradient of
// outer products exists a piece at a time.
constexpr int64_t piece = 1 << 16;

void descend_outer(const Slice& whole, const OuterProducts& gradient, double scale,
                   const StepSize& size) {
  const torch::Tensor left = gradient.left * scale;
  const int64_t rows = std::max<int64_t>(1, piece / whole.row_size());
  for (int64_t start = 0; start < whole.rows(); start += rows) {
    const int64_t length = std::min(rows, whole.rows() - start);
    descend(whole.narrow(start, length), left.narrow(1, start, length).t().mm(gradient.right),
            size);
  }
}

}  // namespace

Adam::Adam(std::vector<torch::Tensor> weights, std::vector<double> rate_factors)
    : weights_(std::move(weights)), factors_(std::move(rate_factors)) {
  for (const auto& w : weights_) {
    first_.push_back(torch::zeros_like(w));
    second_.push_back(torch::zeros_like(w));
  }
}

void Adam::step(double rate, const Gradients& gradients, double scale) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  StepSize size{rate, 1 - std::pow(beta1, double(steps_)), 1 - std::pow(beta2, double(steps_))};
  for (size_t i = 0; i < weights_.size(); ++i) {
    size.rate = rate * factors_[i];
    const Slice slice{weights_[i].detach(), first_[i], second_[i]};
    std::visit(Overloaded{
                   [&](const torch::Tensor& dense) {
                     if (dense.defined()) descend(slice, scale == 1 ? dense : dense * scale, size);
                   },
                   [&](const OuterProducts& outer) { descend_outer(slice, outer, scale, size); },
               },
               gradients[i]);
  }
}

void update_average(std::vector<torch::Tensor>& average, const std::vector<torch::Tensor>& weights,
                    double decay, int64_t step) {
  const torch::NoGradGuard no_grad;
  const double d = std::min(decay, double(1 + step) / double(10 + step));
  for (size_t i = 0; i < weights.size(); ++i) average[i].lerp_(weights[i], 1 - d);
}

}  // namespace hyperconv
