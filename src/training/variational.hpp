// The loss of VDN: Yue et al., Variational Denoising Network, NeurIPS 2019 (arXiv 1908.11314), and
// the code its authors published (github.com/zsyOAOA/VDNet).
//
// A photo y is noise of unknown variance sigma^2 around a clean picture z, pixel by pixel. D-Net
// says for each pixel where z is (mean and variance m^2 of a Gaussian), S-Net what sigma^2 is (an
// inverse Gamma of shape alpha and scale beta). Both are held to priors: z around the known clean
// picture x with variance eps^2, sigma^2 around what (y - x)^2 is nearby.
#pragma once

#include <torch/types.h>

#include "training/recipe.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// What both networks say of a batch, [N,6,H,W] each: D-Net what is to be added to the photo and
/// log m^2, three channels each; S-Net log alpha and log beta.
struct VariationalOutput {
  torch::Tensor denoiser, noise;
};

/// The three terms, means over samples, pixels and channels.
struct VariationalLoss {
  /// -E[log p(y | z, sigma^2)] = log(2 pi)/2 + (log beta - digamma(alpha) + ((y-mu)^2 + m^2)
  /// alpha/beta)/2, mu = y + what D-Net adds.
  torch::Tensor likelihood;
  /// KL(N(mu, m^2) || N(x, eps^2)) = ((mu - x)^2/eps^2 + m^2/eps^2 - 1 - log(m^2/eps^2))/2.
  torch::Tensor picture;
  /// KL(IG(alpha, beta) || IG(alpha0, beta0)) = (alpha - alpha0) digamma(alpha) + log Gamma(alpha0)
  /// - log Gamma(alpha) + alpha0 (log beta - log beta0) + beta0 alpha/beta - alpha, with
  /// alpha0 = p^2/2 - 1, beta0 = sigma^2 p^2/2, p = 2 radius + 1.
  torch::Tensor variance;

  torch::Tensor sum() const { return likelihood + picture + variance; }
};

/// Of a batch of photos: input y, target x, [N,3,H,W]. The prior's sigma^2 is the batch's own where
/// it knows it (synthetic noise), else local_variance(). The logarithms that the networks say are
/// cut to [log 1e-8, log 1e4].
VariationalLoss variational_loss(const VariationalOutput& output, const Batch& batch,
                                 const VariationalRecipe& settings);

/// Gaussian mean of (y - x)^2 over a window of 2 radius + 1, sigma = radius, the edge mirrored
/// without repeating it, at least 1e-10.
torch::Tensor local_variance(const torch::Tensor& noisy, const torch::Tensor& clean, int radius);

}  // namespace hyperconv
