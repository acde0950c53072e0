#include "training/batch_conv2d.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdlib>

#include "hyperconv/error.hpp"
#include "hyperconv/torch/hyper_conv2d.hpp"

namespace hyperconv {
namespace {

struct Case {
  int64_t n, channels, out, height, width, kernel;
  bool own_filters;
  Rectifier rectifier;
};

constexpr Case cases[] = {{2, 4, 16, 5, 7, 3, false, Rectifier::relu},
                          {3, 16, 12, 9, 4, 3, true, Rectifier::leaky_relu},
                          {2, 5, 3, 6, 6, 1, false, Rectifier::none},
                          {1, 32, 20, 40, 3, 3, true, Rectifier::relu}};

struct Tensors {
  torch::Tensor x, filters, bias;
};

Tensors drawn(const Case& c) {
  torch::manual_seed(3);
  std::vector<int64_t> dims = {c.out, c.channels, c.kernel, c.kernel};
  if (c.own_filters) dims.insert(dims.begin(), c.n);
  const auto leaf = [](torch::IntArrayRef size) { return torch::randn(size).requires_grad_(true); };
  return {leaf({c.n, c.channels, c.height, c.width}), leaf(dims), leaf({c.out})};
}

torch::Tensor expected(const Tensors& t, const Case& c) {
  const torch::Tensor x = t.x.to(torch::kFloat64), w = t.filters.to(torch::kFloat64),
                      b = t.bias.to(torch::kFloat64);
  const torch::Tensor y = c.own_filters ? nn::per_sample_conv2d(x, w, b)
                                        : torch::conv2d(x, w, b, 1, (c.kernel - 1) / 2);
  if (c.rectifier == Rectifier::relu) return torch::relu(y);
  return c.rectifier == Rectifier::none ? y : torch::leaky_relu(y, leaky_slope);
}

/// Gradients of a weighted sum of y, whose weights depend on the place.
std::vector<torch::Tensor> gradients(const torch::Tensor& y, const Tensors& t) {
  const torch::Tensor weights = torch::arange(y.numel(), y.options()).sin().view_as(y);
  return torch::autograd::grad({(y * weights).sum()}, {t.x, t.filters, t.bias});
}

// Sums of a few hundred products of numbers around one, against libtorch in double; Winograd's form
// costs three bits of the 24.
constexpr double tolerance = 2e-6;

void expect_close(const torch::Tensor& got, const torch::Tensor& want) {
  ASSERT_EQ(got.sizes(), want.sizes());
  const auto scale = want.abs().max().item<double>();
  EXPECT_LT((got - want).abs().max().item<double>(), tolerance * scale);
}

TEST(BatchConv2d, AgreesWithLibtorch) {
  for (const Case& c : cases) {
    const Tensors t = drawn(c);
    ASSERT_TRUE(suits_batch_conv2d(t.x, t.filters));
    const torch::Tensor y = batch_conv2d(t.x, t.filters, t.bias, c.rectifier),
                        want = expected(t, c);
    expect_close(y, want);
    const auto got = gradients(y, t), right = gradients(want, t);
    for (size_t i = 0; i < got.size(); ++i) expect_close(got[i], right[i]);
  }
}

TEST(BatchConv2d, TakesWhateverMemoryFormat) {
  const Case& c = cases[0];
  const Tensors t = drawn(c);
  const torch::Tensor y = batch_conv2d(t.x, t.filters, t.bias, c.rectifier);
  const torch::Tensor other = batch_conv2d(t.x.contiguous(torch::MemoryFormat::ChannelsLast),
                                           t.filters, t.bias, c.rectifier);
  EXPECT_TRUE(torch::equal(y, other));
}

TEST(BatchConv2d, DoesNotDependOnThreads) {
  const int before = at::get_num_threads();
  for (const Case& c : cases) {
    const Tensors t = drawn(c);
    at::set_num_threads(1);
    const auto one = gradients(batch_conv2d(t.x, t.filters, t.bias, c.rectifier), t);
    at::set_num_threads(4);
    const auto four = gradients(batch_conv2d(t.x, t.filters, t.bias, c.rectifier), t);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], four[i]));
  }
  at::set_num_threads(before);
}

// Frames below 32x32 pixels only where channels are few.
TEST(BatchConv2d, SmallFramesOfLargeFiltersAreLibtorchs) {
  const torch::Tensor filters = torch::zeros({64, 64, 3, 3});
  EXPECT_TRUE(suits_batch_conv2d(torch::zeros({1, 64, 32, 32}), filters));
  EXPECT_FALSE(suits_batch_conv2d(torch::zeros({1, 64, 32, 31}), filters));
}

TEST(BatchConv2d, TheEnvironmentChooses) {
  const torch::Tensor x = torch::zeros({1, 4, 8, 8}), filters = torch::zeros({4, 4, 3, 3});
  ::setenv("HYPERCONV_CONVOLUTIONS", "libtorch", 1);
  EXPECT_FALSE(suits_batch_conv2d(x, filters));
  ::setenv("HYPERCONV_CONVOLUTIONS", "abacus", 1);
  EXPECT_THROW(suits_batch_conv2d(x, filters), Error);
  ::setenv("HYPERCONV_CONVOLUTIONS", "own", 1);
  EXPECT_TRUE(suits_batch_conv2d(x, filters));
  ::unsetenv("HYPERCONV_CONVOLUTIONS");
}

// The plain loops stand for the machine's bf16 instructions, so that every machine tests this.
TEST(BatchConv2d, TrainsInBf16WhereItIsTold) {
  // Without a rectifier: a rounding would turn its slope.
  Case c = cases[1];
  c.rectifier = Rectifier::none;
  const Tensors t = drawn(c);
  const auto run = [&] { return batch_conv2d(t.x, t.filters, t.bias, c.rectifier); };
  const torch::Tensor exact = run();
  const auto exact_gradients = gradients(exact, t);
  // Both factors of a product are rounded, by 2^-8 of themselves at most; a sum of many errs by far
  // less than its largest value would allow.
  const auto expect_rounded = [](const torch::Tensor& got, const torch::Tensor& want) {
    const auto largest = want.abs().max().item<double>();
    const auto error = (got - want).abs().max().item<double>();
    EXPECT_GT(error, 1e-5 * largest);
    EXPECT_LT(error, std::ldexp(largest, -7));
  };
  ::setenv("HYPERCONV_BF16", "portable", 1);
  for (const auto precision : {TrainingPrecision::bf16, TrainingPrecision::automatic}) {
    torch::Tensor y;
    {
      const TrainingArithmetic arithmetic(precision, torch::kCPU);
      EXPECT_FALSE(is_cpu_autocast());
      y = run();
    }
    expect_rounded(y, exact);
    // The gradients follow the arithmetic of their result, wherever they are computed.
    const auto got = gradients(y, t);
    for (size_t i = 0; i < 2; ++i) expect_rounded(got[i], exact_gradients[i]);
    EXPECT_TRUE(torch::equal(run(), exact));
  }
  ::setenv("HYPERCONV_BF16", "none", 1);
  {
    const TrainingArithmetic arithmetic(TrainingPrecision::automatic, torch::kCPU);
    EXPECT_FALSE(is_cpu_autocast());
    EXPECT_TRUE(torch::equal(run(), exact));
  }
  {
    const TrainingArithmetic arithmetic(TrainingPrecision::bf16, torch::kCPU);
    EXPECT_TRUE(is_cpu_autocast());
  }
  EXPECT_FALSE(is_cpu_autocast());
  ::setenv("HYPERCONV_BF16", "abacus", 1);
  EXPECT_THROW(TrainingArithmetic(TrainingPrecision::automatic, torch::kCPU), Error);
  ::unsetenv("HYPERCONV_BF16");
}

TEST(BatchConv2d, LeavesOthersToLibtorch) {
  const torch::Tensor x = torch::zeros({1, 4, 8, 8}), filters = torch::zeros({4, 4, 3, 3});
  EXPECT_TRUE(suits_batch_conv2d(x, filters));
  EXPECT_FALSE(suits_batch_conv2d(x.to(torch::kFloat64), filters));
  EXPECT_FALSE(suits_batch_conv2d(x, torch::zeros({4, 4, 2, 2})));
  EXPECT_FALSE(suits_batch_conv2d(torch::zeros({1, 1024, 2, 2}), torch::zeros({4, 1024, 3, 3})));
}

}  // namespace
}  // namespace hyperconv
