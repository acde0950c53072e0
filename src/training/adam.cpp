#include "training/adam.hpp"

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double epsilon = 1e-8;

}  // namespace

Adam::Adam(std::vector<torch::Tensor> weights, std::vector<double> rate_factors)
    : weights_(std::move(weights)), factors_(std::move(rate_factors)) {
  for (const auto& w : weights_) {
    first_.push_back(torch::zeros_like(w));
    second_.push_back(torch::zeros_like(w));
  }
}

void Adam::step(double rate) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  const double correction1 = 1 - std::pow(beta1, double(steps_));
  const double correction2 = 1 - std::pow(beta2, double(steps_));
  for (size_t i = 0; i < weights_.size(); ++i) {
    const auto& gradient = weights_[i].grad();
    if (!gradient.defined()) continue;
    first_[i].mul_(beta1).add_(gradient, 1 - beta1);
    second_[i].mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const auto denominator = (second_[i] / correction2).sqrt_().add_(epsilon);
    weights_[i].addcdiv_(first_[i], denominator, -rate * factors_[i] / correction1);
  }
}

void Adam::zero_gradients() {
  for (auto& w : weights_) w.mutable_grad() = torch::Tensor();
}

double clip_gradients(const std::vector<torch::Tensor>& weights, double limit) {
  const torch::NoGradGuard no_grad;
  double squares = 0;
  for (const auto& w : weights)
    if (w.grad().defined()) squares += w.grad().square().sum().item<double>();
  const double norm = std::sqrt(squares);
  if (norm > limit)
    for (const auto& w : weights)
      if (w.grad().defined()) w.grad().mul_(limit / norm);
  return norm;
}

void update_average(std::vector<torch::Tensor>& average, const std::vector<torch::Tensor>& weights,
                    double decay, int64_t step) {
  const torch::NoGradGuard no_grad;
  const double d = std::min(decay, double(1 + step) / double(10 + step));
  for (size_t i = 0; i < weights.size(); ++i) average[i].lerp_(weights[i], 1 - d);
}

}  // namespace hyperconv
