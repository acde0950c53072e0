#include "training/gradients.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "network/zoo.hpp"
#include "training/adam.hpp"
#include "training/lowering.hpp"

namespace hyperconv {
namespace {

torch::Tensor random(torch::IntArrayRef size, int64_t seed) {
  torch::manual_seed(seed);
  return torch::randn(size);
}

Gradients gradients_with_tape(const LoweredNetwork& network, const torch::Tensor& input,
                              int parts) {
  Gradients gradients(network.parameters().size());
  for (const auto& w : network.weights()) w.mutable_grad() = torch::Tensor();
  for (const auto& part : input.chunk(parts)) {
    ProductTape tape;
    network.forward(part, &tape).square().sum().backward();
    tape.collect(gradients);
  }
  for (size_t i = 0; i < gradients.size(); ++i)
    if (!std::holds_alternative<OuterProducts>(gradients[i]))
      gradients[i] = network.weights()[i].grad();
  return gradients;
}

torch::Tensor dense(const Gradient& gradient) {
  if (const auto* outer = std::get_if<OuterProducts>(&gradient))
    return outer->left.t().mm(outer->right);
  return std::get<torch::Tensor>(gradient);
}

class EveryConditioning : public testing::TestWithParam<Conditioning> {
 protected:
  const LoweredNetwork network_{
      untrained(hyper_unet({.width = 3, .hidden = 7, .conditioning = GetParam()}), {}, 3)};
  const torch::Tensor input_ = random({6, 4, 8, 12}, 1).abs();
};

// Both ways sum the same products, in another order: 1e-5 of the largest is 2^-24 times some 170.
TEST_P(EveryConditioning, FactorsAreTheGradientThatAutogradFinds) {
  for (const int parts : {1, 3}) {
    const Gradients factored = gradients_with_tape(network_, input_, parts);
    for (const auto& w : network_.weights()) w.mutable_grad() = torch::Tensor();
    network_.forward(input_).square().sum().backward();
    size_t outer = 0;
    for (size_t i = 0; i < factored.size(); ++i) {
      const torch::Tensor expected = network_.weights()[i].grad();
      const double largest = expected.abs().max().item<double>();
      EXPECT_LE((dense(factored[i]) - expected).abs().max().item<double>(), 1e-5 * largest)
          << network_.parameters()[i].name;
      outer += std::holds_alternative<OuterProducts>(factored[i]) ? 1 : 0;
    }
    EXPECT_EQ(outer, 10u);  // the HyperConvolutions of three levels
  }
}

TEST_P(EveryConditioning, TheirNormIsThatOfTheMatrices) {
  const Gradients factored = gradients_with_tape(network_, input_, 2);
  double squares = 0;
  for (const Gradient& g : factored) squares += dense(g).square().sum().item<double>();
  EXPECT_NEAR(norm(factored), std::sqrt(squares), 1e-5 * std::sqrt(squares));
}

INSTANTIATE_TEST_SUITE_P(Gradients, EveryConditioning,
                         testing::Values(Conditioning::layer, Conditioning::image,
                                         Conditioning::constant));

TEST(Adam, FirstStepIsTheLearningRate) {
  // With bias correction the first step is rate * g / |g|, whatever the gradient's size.
  auto w = torch::ones({3});
  Adam adam({w}, {0.5});
  adam.step(0.1, 0.9, {Gradient(torch::tensor({100.0f, -1.0f, 0.01f}))});
  EXPECT_NEAR(w[0].item<float>(), 0.95f, 1e-5f);
  EXPECT_NEAR(w[1].item<float>(), 1.05f, 1e-5f);
  EXPECT_NEAR(w[2].item<float>(), 0.95f, 1e-5f);
}

// A matrix of more rows than one piece holds, of a size that pieces do not divide.
TEST(Adam, StepsDownFactorsAsDownTheirMatrix) {
  const int64_t rows = 301, columns = 1023;
  const OuterProducts outer{random({5, rows}, 1), random({5, columns}, 2)};
  const auto start = random({rows, columns}, 3);
  torch::Tensor a = start.clone(), b = start.clone();
  Adam by_factors({a}, {0.5}), by_matrix({b}, {0.5});
  for (int step = 0; step < 3; ++step) {
    by_factors.step(1e-2, 0.9, {Gradient(outer)}, {0.25});
    by_matrix.step(1e-2, 0.9, {Gradient(outer.left.t().mm(outer.right) * 0.25)});
  }
  EXPECT_LT((a - b).abs().max().item<double>(), 1e-5);
  EXPECT_GT((a - start).abs().max().item<double>(), 1e-3);
  // Rounding of a sum of five products, not more.
  const auto difference = by_factors.first_moments()[0] - by_matrix.first_moments()[0];
  EXPECT_LT(difference.abs().max().item<double>(), 1e-6);
}

TEST(Adam, TheAverageFollowsTheWeights) {
  auto used = torch::ones({3}), unused = torch::ones({2});
  Adam adam({used, unused}, {1, 1});
  torch::Tensor average = used.clone();
  for (int step = 0; step < 30; ++step) {
    adam.step(0.1, 0.5, {Gradient(torch::tensor({1.0f, -2.0f, 0.5f})), Gradient(torch::Tensor())});
    average.lerp_(used, 1 - std::min(0.5, double(1 + step) / double(10 + step)));
  }
  EXPECT_LT((adam.average()[0] - average).abs().max().item<double>(), 1e-5);
  EXPECT_GT((used - average).abs().min().item<double>(), 1e-2);
  EXPECT_TRUE(torch::equal(adam.average()[1], unused));
}

}  // namespace
}  // namespace hyperconv
