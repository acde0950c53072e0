#include "training/blur.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace hyperconv {
namespace {

struct Case {
  int64_t n, channels, height, width;
  int radius;
};

constexpr Case cases[] = {{1, 1, 3, 3, 1}, {2, 3, 11, 40, 5}, {1, 2, 30, 600, 5}, {3, 1, 9, 7, 3}};

/// Whether it needs a float's or a double's way is decided by the tensor's type.
torch::Tensor in_double(const torch::Tensor& x, const std::vector<float>& window) {
  return blur(x.to(torch::kFloat64), window);
}

// Means of numbers around one: a dozen roundings of 2^-24.
constexpr double tolerance = 1e-6;

TEST(Blur, AgreesWithLibtorchInDouble) {
  for (const Case& c : cases) {
    torch::manual_seed(5);
    const auto window = gaussian_window(c.radius, 0.4 * c.radius + 0.3);
    const torch::Tensor x = torch::randn({c.n, c.channels, c.height, c.width}).requires_grad_(true);
    const torch::Tensor y = blur(x, window), want = in_double(x, window);
    ASSERT_EQ(y.sizes(), want.sizes());
    EXPECT_LT((y - want).abs().max().item<double>(), tolerance);
    const torch::Tensor weights = torch::randn(y.sizes());
    const auto got = torch::autograd::grad({(y * weights).sum()}, {x})[0];
    const auto right = torch::autograd::grad({(want * weights).sum()}, {x})[0];
    EXPECT_LT((got - right).abs().max().item<double>(), 4 * tolerance);
  }
}

TEST(Blur, ReadsChannelsLast) {
  const auto window = gaussian_window(2, 1);
  const torch::Tensor x = torch::randn({2, 3, 8, 9});
  EXPECT_TRUE(
      torch::equal(blur(x, window), blur(x.contiguous(torch::MemoryFormat::ChannelsLast), window)));
}

TEST(Blur, WindowsAddUpToOne) {
  for (const int radius : {1, 3, 5}) {
    double sum = 0;
    for (const float weight : gaussian_window(radius, 1.5)) sum += double(weight);
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

}  // namespace
}  // namespace hyperconv
