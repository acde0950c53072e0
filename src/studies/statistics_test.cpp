#include "studies/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
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

// The network with the filters of these statistics, on the photo.
Tensor with_filters_of(Engine& engine, const Statistics& statistics, const Tensor& photo) {
  const Shape& shape = photo.shape();
  Tensor output;
  engine.run_part(shape, {0, 0, shape.h, shape.w}, photo, engine.condition(statistics), output);
  return output;
}

TEST_P(StatisticsOf, FixedFiltersAreThePhotosOwn) {
  Engine engine(model_);
  const Statistics own = engine.statistics(photo_);
  EXPECT_EQ(own.size(), hyper_nodes(model_->graph()).size());
  EXPECT_LT(
      largest_difference(with_filters_of(engine, own, photo_), reference::run(*model_, photo_)),
      4 * reference::tolerance(*model_, photo_));
}

TEST_P(StatisticsOf, AnothersFiltersAreOthers) {
  Engine engine(model_);
  const Statistics others = engine.statistics(other_);
  const double difference =
      largest_difference(with_filters_of(engine, others, photo_), reference::run(*model_, photo_));
  if (std::string(GetParam()) == "study-hyper-constant")
    EXPECT_LT(difference, 4 * reference::tolerance(*model_, photo_));
  else
    EXPECT_GT(difference, 1e-2);
}

// An ordinary convolution with the filters that are shown is what the engine makes.
TEST_P(StatisticsOf, ShownFiltersAreThoseThatTheEngineHas) {
  const Statistics own = Engine(model_).statistics(photo_);
  Graph fixed;
  std::map<std::string, std::vector<float>> weights;
  for (NodeId id = 0; id <= model_->graph().output(); ++id) {
    Node node = model_->graph().node(id);
    if (const auto* op = std::get_if<HyperConv2d>(&node.op)) {
      weights[node.name + ".weight"] = predicted_filters(*model_, id, own.at(id));
      node.op = Conv2d{op->out_channels, op->kernel};
      node.inputs.resize(1);
    }
    fixed.add(node.name, node.op, node.inputs);
  }
  for (const Parameter& p : parameters(fixed))
    if (!weights.contains(p.name)) weights[p.name] = model_->weight(p.name).to_float();
  const auto ordinary = std::make_shared<const Model>(fixed, ModelInfo(), weights);
  EXPECT_LT(largest_difference(run_engine(ordinary, photo_), reference::run(*model_, photo_)),
            4 * reference::tolerance(*model_, photo_));
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

TEST(Statistics, AreNoneWithoutAHyperConvolution) {
  Engine engine(std::make_shared<const Model>(random_model(make_network("study-plain"))));
  EXPECT_TRUE(engine.statistics(light({1, 4, 8, 8}, 3)).empty());
}

}  // namespace
}  // namespace hyperconv
