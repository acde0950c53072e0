#include "training/inference.hpp"

#include <gtest/gtest.h>

#include "engine/testing.hpp"
#include "hyperconv/error.hpp"
#include "training/testing.hpp"

namespace hyperconv {
namespace {

// parity_test.cpp compares all networks closely; here it is about the ways of running one. Sums of
// 16 x 9 products in another order differ by some 1e-6, bf16's eight bits by some 1e-2.
TEST(TorchInference, RunsAsTheEngineDoes) {
  const auto model = std::make_shared<const Model>(random_model(make_network("develop-16")));
  const Tensor input = random_light({1, 4, 20, 36}, 3);
  const Tensor expected = run_engine(model, input);
  for (const bool tuned : {false, true}) {
    SCOPED_TRACE(tuned ? "tuned" : "as it comes");
    TorchInference network(*model, {.threads = 2, .tuned = tuned});
    Tensor output;
    network.run(input, output);
    const float* first = output.data();
    ASSERT_EQ(output.shape(), expected.shape());
    EXPECT_LT(largest(to_torch(output) - to_torch(expected)), 1e-4);
    network.run(input, output);
    EXPECT_EQ(output.data(), first);
    TorchInference narrow(*model,
                          {.threads = 2, .tuned = tuned, .precision = TrainingPrecision::bf16});
    narrow.run(input, output);
    const double rounded = largest(to_torch(output) - to_torch(expected));
    EXPECT_GT(rounded, 1e-4);
    EXPECT_LT(rounded, 0.1 * largest(to_torch(expected)));
  }
}

TEST(TorchInference, SaysWhatDoesNotFit) {
  const Model model = random_model(make_network("develop-16"));
  TorchInference network(model, {.threads = 1});
  Tensor output;
  EXPECT_THROW(network.run(random_light({1, 3, 8, 8}, 3), output), Error);
}

}  // namespace
}  // namespace hyperconv
