#include "training/similarity.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace hyperconv {
namespace {

struct Case {
  int64_t n, channels, height, width;
  double noise;
};

constexpr Case cases[] = {
    {1, 1, 11, 11, 0.1}, {2, 3, 20, 33, 0.05}, {1, 2, 40, 300, 0.3}, {1, 1, 12, 15, 1e-3}};

/// A weighted sum of both means, so that each counts by itself.
torch::Tensor weighted(const Similarity& s) {
  const torch::Tensor weights = torch::arange(1, s.whole.numel() + 1, s.whole.options());
  return (weights.view_as(s.whole) * (s.whole - 0.4 * s.contrast_structure)).sum();
}

// In double it is made step by step. Contrasts divide by variances of 1e-3 and less that are
// differences of numbers around one in floats: four digits are left of seven.
TEST(Similarity, PlaneByPlaneIsStepByStep) {
  for (const Case& c : cases) {
    torch::manual_seed(7);
    const torch::Tensor b = torch::rand({c.n, c.channels, c.height, c.width});
    const torch::Tensor a = (b + c.noise * torch::randn(b.sizes())).requires_grad_(true);
    const torch::Tensor got = weighted(similarity(a, b));
    const torch::Tensor want = weighted(similarity(a.to(torch::kFloat64), b.to(torch::kFloat64)));
    EXPECT_NEAR(got.item<double>(), want.item<double>(), 1e-4 * std::abs(want.item<double>()));
    const auto slope = torch::autograd::grad({got}, {a})[0];
    const auto right = torch::autograd::grad({want}, {a})[0];
    EXPECT_LT((slope - right).abs().max().item<double>(), 1e-3 * right.abs().max().item<double>());
  }
}

TEST(Similarity, IsOneForTheSamePicture) {
  const torch::Tensor a = torch::rand({2, 3, 16, 16});
  const Similarity s = similarity(a, a);
  EXPECT_LT((s.whole - 1).abs().max().item<double>(), 1e-5);
  EXPECT_LT((s.contrast_structure - 1).abs().max().item<double>(), 1e-5);
}

TEST(Similarity, BothMayNeedGradients) {
  const torch::Tensor a = torch::rand({1, 1, 14, 14}).requires_grad_(true);
  const torch::Tensor b = torch::rand({1, 1, 14, 14}).requires_grad_(true);
  const auto slopes = torch::autograd::grad({similarity(a, b).whole.sum()}, {a, b});
  EXPECT_GT(slopes[1].abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace hyperconv
