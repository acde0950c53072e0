#include "studies/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

Tensor light(const Shape& shape, uint64_t seed) {
  Tensor tensor = random_tensor(shape, seed);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = 0.4f + 0.1f * tensor.data()[i];
  return tensor;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(double(a.data()[i]) - double(b.data()[i])));
  return most;
}

class StatisticsOf : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Model> model_ = std::make_shared<const Model>(
      random_model(make_network(GetParam(), {.width = 4, .hidden = 6})));
  Tensor photo_ = light({1, 4, 12, 16}, 3), other_ = light({1, 4, 8, 8}, 9);
};

// With the filters of a photo's own statistics, a network of ordinary convolutions is the same one.
TEST_P(StatisticsOf, FixedFiltersAreThePhotosOwn) {
  const Statistics own = StatisticsProbe(*model_).of(photo_);
  const auto fixed = std::make_shared<const Model>(with_fixed_filters(*model_, own));
  EXPECT_TRUE(hyper_nodes(fixed->graph()).empty());
  const Tensor expected = reference::run(*model_, photo_);
  EXPECT_LT(largest_difference(run_engine(fixed, photo_), expected),
            4 * reference::tolerance(*model_, photo_));
}

TEST_P(StatisticsOf, AnothersFiltersAreOthers) {
  const Statistics others = StatisticsProbe(*model_).of(other_);
  const auto fixed = std::make_shared<const Model>(with_fixed_filters(*model_, others));
  const double difference =
      largest_difference(run_engine(fixed, photo_), reference::run(*model_, photo_));
  if (std::string(GetParam()) == "study-hyper-constant")
    EXPECT_LT(difference, 4 * reference::tolerance(*model_, photo_));
  else
    EXPECT_GT(difference, 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Studies, StatisticsOf,
                         testing::Values("study-hyper-layer", "study-hyper-image",
                                         "study-hyper-constant"),
                         [](const auto& name) {
                           return std::string(name.param).substr(sizeof("study-hyper-") - 1);
                         });

TEST(Statistics, MeanIsByComponent) {
  const Statistics mean = mean_of({{{3, {1, 5}}}, {{3, {2, 7}}}});
  EXPECT_EQ(mean.at(3), (std::vector<float>{1.5f, 6}));
}

TEST(Statistics, NeedAHyperConvolution) {
  EXPECT_THROW(StatisticsProbe(random_model(make_network("study-plain"))), Error);
}

}  // namespace
}  // namespace hyperconv
