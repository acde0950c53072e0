#include "training/row_product.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace hyperconv {
namespace {

struct Case {
  int64_t n, rows, columns;
};

constexpr Case cases[] = {{1, 1, 1}, {3, 1025, 7}, {8, 30, 16}, {17, 2050, 37}};

// Sums of up to two thousand products of numbers around one, in floats, against libtorch in double.
constexpr double tolerance = 1e-5;

TEST(RowProduct, AgreesWithLibtorchInDouble) {
  for (const Case& c : cases) {
    torch::manual_seed(9);
    const torch::Tensor vectors = torch::randn({c.n, c.columns}).requires_grad_(true);
    const torch::Tensor matrix = torch::randn({c.rows, c.columns}).requires_grad_(true);
    const torch::Tensor got = row_product(vectors, matrix);
    const torch::Tensor want = row_product(vectors.to(torch::kFloat64), matrix.to(torch::kFloat64));
    ASSERT_EQ(got.sizes(), want.sizes());
    EXPECT_LT((got - want).abs().max().item<double>(), tolerance * want.abs().max().item<double>());
    const torch::Tensor weights = torch::randn(got.sizes());
    const auto slope = torch::autograd::grad({(got * weights).sum()}, {vectors})[0];
    const auto right = torch::autograd::grad({(want * weights).sum()}, {vectors})[0];
    EXPECT_LT((slope - right).abs().max().item<double>(),
              tolerance * right.abs().max().item<double>());
  }
}

TEST(RowProduct, DoesNotDependOnThreads) {
  const int before = at::get_num_threads();
  const torch::Tensor vectors = torch::randn({5, 33}).requires_grad_(true);
  const torch::Tensor matrix = torch::randn({5000, 33});
  std::vector<torch::Tensor> slopes;
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    slopes.push_back(
        torch::autograd::grad({row_product(vectors, matrix).square().sum()}, {vectors})[0]);
  }
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(slopes[0], slopes[1]));
}

}  // namespace
}  // namespace hyperconv
