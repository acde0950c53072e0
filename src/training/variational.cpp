#include "training/variational.hpp"

#include <cmath>
#include <numbers>

#include "training/blur.hpp"

namespace hyperconv {
namespace {

constexpr double least_variance = 1e-10;
const double log_least = std::log(1e-8), log_most = std::log(1e4);

/// Cut as published: in place of a value beyond the limits stands the limit, without a slope.
torch::Tensor cut(const torch::Tensor& logarithm) { return logarithm.clamp(log_least, log_most); }

}  // namespace

torch::Tensor local_variance(const torch::Tensor& noisy, const torch::Tensor& clean, int radius) {
  const torch::Tensor squares =
      torch::reflection_pad2d((noisy - clean).square(), {radius, radius, radius, radius});
  return blur(squares, gaussian_window(radius, radius)).clamp_min(least_variance);
}

VariationalLoss variational_loss(const VariationalOutput& output, const Batch& batch,
                                 const VariationalRecipe& settings) {
  const double p = 2 * settings.radius + 1, alpha0 = p * p / 2 - 1, eps2 = settings.eps2;
  const torch::Tensor sigma2 = batch.variance.defined()
                                   ? batch.variance.clamp_min(least_variance)
                                   : local_variance(batch.input, batch.target, settings.radius);
  const torch::Tensor beta0 = sigma2 * (p * p / 2);

  const torch::Tensor added = output.denoiser.narrow(1, 0, 3);
  const torch::Tensor log_m2 = cut(output.denoiser.narrow(1, 3, 3));
  const torch::Tensor log_alpha = cut(output.noise.narrow(1, 0, 3));
  const torch::Tensor log_beta = cut(output.noise.narrow(1, 3, 3));
  const torch::Tensor m2 = log_m2.exp(), alpha = log_alpha.exp();
  const torch::Tensor precision = (log_alpha - log_beta).exp(), psi = torch::digamma(alpha);

  const torch::Tensor error = batch.input + added - batch.target;
  return {0.5 * std::log(2 * std::numbers::pi) +
              0.5 * (log_beta - psi + (added.square() + m2) * precision).mean(),
          0.5 * (error.square() / eps2 + m2 / eps2 - 1 - (log_m2 - std::log(eps2))).mean(),
          ((alpha - alpha0) * psi + std::lgamma(alpha0) - torch::lgamma(alpha) +
           alpha0 * (log_beta - beta0.log()) + beta0 * precision - alpha)
              .mean()};
}

}  // namespace hyperconv
