#include "training/variational.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "base/testing.hpp"
#include "data/data_testing.hpp"
#include "network/zoo.hpp"
#include "simulation/scene.hpp"
#include "training/noisy_patches.hpp"
#include "training/objective.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

torch::Tensor filled(double value, int64_t channels = 3, int64_t side = 8) {
  return torch::full({1, channels, side, side}, value, torch::kFloat64);
}

torch::Tensor joined(double first, double second) {
  return torch::cat({filled(first), filled(second)}, 1);
}

/// A photo that is the same everywhere, and two networks that say the same everywhere.
struct Constant {
  double noisy = 0.6, clean = 0.5, variance = 0.01;
  double added = -0.08, log_m2 = -9, log_alpha = 2, log_beta = -3;

  VariationalLoss loss(const VariationalRecipe& settings = {}) const {
    Batch batch;
    batch.input = filled(noisy);
    batch.target = filled(clean);
    batch.variance = filled(variance);
    return variational_loss({joined(added, log_m2), joined(log_alpha, log_beta)}, batch, settings);
  }
};

/// Integral of f over (low, high) by the midpoint rule.
template <class F>
double integral(double low, double high, const F& f) {
  constexpr int steps = 400'000;
  double sum = 0;
  for (int i = 0; i < steps; ++i) sum += f(low + (high - low) * (i + 0.5) / steps);
  return sum * (high - low) / steps;
}

double inverse_gamma(double x, double alpha, double beta) {
  return std::exp(alpha * std::log(beta) - std::lgamma(alpha) - (alpha + 1) * std::log(x) -
                  beta / x);
}

TEST(Variational, PictureTermIsTheDivergenceOfTwoGaussians) {
  const Constant c;
  const double eps2 = 1e-4, m2 = std::exp(c.log_m2), mean = c.noisy + c.added;
  const double difference = integral(mean - 0.2, mean + 0.2, [&](double z) {
    const double p =
        std::exp(-std::pow(z - mean, 2) / (2 * m2)) / std::sqrt(2 * std::numbers::pi * m2);
    const double log_p = -std::pow(z - mean, 2) / (2 * m2) - 0.5 * std::log(m2);
    const double log_q = -std::pow(z - c.clean, 2) / (2 * eps2) - 0.5 * std::log(eps2);
    return p * (log_p - log_q);
  });
  EXPECT_NEAR(c.loss({.eps2 = eps2}).picture.item<double>(), difference, 1e-5);
}

TEST(Variational, VarianceTermIsTheDivergenceOfTwoInverseGammas) {
  const Constant c{.log_alpha = std::log(20.0), .log_beta = std::log(0.3)};
  const double alpha0 = 49.0 / 2 - 1, beta0 = 49.0 / 2 * c.variance;
  const double divergence = integral(1e-4, 0.2, [&](double x) {
    const double p = inverse_gamma(x, 20, 0.3);
    return p > 0 ? p * std::log(p / inverse_gamma(x, alpha0, beta0)) : 0;
  });
  EXPECT_NEAR(c.loss().variance.item<double>(), divergence, 1e-6);
  // Nothing where the network says the prior.
  const Constant prior{.log_alpha = std::log(alpha0), .log_beta = std::log(beta0)};
  EXPECT_NEAR(prior.loss().variance.item<double>(), 0, 1e-10);
}

TEST(Variational, LikelihoodTermIsTheMeanOverBothDistributions) {
  const Constant c{.log_alpha = std::log(20.0), .log_beta = std::log(0.3)};
  const double square = c.added * c.added + std::exp(c.log_m2);  // mean of (y - z)^2
  const double expected = integral(1e-4, 0.3, [&](double x) {
    return inverse_gamma(x, 20, 0.3) *
           (0.5 * std::log(2 * std::numbers::pi * x) + square / (2 * x));
  });
  EXPECT_NEAR(c.loss().likelihood.item<double>(), expected, 1e-6);
}

TEST(Variational, LogarithmsAreCut) {
  Constant c;
  c.log_m2 = -100;
  const double cut = c.loss().sum().item<double>();
  c.log_m2 = std::log(1e-8);
  EXPECT_DOUBLE_EQ(c.loss().sum().item<double>(), cut);
}

// Central differences in double: an error of the step's square, 1e-10, times the third derivative.
TEST(Variational, GradientIsThatOfFiniteDifferences) {
  torch::manual_seed(3);
  const std::vector<int64_t> photo{2, 3, 7, 9}, said{2, 6, 7, 9};
  Batch batch;
  batch.target = torch::rand(photo, torch::kFloat64);
  batch.input = batch.target + 0.1 * torch::randn(photo, torch::kFloat64);
  torch::Tensor denoiser = (0.1 * torch::randn(said, torch::kFloat64) - 2).requires_grad_(true);
  torch::Tensor noise = torch::randn(said, torch::kFloat64).requires_grad_(true);
  const VariationalRecipe settings{.eps2 = 1e-2};
  const auto loss = [&] { return variational_loss({denoiser, noise}, batch, settings).sum(); };
  loss().backward();
  const torch::NoGradGuard no_grad;
  for (auto* tensor : {&denoiser, &noise})
    for (const int64_t at : {0, 100, 300, 377, 755}) {
      const torch::Tensor flat = tensor->view(-1);
      const double value = flat[at].item<double>(), step = 1e-5;
      flat[at] = value + step;
      const double above = loss().item<double>();
      flat[at] = value - step;
      const double below = loss().item<double>();
      flat[at] = value;
      const double slope = tensor->grad().view(-1)[at].item<double>();
      EXPECT_NEAR((above - below) / (2 * step), slope, 1e-6 * std::max(1.0, std::fabs(slope)));
    }
}

TEST(LocalVariance, IsAWindowsMeanOfSquares) {
  torch::Tensor noisy = filled(0, 3, 15), clean = filled(0, 3, 15);
  EXPECT_DOUBLE_EQ(local_variance(noisy, clean, 3).max().item<double>(), 1e-10);
  noisy[0][1][7][7] = 0.5;
  const torch::Tensor variance = local_variance(noisy, clean, 3);
  double sum = 0;
  for (int i = -3; i <= 3; ++i) sum += std::exp(-i * i / 18.0);
  EXPECT_NEAR(variance[0][1][7][7].item<double>(), 0.25 / (sum * sum), 1e-9);
  EXPECT_NEAR(variance[0][1][4][7].item<double>(), 0.25 * std::exp(-0.5) / (sum * sum), 1e-9);
  EXPECT_DOUBLE_EQ(variance[0][1][3][7].item<double>(), 1e-10);
  EXPECT_DOUBLE_EQ(variance[0][0].max().item<double>(), 1e-10);
}

TEST(DeviationMap, ReachesFromOneStrengthToAnother) {
  Random random(5);
  for (int i = 0; i < 20; ++i) {
    const auto map = deviation_map(32, 75, random);
    const auto [least, most] = std::ranges::minmax(map);
    EXPECT_GE(least, 0);
    EXPECT_GE(most - least, 5.0f / 255 - 1e-6f);
    EXPECT_LE(most, 80.0f / 255 + 1e-6f);
  }
}

TEST(NoisyPatches, HaveTheNoiseTheySay) {
  const TemporaryFolder folder;
  write_image(folder / "a.png", painted_scene(96, 80));
  const NoisyPatches source(std::make_shared<const PhotoPool>(folder.path(), 1, 64), {}, 64, 3);
  const Batch batch = source.make(0, 8);
  const torch::Tensor standard = (batch.input - batch.target) / batch.variance.sqrt();
  // 98,304 values: five standard errors.
  EXPECT_NEAR(standard.mean().item<double>(), 0, 5 / std::sqrt(98304.0));
  EXPECT_NEAR(standard.square().mean().item<double>(), 1, 5 * std::sqrt(2 / 98304.0));
  EXPECT_TRUE(torch::equal(source.make(5, 1).input[0], batch.input[5]));
  EXPECT_GE(batch.target.min().item<float>(), 0);
  EXPECT_LE(batch.target.max().item<float>(), 1);
}

TEST(Objective, VdnTrainsTwoNetworksAndKeepsOne) {
  Recipe recipe;
  recipe.network = "vdn";
  recipe.options.width = 4;
  recipe.training.variational.emplace();
  const auto objective = make_objective(recipe, torch::kCPU);
  const auto groups = objective->clip_groups();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].count + groups[1].count, objective->parameters().size());
  Batch batch;
  batch.target = torch::rand(std::vector<int64_t>{2, 3, 16, 16});
  batch.input = batch.target + 0.1 * torch::randn(std::vector<int64_t>{2, 3, 16, 16});
  ProductTape tape;
  objective->loss(batch, tape).backward();
  for (const auto& weight : objective->weights())
    EXPECT_TRUE(weight.grad().defined() && weight.grad().isfinite().all().item<bool>());
  const Model model = objective->to_model({.task = Task::denoise}, objective->weights());
  EXPECT_EQ(parameters(model.graph()).size(), groups[0].count);
  EXPECT_EQ(objective->picture(objective->weights(), batch).sizes(), batch.target.sizes());
}

}  // namespace
}  // namespace hyperconv
