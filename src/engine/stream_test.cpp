// Row by row against layer by layer: the same bits, whatever the tiles and the threads.
#include "engine/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing.hpp"
#include "engine/whole.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using Shared = std::shared_ptr<const Model>;

struct Form {
  bool winograd;
  Precision precision;
  const Bf16Kernels* bf16 = nullptr;
};

std::vector<Form> forms() {
  std::vector<Form> all = {{false, Precision::f32},
                           {true, Precision::f32},
                           {false, Precision::bf16},
                           {true, Precision::bf16}};
  // The plain loops would take minutes, and have no tiles that could cut a row another way.
  for (const Bf16Kernels& bf16 : bf16_kernels())
    if (bf16.name != "portable")
      for (const bool winograd : {false, true}) all.push_back({winograd, Precision::bf16, &bf16});
  return all;
}

// Everything that one executor needs.
class Rig {
 public:
  Rig(Shared model, const Shape& shape, int threads, const Form& form)
      : model_(std::move(model)),
        plan_(make_plan(model_->graph(), shape,
                        {kernels().lanes, form.winograd, form.bf16, form.precision})),
        threads_(threads),
        filters_(model_, plan_.filters, kernels(), threads_) {
    // Any vectors: both ways are given the same.
    const auto shapes = infer_shapes(model_->graph(), shape);
    for (const Step& step : plan_.steps)
      if (step_name(step.action) == "take vector") {
        const Tensor values = random_tensor(shapes[size_t(step.node)], 7);
        given_.vectors[step.node].assign(values.data(), values.data() + values.size());
      }
    predict_filters(plan_, filters_, {}, given_);
  }

  const Plan& plan() const { return plan_; }

  Tensor whole(const Tensor& input) {
    WholeExecutor executor(plan_, filters_, kernels(), threads_);
    return run(executor, input);
  }

  Tensor stream(const Tensor& input, int64_t tile_width) {
    StreamExecutor executor(plan_, filters_, kernels(), threads_, tile_width);
    run(executor, input);
    return run(executor, input);  // rings that have been used
  }

 private:
  Tensor run(Executor& executor, const Tensor& input) const {
    Tensor output(plan_.output);
    std::fill_n(output.data(), output.size(), NAN);
    executor.run({input, output}, given_);
    return output;
  }

  Shared model_;
  Plan plan_;
  Threads threads_;
  FilterBank filters_;
  Given given_;
};

void check(const Graph& graph, const Shape& shape) {
  SCOPED_TRACE(to_string(shape));
  const auto model = std::make_shared<const Model>(random_model(graph));
  const Tensor input = random_tensor(shape);
  for (const std::string& target : tested_targets()) {
    const ForcedTarget forced(target);
    for (const Form& form : forms()) {
      const Tensor want = Rig(model, shape, 1, form).whole(input);
      for (const int threads : {1, 2, 3, 7}) {
        Rig rig(model, shape, threads, form);
        ASSERT_TRUE(can_stream(rig.plan()));
        for (const int64_t width : {int64_t(5), int64_t(16), widest_tile}) {
          const Tensor got = rig.stream(input, width);
          for (size_t i = 0; i < want.size(); ++i) {
            ASSERT_EQ(got.data()[i], want.data()[i])
                << "at " << i << ", " << target << ", " << threads << " threads, tiles of " << width
                << (form.winograd ? ", winograd" : ", direct")
                << (form.precision == Precision::bf16 ? ", bf16" : "")
                << (form.bf16 != nullptr ? " by " + form.bf16->name : "");
          }
        }
      }
    }
  }
}

TEST(Stream, UNetsAsAWhole) {
  for (const auto conditioning : {Conditioning::image, Conditioning::constant}) {
    const Graph graph =
        hyper_unet({.width = 5, .hidden = 9, .conditioning = conditioning, .linear_path = true});
    for (const Shape& shape : {Shape{1, 4, 4, 4}, Shape{1, 4, 12, 28}, Shape{1, 4, 60, 44}})
      check(graph, shape);
  }
  check(plain_unet({8}), {1, 4, 26, 34});
}

TEST(Stream, DevelopNetworksThatAreToldTheNoise) {
  const Graph graph = develop_network({.widths = {5, 6, 7}, .hidden = 4, .hyper_levels = 3});
  for (const Shape& shape : {Shape{1, 4, 4, 4}, Shape{1, 4, 12, 28}, Shape{1, 4, 60, 44}})
    check(graph, shape);
}

TEST(Stream, DenoisersOfAnySize) {
  check(vdn_denoiser(3), {1, 3, 24, 40});
  check(vdn_denoiser(4, 5), {1, 3, 40, 24});
  for (const Shape& shape : {Shape{1, 3, 1, 1}, Shape{1, 3, 2, 37}, Shape{1, 3, 31, 3}})
    check(vdn_noise(5), shape);
}

// What goes by rows and stands in no network that streams.
TEST(Stream, EveryOperatorThatGoesByRows) {
  Graph g;
  const NodeId input = g.add("input", Input{3}, {});
  const NodeId a = g.add("a", Conv2d{5, 3}, {input});
  const NodeId soft = g.add("soft", Activation{ActivationKind::leaky_relu}, {a});
  const NodeId b = g.add("b", Conv2d{3, 5}, {soft});
  const NodeId joined = g.add("joined", Concat{}, {a, b, input});
  const NodeId bent = g.add("bent", PRelu{}, {joined});
  const NodeId half = g.add("half", Conv2d{.out_channels = 8, .stride = 2}, {bent});
  const NodeId bands = g.add("bands", Haar2d{}, {joined});
  const NodeId largest = g.add("largest", MaxPool2d{}, {bent});
  const NodeId low = g.add("low", Haar2d{HaarKind::low}, {joined});
  const NodeId sum = g.add("sum", Add{}, {largest, low});
  const NodeId product = g.add("product", Multiply{}, {sum, low});
  const NodeId gate = g.add("gate", Activation{ActivationKind::sigmoid}, {half});
  const NodeId coarse = g.add("coarse", Concat{}, {product, gate, bands});
  const NodeId narrow = g.add("narrow", Conv2d{8, 1}, {coarse});
  const NodeId back = g.add("back", Haar2d{HaarKind::synthesis}, {narrow});
  const NodeId shuffled = g.add("shuffled", PixelShuffle{2}, {narrow});
  const NodeId up = g.add("up", Upsample2d{}, {gate});
  const NodeId across = g.add("across", ConvTranspose2d{4}, {coarse});
  const NodeId all = g.add("all", Concat{}, {back, shuffled, up, across, a});
  g.add("out", Conv2d{7, 3}, {all});
  for (const Shape& shape : {Shape{1, 3, 2, 4}, Shape{1, 3, 14, 26}, Shape{1, 3, 46, 38}})
    check(g, shape);
  g.add("end", Concat{}, {a, joined});  // ends with what is no convolution
  check(g, {1, 3, 14, 26});
}

TEST(Stream, NotWhereAnOperatorLooksAtAWholeLayer) {
  const auto streams = [](const Graph& graph, const Shape& shape) {
    return can_stream(make_plan(graph, shape, {}));
  };
  EXPECT_TRUE(streams(hyper_unet({.width = 4}), {1, 4, 8, 8}));
  EXPECT_FALSE(
      streams(hyper_unet({.width = 4, .conditioning = Conditioning::layer}), {1, 4, 8, 8}));
  EXPECT_FALSE(streams(pynet(2), {1, 4, 16, 16}));
  EXPECT_FALSE(streams(awnet(8), {1, 4, 16, 16}));
  Graph mirrored;
  mirrored.add("conv", Conv2d{.out_channels = 3, .padding = Padding::reflect},
               {mirrored.add("input", Input{3}, {})});
  EXPECT_FALSE(streams(mirrored, {1, 3, 8, 8}));
  Graph gated;
  const NodeId input = gated.add("input", Input{3}, {});
  const NodeId s = gated.add("s", PhotoDescriptor{}, {input});
  gated.add("out", Multiply{}, {gated.add("nine", Conv2d{9, 1}, {input}), s});
  EXPECT_FALSE(streams(gated, {1, 3, 8, 8}));
}

TEST(Stream, TheEngineSaysWhenItCannot) {
  const auto model = std::make_shared<const Model>(random_model(pynet(2)));
  try {
    Engine(model, {.execution = Execution::stream});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot run row by row"));
  }
  EXPECT_EQ(Engine(model).execution(), Execution::whole);
  const auto plain = std::make_shared<const Model>(random_model(plain_unet({4})));
  EXPECT_EQ(Engine(plain).execution(), Execution::stream);
  EXPECT_EQ(Engine(plain, {.execution = Execution::whole}).execution(), Execution::whole);
}

// A photo eight times as large needs no more memory: its tiles are no wider.
TEST(Stream, MemoryDoesNotGrowWithThePhoto) {
  const Graph graph = hyper_unet({.width = 16, .hidden = 2, .linear_path = true});
  const EngineOptions two{.threads = 2};
  const int64_t small = activation_bytes(graph, {1, 4, 1488, 1984}, two);
  const int64_t large = activation_bytes(graph, {1, 4, 4344, 5760}, two);
  EXPECT_LT(small, 100'000'000);
  EXPECT_LT(large, 100'000'000);
  EXPECT_LT(large, small * 3 / 2);
}

}  // namespace
}  // namespace hyperconv
