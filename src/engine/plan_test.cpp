#include "engine/plan.hpp"

#include <gtest/gtest.h>

#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

constexpr int lanes = 8;
constexpr Shape shape{1, 4, 32, 64};

template <class Kind, class... All>
bool is(const std::variant<All...>& group) {
  if constexpr ((std::is_same_v<Kind, All> || ...)) return std::holds_alternative<Kind>(group);
  return false;
}

template <class Kind>
bool holds(const Action& action) {
  return std::visit([](const auto& group) { return is<Kind>(group); }, action);
}

template <class Kind>
int count(const Plan& plan) {
  int found = 0;
  for (const Step& step : plan.steps) found += holds<Kind>(step.action) ? 1 : 0;
  return found;
}

std::vector<Plan> plans() {
  std::vector<Plan> made;
  for (const Graph& graph :
       {plain_unet({8}), hyper_unet({.width = 8, .conditioning = Conditioning::layer}),
        hyper_unet({.width = 12, .conditioning = Conditioning::image, .linear_path = true})}) {
    made.push_back(make_plan(graph, shape, {.lanes = lanes}));
  }
  return made;
}

TEST(Plan, FeatureMapsAliveAtTheSameTimeDoNotOverlap) {
  for (const Plan& plan : plans()) {
    for (size_t i = 0; i < plan.feature_maps.size(); ++i) {
      const FeatureMap& a = plan.feature_maps[i];
      EXPECT_LE(a.offset + a.bytes(), plan.arena_bytes);
      for (size_t j = 0; j < i; ++j) {
        const FeatureMap& b = plan.feature_maps[j];
        const bool together = a.first_step <= b.last_step && b.first_step <= a.last_step;
        const bool apart = a.offset + a.bytes() <= b.offset || b.offset + b.bytes() <= a.offset;
        EXPECT_TRUE(!together || apart) << i << " and " << j;
      }
    }
  }
}

TEST(Plan, EveryFeatureMapIsWrittenBeforeItIsRead) {
  for (const Plan& plan : plans()) {
    std::vector<bool> written(plan.feature_maps.size());
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      for (const FeatureMapId p : plan.steps[i].inputs) {
        EXPECT_TRUE(written[size_t(p)]);
        EXPECT_LE(plan.feature_maps[size_t(p)].first_step, int(i));
        EXPECT_GE(plan.feature_maps[size_t(p)].last_step, int(i));
      }
      for (const FeatureMapId p : plan.steps[i].outputs) written[size_t(p)] = true;
    }
  }
}

TEST(Plan, FusesAllThatAUNetOffers) {
  for (const Plan& plan : plans()) {
    EXPECT_EQ(count<action::Activation>(plan), 0);
    EXPECT_EQ(count<action::Concat>(plan), 0);
    EXPECT_EQ(count<action::Add>(plan), 0);
    EXPECT_EQ(count<action::PixelShuffle>(plan), 0);
    EXPECT_EQ(count<action::Output>(plan), 0);
    EXPECT_EQ(count<action::Conv2dToOutput>(plan), 1);
  }
}

TEST(Plan, SumOfConvolutionsIsOneConvolution) {
  const Plan plan = plans().back();
  const FilterSpec& last = plan.filters.back();
  ASSERT_EQ(last.slices.size(), 2u);
  EXPECT_EQ(last.slices[0].channels, 12);
  EXPECT_EQ(last.slices[1].channels, 4);
  EXPECT_NE(last.slices[0].node, last.slices[1].node);
}

TEST(Plan, FiltersDoNotDependOnTheFrame) {
  const Graph graph = hyper_unet({.width = 12});
  EXPECT_EQ(make_plan(graph, shape, {.lanes = lanes}).filters,
            make_plan(graph, {1, 4, 4, 4}, {.lanes = lanes}).filters);
}

TEST(Plan, AChainNeedsTwoPlaces) {
  Graph graph;
  NodeId x = graph.add("input", Input{8}, {});
  for (const char* name : {"a", "b", "c", "d", "e"}) x = graph.add(name, Conv2d{8, 3}, {x});
  const Plan plan = make_plan(graph, {1, 8, 32, 64}, {.lanes = lanes});
  EXPECT_EQ(plan.arena_bytes, 2 * plan.feature_maps.front().bytes());
}

TEST(Plan, ConvolutionsStoreWholeVectorsAndReadABorder) {
  Graph graph;
  NodeId x = graph.add("input", Input{3}, {});
  x = graph.add("a", Conv2d{5, 1}, {x});
  graph.add("b", Conv2d{4, 7}, {x});
  const Plan plan = make_plan(graph, {1, 3, 10, 11}, {.lanes = lanes});
  EXPECT_EQ(plan.feature_maps[0].pixel, 3);
  EXPECT_EQ(plan.feature_maps[0].border, 0);
  EXPECT_EQ(plan.feature_maps[1].pixel, 8);
  EXPECT_EQ(plan.feature_maps[1].border, 3);
}

}  // namespace
}  // namespace hyperconv
