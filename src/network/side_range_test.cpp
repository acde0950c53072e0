#include "network/side_range.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/testing.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const SideRanges told = {{"told", {{-1, 0.5f}, {1, 2}}}};

Tensor vectors(const std::vector<float>& values, int64_t channels) {
  Tensor tensor({int64_t(values.size()) / channels, channels, 1, 1});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

Graph told_graph() {
  Graph graph;
  const NodeId x = graph.add("input", Input{2}, {});
  graph.add("sum", Add{}, {x, graph.add("told", SideInput{2}, {})});
  return graph;
}

std::string refusal(const SideRanges& ranges) {
  return error_of([&] { check_side_ranges(told_graph(), ranges); });
}

TEST(SideRange, HoldsEachChannelOfEachSample) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  const float endless = std::numeric_limits<float>::infinity();
  const SideInputs held =
      held_to(told, {{"told", vectors({-3, 0, 0.5f, 1, 3, 4, none, none, endless, -endless}, 2)},
                     {"free", vectors({9}, 1)}});
  EXPECT_THAT(values_of(held.at("told")), ElementsAre(-1, 0.5f, 0.5f, 1, 1, 2, -1, 0.5f, 1, 0.5f));
  EXPECT_THAT(values_of(held.at("free")), ElementsAre(9));
}

TEST(SideRange, IsWidenedByEachSample) {
  SideRanges seen;
  widen(seen, SideInputs{{"told", vectors({1, 1, -1, 2}, 2)}});
  widen(seen, SideInputs{{"told", vectors({0, 0.5f}, 2)}});
  EXPECT_EQ(seen, told);
  widen(seen, SideRanges{{"told", {{-2, 1}, {0, 3}}}, {"more", {{0}, {0}}}});
  EXPECT_EQ(seen, (SideRanges{{"told", {{-2, 0.5f}, {1, 3}}}, {"more", {{0}, {0}}}}));
}

TEST(SideRange, IsTheSameAfterJson) {
  const SideRanges odd = {{"told", {{-1.0f / 3, 1e-30f}, {0.1f, 3e30f}}}};
  EXPECT_EQ(side_ranges_from_json(to_json(odd)), odd);
  EXPECT_EQ(side_ranges_from_json("{}"), SideRanges{});
}

TEST(SideRange, OtherJsonIsRefused) {
  const auto refused = [](const std::string& text) {
    return error_of([&] { side_ranges_from_json(text); });
  };
  for (const char* text : {"", "[]", "7", "{"}) EXPECT_THAT(refused(text), HasSubstr("no JSON"));
  EXPECT_THAT(refused(R"({"told":{"least":[0]}})"), HasSubstr("'greatest'"));
  EXPECT_THAT(refused(R"({"told":{"least":["0"],"greatest":[1]}})"), HasSubstr("'least'"));
  EXPECT_THAT(refused(R"({"told":7})"), HasSubstr("'least'"));
}

TEST(SideRange, MustFitTheGraph) {
  const float endless = std::numeric_limits<float>::infinity();
  EXPECT_NO_THROW(check_side_ranges(told_graph(), told));
  EXPECT_THAT(refusal({{"other", {{0}, {1}}}}), HasSubstr("'other', which the graph has not"));
  EXPECT_THAT(refusal({{"told", {{0}, {1}}}}), HasSubstr("1 and 1 channels, must be of 2"));
  EXPECT_THAT(refusal({{"told", {{0, 0}, {1}}}}), HasSubstr("2 and 1 channels"));
  EXPECT_THAT(refusal({{"told", {{0, 1}, {1, 0}}}}), HasSubstr("channel 1 is 1 to 0"));
  EXPECT_THAT(refusal({{"told", {{0, 1}, {1, endless}}}}), HasSubstr("must be finite"));
}

}  // namespace
}  // namespace hyperconv
