// Parts of a photo against the whole of it at once.
#include "engine/parts.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/integers.hpp"
#include "base/testing.hpp"
#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using Shared = std::shared_ptr<const Model>;

Shared shared(const Graph& graph) { return std::make_shared<const Model>(random_model(graph)); }

// A photo with a bright half, so that parts differ from the whole in what describes them.
Tensor photo_of(const Graph& graph, int64_t height, int64_t width) {
  Tensor photo = random_tensor({1, std::get<Input>(graph.node(0).op).channels, height, width});
  for (int64_t c = 0; c < photo.shape().c; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        float& value = photo.at(0, c, y, x);
        value = 0.3f + 0.1f * value + (y > height / 2 ? 0.5f : 0.0f);
      }
  return photo;
}

Tensor whole_of(const Shared& model, const Tensor& photo, const EngineOptions& options = {}) {
  Tensor output;
  Engine(model, options).run(photo, output, random_side(model->graph()));
  return output;
}

// The same photo as something that has to be read.
WholeInput to_be_read(const Tensor& photo) {
  WholeInput input = whole_input(photo);
  input.values = nullptr;
  return input;
}

struct Made {
  Tensor output;
  int64_t parts = 0;
};

// A region's output, put together from the parts that fit into so many bytes.
Made in_parts(PartRunner& runner, const Shared& model, const Tensor& photo, const Region& region,
              const Conditions& conditions) {
  const Shape &in = photo.shape(), out = infer_shapes(model->graph(), in).back();
  const int64_t scale = out.h / in.h;
  Made made{Tensor({1, out.c, region.height * scale, region.width * scale})};
  std::fill_n(made.output.data(), made.output.size(), NAN);
  made.parts = runner.run(to_be_read(photo), region, conditions, [&](const PhotoPart& part) {
    for (int64_t c = 0; c < out.c; ++c)
      for (int64_t y = 0; y < part.region.height * scale; ++y)
        std::copy_n(part.output.row(0, c, part.output_top + y) + part.output_left,
                    part.region.width * scale,
                    made.output.row(0, c, (part.region.top - region.top) * scale + y) +
                        (part.region.left - region.left) * scale);
    // What was read of the photo is that part of it.
    EXPECT_EQ(part.input.at(0, 0, part.input_top, part.input_left),
              photo.at(0, 0, part.region.top, part.region.left));
  });
  return made;
}

// What a run of the whole takes.
int64_t bytes_at_once(const Shared& model, const Shape& shape, const EngineOptions& options = {}) {
  const int64_t floats = shape.count() + infer_shapes(model->graph(), shape).back().count();
  return Engine(model, options).arena_bytes(shape) + floats * int64_t(sizeof(float));
}

void expect_part_of(const Tensor& whole, const Made& made, const Region& region, double scale,
                    double tolerance) {
  const Shape& shape = made.output.shape();
  for (int64_t c = 0; c < shape.c; ++c)
    for (int64_t y = 0; y < shape.h; ++y)
      for (int64_t x = 0; x < shape.w; ++x) {
        const float want = whole.at(0, c, int64_t(double(region.top) * scale) + y,
                                    int64_t(double(region.left) * scale) + x);
        if (tolerance == 0)
          ASSERT_EQ(made.output.at(0, c, y, x), want) << c << " " << y << " " << x;
        else
          ASSERT_NEAR(made.output.at(0, c, y, x), want, tolerance) << c << " " << y << " " << x;
      }
}

// A descriptor of what a convolution makes of the photo, and a side input.
Graph steered_from_all_sides() {
  Graph g;
  const NodeId input = g.add("input", Input{3}, {});
  const NodeId told = g.add("told", SideInput{5}, {});
  const NodeId first = g.add("first", Conv2d{6, 5}, {input});
  const NodeId half = g.add("half", AveragePool2d{}, {first});
  const NodeId seen = g.add("seen", PhotoDescriptor{}, {half});
  const NodeId plain = g.add("plain", PhotoDescriptor{}, {input});
  const NodeId s = g.add("s", Concat{}, {seen, told, plain});
  const NodeId middle = g.add("middle", HyperConv2d{.out_channels = 7, .hidden = 5}, {half, s});
  const NodeId up = g.add("up", Upsample2d{}, {middle});
  g.add("last", HyperConv2d{.out_channels = 3, .hidden = 4}, {up, plain});
  return g;
}

struct Case {
  const char* name;
  Graph graph;
};

std::vector<Case> networks_that_stream() {
  return {
      {"told", develop_network({.widths = {5, 6, 7}, .hidden = 4})},
      {"described", hyper_unet({.width = 5, .hidden = 4, .linear_path = true})},
      {"told and described", develop_network({.widths = {5, 6}, .hidden = 4, .sees_photo = true})},
      {"halves described", small_denoiser({.width = 4, .hidden = 3})},
      {"layers described", steered_from_all_sides()},
      {"plain", plain_unet({.width = 4})},
  };
}

// Odd regions, sizes that parts do not divide, all numbers of threads, both kernels: the same bits.
TEST(Parts, AreTheWholeBitForBit) {
  for (const auto& [name, graph] : networks_that_stream()) {
    const Shared model = shared(graph);
    const int64_t unit = size_multiple(graph);
    const Tensor photo = photo_of(graph, round_up(150, unit), round_up(93, unit));
    const Shape& shape = photo.shape();
    for (const char* kernel : {"direct", "winograd"}) {
      const ForcedKernel forced(kernel);
      const Tensor whole = whole_of(model, photo, {.threads = 1});
      const double scale = double(whole.shape().h) / double(shape.h);
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(fmt::format("{}, {}, {} threads", name, kernel, threads));
        for (const bool is_small : {false, true}) {
          const EngineOptions options{.threads = threads};
          const int64_t memory = bytes_at_once(model, shape, options) - (is_small ? 1 : 0);
          PartRunner runner(model, options, {.memory = memory});
          ASSERT_EQ(runner.engine().execution(), Execution::stream);
          const Conditions conditions =
              runner.engine().condition(to_be_read(photo), {}, random_side(graph));
          for (const Region& region : {Region{0, 0, shape.h, shape.w}, Region{37, 21, 50, 43},
                                       Region{shape.h - 1, shape.w - 1, 1, 1}}) {
            const Made made = in_parts(runner, model, photo, region, conditions);
            if (region.height == shape.h) {
              EXPECT_EQ(made.parts > 1, is_small);
            }
            expect_part_of(whole, made, region, scale, 0);
          }
        }
      }
    }
  }
}

// Layer by layer a part is a small photo of its own: roundings of what makes four rows at once.
TEST(Parts, LayerByLayerAreTheWholeButForRoundings) {
  for (const auto& [name, graph] : networks_that_stream()) {
    const Shared model = shared(graph);
    const int64_t unit = size_multiple(graph);
    const Tensor photo = photo_of(graph, round_up(430, unit), round_up(40, unit));
    for (const char* kernel : {"direct", "winograd"}) {
      SCOPED_TRACE(fmt::format("{}, {}", name, kernel));
      const ForcedKernel forced(kernel);
      const EngineOptions options{.threads = 2, .execution = Execution::whole};
      const Tensor whole = whole_of(model, photo, options);
      PartRunner runner(model, options,
                        {.memory = bytes_at_once(model, photo.shape(), options) - 1});
      const Conditions conditions =
          runner.engine().condition(to_be_read(photo), {}, random_side(graph));
      const Region all{0, 0, photo.shape().h, photo.shape().w};
      const Made made = in_parts(runner, model, photo, all, conditions);
      EXPECT_GT(made.parts, 1);
      expect_part_of(whole, made, all, 1, std::string(kernel) == "direct" ? 0 : 2e-4);
    }
  }
}

// FiLM: vectors go into the rows.
TEST(Parts, TakeVectorsThatRowsAreMadeFrom) {
  const Graph graph = make_network("study-film", {.width = 4, .hidden = 5});
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 96, 64);
  const ForcedKernel forced("direct");
  const Tensor whole = whole_of(model, photo);
  Engine engine(model);
  PartRunner runner(model, {}, {.memory = engine.arena_bytes(photo.shape()) / 2});
  EXPECT_FALSE(runner.engine().why_not_in_parts());
  const Conditions conditions = runner.engine().condition(to_be_read(photo));
  const Region all{0, 0, 96, 64};
  const Made made = in_parts(runner, model, photo, all, conditions);
  EXPECT_GT(made.parts, 1);
  expect_part_of(whole, made, all, 2, 0);
}

TEST(Parts, WhatLooksAtWholeLayersRunsOnTheWhole) {
  for (const char* network : {"study-hyper-layer", "study-squeeze-excitation"}) {
    const Graph graph = make_network(network, {.width = 4});
    const Shared model = shared(graph);
    const Tensor photo = photo_of(graph, 40, 60);
    const Tensor whole = whole_of(model, photo);
    PartRunner runner(model, {});
    const Conditions conditions = runner.engine().condition(to_be_read(photo));
    ASSERT_TRUE(runner.engine().why_not_in_parts(conditions));
    EXPECT_THAT(*runner.engine().why_not_in_parts(), HasSubstr("looks at the whole of a layer"));
    const Region part{11, 7, 20, 31};
    const Made made = in_parts(runner, model, photo, part, conditions);
    EXPECT_EQ(made.parts, 1);
    expect_part_of(whole, made, part, 2, 0);

    PartRunner small(model, {}, {.memory = 10'000});
    const Conditions others = small.engine().condition(to_be_read(photo));
    const std::string error = error_of([&] { in_parts(small, model, photo, part, others); });
    EXPECT_THAT(error, HasSubstr("9.31e-06 GiB of memory are too little: node '"));
    EXPECT_THAT(error, HasSubstr("cannot run in parts"));

    const int64_t too_little = bytes_at_once(model, photo.shape()) * 7 / 8;
    PartRunner alone(model, {}, {.memory = too_little, .alone = true});
    const Region all{0, 0, 40, 60};
    EXPECT_GT(in_parts(alone, model, photo, all, alone.engine().condition(to_be_read(photo))).parts,
              1);
  }
}

// Once it is known what they follow from, filters look at nothing more.
TEST(Parts, KnownStatisticsMakeALayersNetworkRunInParts) {
  const Graph graph = make_network("study-hyper-layer", {.width = 4, .hidden = 3});
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 120, 88);
  const ForcedKernel forced("direct");
  const Tensor whole = whole_of(model, photo);
  Engine engine(model);
  PartRunner runner(model, {}, {.memory = engine.arena_bytes(photo.shape()) / 2});
  const Conditions conditions = runner.engine().condition(runner.engine().statistics(photo));
  EXPECT_FALSE(runner.engine().why_not_in_parts(conditions));
  const Region all{0, 0, 120, 88};
  const Made made = in_parts(runner, model, photo, all, conditions);
  EXPECT_GT(made.parts, 1);
  expect_part_of(whole, made, all, 2, 0);
}

TEST(Parts, SayHowMuchTheSmallestNeeds) {
  const Graph graph = plain_unet({8});
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 256, 256);
  const Region all{0, 0, 256, 256};
  PartRunner none(model, {}, {.memory = 1000});
  const Conditions conditions = none.engine().condition(to_be_read(photo));
  const std::string error = error_of([&] { in_parts(none, model, photo, all, conditions); });
  const std::string before =
      "9.31e-07 GiB of memory are too little: even in parts this network "
      "needs ";
  ASSERT_THAT(error, HasSubstr(before));
  const double needed = std::stod(error.substr(before.size())) * 1.01 * (1 << 30);
  PartRunner enough(model, {}, {.memory = int64_t(needed)});
  const Conditions again = enough.engine().condition(to_be_read(photo));
  EXPECT_GT(in_parts(enough, model, photo, all, again).parts, 16);
}

TEST(Parts, RightAroundThemToo) {
  const Graph graph = vdn_denoiser(3);
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 80, 64), whole = whole_of(model, photo);
  PartRunner runner(model, {}, {.around = 4});
  const Conditions conditions = runner.engine().condition(to_be_read(photo));
  runner.run(to_be_read(photo), {30, 2, 9, 7}, conditions, [&](const PhotoPart& part) {
    for (int64_t y = -4; y < 9 + 4; ++y)
      for (int64_t x = -2; x < 7 + 4; ++x) {
        ASSERT_EQ(part.output.at(0, 1, part.output_top + y, part.output_left + x),
                  whole.at(0, 1, 30 + y, 2 + x));
        ASSERT_EQ(part.input.at(0, 1, part.input_top + y, part.input_left + x),
                  photo.at(0, 1, 30 + y, 2 + x));
      }
  });
}

// What is around the photo is seen by filters and not described.
TEST(Conditions, DescribeThePhotoWithoutItsPadding) {
  for (const Graph& graph : {small_denoiser({.width = 4, .hidden = 3}), vdn_denoiser(4, 3)}) {
    const Shared model = shared(graph);
    Tensor padded = photo_of(graph, 96, 96);
    Tensor photo({1, 3, 48, 32});
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < 48; ++y)
        for (int64_t x = 0; x < 32; ++x) photo.at(0, c, y, x) = padded.at(0, c, 16 + y, 32 + x);
    Engine engine(model);
    const Conditions alone = engine.condition(whole_input(photo));
    EXPECT_EQ(engine.condition(to_be_read(padded), Region{16, 32, 48, 32}).statistics(),
              alone.statistics());
    EXPECT_NE(engine.condition(to_be_read(padded)).statistics(), alone.statistics());
    EXPECT_THAT(error_of([&] {
                  engine.condition(to_be_read(padded), Region{4, 32, 48, 32});
                }),
                HasSubstr("begins at (32, 4)"));
    EXPECT_THAT(error_of([&] {
                  engine.condition(to_be_read(padded), Region{16, 80, 48, 32});
                }),
                HasSubstr("not within"));
  }
}

// A descriptor may look at what itself looks at whole layers, or at what has one size.
TEST(Conditions, DescribeWhatFollowsFromWholeLayers) {
  Graph g;
  const NodeId input = g.add("input", Input{3}, {});
  const NodeId normed = g.add("normed", Norm2d{}, {input});
  const NodeId nine = g.add("nine", AdaptiveAveragePool2d{3}, {input});
  const NodeId s =
      g.add("s", Concat{},
            {g.add("a", PhotoDescriptor{}, {normed}), g.add("b", PhotoDescriptor{}, {nine})});
  g.add("out", HyperConv2d{.out_channels = 2, .hidden = 4}, {input, s});
  const Shared model = shared(g);
  const Tensor photo = photo_of(g, 71, 34), want = reference::run(*model, photo);
  Engine engine(model);
  Tensor output;
  const Region part{20, 9, 31, 17};
  const PartPlan planned = engine.plan_part(photo.shape(), part);
  Tensor values({1, 3, planned.reads.height, planned.reads.width});
  to_be_read(photo).read(planned.reads, values);
  engine.run_part(photo.shape(), part, values, engine.condition(to_be_read(photo)), output);
  for (int64_t y = 0; y < planned.makes.height; ++y)
    for (int64_t x = 0; x < planned.makes.width; ++x)
      ASSERT_NEAR(output.at(0, 1, y, x),
                  want.at(0, 1, planned.makes.top + y, planned.makes.left + x),
                  4 * reference::tolerance(*model, photo));
}

TEST(Conditions, DoNotDependOnThreadsOrOnHowThePhotoIsRead) {
  const Graph graph = steered_from_all_sides();
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 334, 46);
  const SideInputs side = random_side(graph);
  Engine one(model, {.threads = 1});
  const Statistics want = one.condition(whole_input(photo), {}, side).statistics();
  ASSERT_EQ(want.size(), 2u);
  for (const int threads : {2, 3, 7}) {
    Engine many(model, {.threads = threads});
    EXPECT_EQ(many.condition(to_be_read(photo), {}, side).statistics(), want) << threads;
  }
}

// The other way round: what an engine says of a photo makes it the same picture again.
TEST(Conditions, OfAPhotosOwnStatisticsAreItsOwn) {
  for (const char* network : {"study-hyper-layer", "study-hyper-image", "study-hyper-constant"}) {
    const Graph graph = make_network(network, {.width = 4, .hidden = 3});
    const Shared model = shared(graph);
    const Tensor photo = photo_of(graph, 36, 44), whole = whole_of(model, photo);
    Engine engine(model);
    const Statistics statistics = engine.statistics(photo);
    EXPECT_EQ(statistics.size(), 5u) << network;
    Tensor output;
    engine.run_part(photo.shape(), {0, 0, 36, 44}, photo, engine.condition(statistics), output);
    for (size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(output.data()[i], whole.data()[i]);
  }
}

TEST(Conditions, AreSharedAndCheckedAgainstTheirEngine) {
  const Graph graph = hyper_unet({.width = 4, .hidden = 3});
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 24, 24), dark = random_tensor(photo.shape(), 9);
  Engine engine(model), other(model);
  const Conditions first = engine.condition(whole_input(photo));
  const Conditions copy = first;
  Tensor want, got;
  engine.run(photo, want);
  engine.run(dark, got);  // another photo in between changes nothing in them
  engine.run_part(photo.shape(), {0, 0, 24, 24}, photo, copy, got);
  for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(got.data()[i], want.data()[i]);
  EXPECT_THAT(error_of([&] {
                other.run_part(photo.shape(), {0, 0, 24, 24}, photo, first, got);
              }),
              HasSubstr("another engine's"));
  EXPECT_THAT(error_of([&] {
                engine.run_part(photo.shape(), {0, 0, 25, 24}, photo, first, got);
              }),
              HasSubstr("is not within the input's 24x24"));
  EXPECT_THAT(error_of([&] {
                engine.run_part({1, 4, 48, 48}, {0, 0, 48, 48}, photo, first, got);
              }),
              HasSubstr("reads [1,4,48,48] of the input, not [1,4,24,24]"));
}

// What no statistics speak of follows from what the network is told.
TEST(Conditions, OfSomeStatisticsLeaveTheRestToTheSideInputs) {
  const Graph graph = develop_network({.widths = {4, 6}, .hidden = 3});
  const Shared model = shared(graph);
  const Tensor photo = photo_of(graph, 16, 24), whole = whole_of(model, photo);
  const SideInputs side = random_side(graph);
  Engine engine(model);
  Statistics some = engine.statistics(photo, side);
  ASSERT_GT(some.size(), 2u);
  some.erase(some.begin());
  Tensor output;
  const Region all{0, 0, 16, 24};
  engine.run_part(photo.shape(), all, photo, engine.condition(some, side), output);
  for (size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(output.data()[i], whole.data()[i]);
  some.begin()->second[0] += 1;
  engine.run_part(photo.shape(), all, photo, engine.condition(some, side), output);
  EXPECT_NE(output.at(0, 0, 5, 5), whole.at(0, 0, 5, 5));
}

TEST(Conditions, OfStatisticsThatDoNotFitAreRefused) {
  const Graph image = make_network("study-hyper-image", {.width = 4, .hidden = 3});
  Engine engine(shared(image));
  Statistics statistics = engine.statistics(photo_of(image, 8, 8));
  statistics.begin()->second.push_back(1);
  EXPECT_THAT(error_of([&] { engine.condition(statistics); }),
              HasSubstr("follow from 12 numbers, not from 13"));
  statistics.erase(statistics.begin());
  EXPECT_THAT(error_of([&] { engine.condition(statistics); }), HasSubstr("by way of 'descriptor'"));
}

}  // namespace
}  // namespace hyperconv
