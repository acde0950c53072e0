// Whole networks: against the reference, over threads, sizes, instruction sets and precisions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/interrupt.hpp"
#include "base/testing.hpp"
#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using Shared = std::shared_ptr<const Model>;

Shared shared(Model model) { return std::make_shared<const Model>(std::move(model)); }

Graph small_hyper(Conditioning conditioning, bool linear_path = false) {
  return hyper_unet(
      {.width = 5, .hidden = 9, .conditioning = conditioning, .linear_path = linear_path});
}

void expect_near(const Tensor& got, const Tensor& want, double tolerance) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_GT(tolerance, 0);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(double(got.data()[i]), double(want.data()[i]), tolerance) << "at " << i;
  }
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (size_t i = 0; i < tensor.size(); ++i)
    most = std::max(most, std::fabs(double(tensor.data()[i])));
  return most;
}

void check(const Shared& model, const Shape& shape) {
  SCOPED_TRACE(to_string(shape));
  const Tensor input = random_tensor(shape);
  const Tensor want = reference::run(*model, input, nullptr, random_side(model->graph()));
  const double tolerance = reference::tolerance(*model, input, random_side(model->graph()));
  // A network that magnifies roundings so much would let anything pass.
  ASSERT_LT(tolerance, 1e-3 * largest(want));
  for (const std::string& target : tested_targets()) {
    SCOPED_TRACE(target);
    const ForcedTarget forced(target);
    expect_near(run_engine(model, input), want, tolerance);
  }
  const ForcedKernel direct("direct");
  expect_near(run_engine(model, input), want, tolerance);
}

TEST(Engine, PlainUNet) {
  const Shared model = shared(random_model(plain_unet({6})));
  for (const Shape& shape : {Shape{1, 4, 2, 2}, Shape{1, 4, 10, 34}}) check(model, shape);
}

TEST(Engine, HyperUNets) {
  for (const auto conditioning :
       {Conditioning::layer, Conditioning::image, Conditioning::constant}) {
    const Shared model = shared(random_model(small_hyper(conditioning)));
    for (const Shape& shape : {Shape{1, 4, 4, 4}, Shape{1, 4, 12, 28}}) check(model, shape);
  }
}

TEST(Engine, LinearPathAndPlainConvolutions) {
  check(shared(random_model(small_hyper(Conditioning::image, true))), {1, 4, 12, 20});
  check(shared(random_model(hyper_unet({.width = 4, .hidden = 0, .linear_path = true}))),
        {1, 4, 8, 12});
}

TEST(Engine, DevelopNetworks) {
  const DevelopNetwork told{.widths = {4, 5, 6}, .hidden = 4};
  DevelopNetwork plain = told;
  plain.hidden = 0;
  for (const Graph& graph : {develop_network(told), develop_network(plain)})
    for (const Shape& shape : {Shape{1, 4, 4, 4}, Shape{1, 4, 12, 28}})
      check(shared(random_model(graph)), shape);
}

// The comparators at small widths: instance norms over very few pixels would magnify every
// rounding, so the lowest level has some.
TEST(Engine, PyNets) {
  for (const Graph& graph : {pynet(2), pynet_ca(1)}) {
    const Shared model = shared(random_model(graph));
    for (const Shape& shape : {Shape{1, 4, 32, 48}, Shape{1, 4, 16, 80}}) check(model, shape);
  }
}

TEST(Engine, AwNet) {
  const Shared model = shared(random_model(awnet(8)));
  for (const Shape& shape : {Shape{1, 4, 16, 16}, Shape{1, 4, 16, 48}}) check(model, shape);
}

TEST(Engine, Vdn) {
  const Shared denoiser = shared(random_model(vdn_denoiser(3)));
  for (const Shape& shape : {Shape{1, 3, 8, 8}, Shape{1, 3, 24, 40}}) check(denoiser, shape);
  const Shared noise = shared(random_model(vdn_noise(5)));
  for (const Shape& shape : {Shape{1, 3, 1, 1}, Shape{1, 3, 11, 17}}) check(noise, shape);
}

// Shapes of graphs that no network of the zoo has: what the planner fuses must stay right where it
// may not be fused.
Graph unusual() {
  Graph g;
  const NodeId input = g.add("input", Input{3}, {});
  const NodeId a = g.add("a", Conv2d{5, 3}, {input});
  const NodeId rectified = g.add("rectified", Activation{ActivationKind::leaky_relu}, {a});
  const NodeId b = g.add("b", Conv2d{3, 5}, {rectified});
  const NodeId joined = g.add("joined", Concat{}, {a, b, input});  // a has two readers
  const NodeId again = g.add("again", Concat{}, {joined, joined});
  const NodeId pooled = g.add("pooled", AveragePool2d{}, {again});
  const NodeId soft = g.add("soft", Activation{}, {pooled});
  const NodeId s = g.add("s", PhotoDescriptor{}, {joined});
  const NodeId s_conv = g.add("s_conv", Conv2d{7, 1}, {s});
  const NodeId s_both = g.add("s_both", Concat{}, {s, s_conv});
  const NodeId hyper = g.add("hyper", HyperConv2d{.out_channels = 22, .hidden = 6}, {soft, s_both});
  const NodeId sum = g.add("sum", Add{}, {hyper, soft});  // one feature map and six
  const NodeId sum_of_same = g.add("sum_of_same", Add{}, {sum, sum});
  const NodeId wide = g.add("wide", Conv2d{16, 1}, {sum_of_same});
  const NodeId wider =
      g.add("wider", HyperConv2d{.out_channels = 16, .kernel = 1, .hidden = 4}, {soft, s});
  const NodeId fused = g.add("fused", Add{}, {wide, wider});
  const NodeId fused_relu = g.add("fused_relu", Activation{}, {fused});
  const NodeId up = g.add("up", PixelShuffle{2}, {fused_relu});
  const NodeId last = g.add("last", Concat{}, {up, b, joined});
  g.add("shuffle", AveragePool2d{}, {last});
  return g;
}

TEST(Engine, UnusualGraphs) {
  const Shared model = shared(random_model(unusual()));
  for (const Shape& shape : {Shape{1, 3, 2, 2}, Shape{1, 3, 14, 26}}) check(model, shape);
}

// Borders that are mirrored, cleared and mirrored again; concatenations as inputs of everything; an
// operator that nothing reads.
Graph unusual_borders() {
  Graph g;
  const Conv2d mirrored{.out_channels = 6, .kernel = 7, .padding = Padding::reflect};
  const NodeId input = g.add("input", Input{3}, {});
  const NodeId a = g.add("a", mirrored, {input});
  const NodeId b = g.add("b", Conv2d{6, 3}, {input});
  const NodeId c = g.add("c", mirrored, {input});
  g.add("unread", Conv2d{1000, 9}, {input});
  const NodeId ab = g.add("ab", Add{}, {a, b});  // not one convolution: the borders differ
  const NodeId joined = g.add("joined", Concat{}, {ab, c});
  const NodeId norm = g.add("norm", Norm2d{}, {joined});
  const NodeId bent = g.add("bent", PRelu{}, {norm});
  const NodeId layer = g.add("layer", Norm2d{NormKind::layer}, {joined});
  const NodeId soft = g.add("soft", Activation{ActivationKind::leaky_relu}, {layer});
  const NodeId half = g.add("half", Conv2d{.out_channels = 8, .stride = 2}, {bent});
  const NodeId same = g.add("same", Conv2d{.out_channels = 8, .stride = 2, .bias = false}, {soft});
  const NodeId sum = g.add("sum", Add{}, {half, same});  // one convolution of stride 2
  const NodeId bands = g.add("bands", Haar2d{}, {joined});
  const NodeId mask = g.add("mask", Conv2d{1, 1}, {joined});
  const NodeId context = g.add("context", AttentionPool{}, {joined, mask});
  const NodeId gate = g.add("gate", Activation{ActivationKind::sigmoid}, {context});
  const NodeId gated = g.add("gated", Multiply{}, {joined, gate});
  const NodeId shifted = g.add("shifted", Conv2d{12, 1}, {gated});
  const NodeId shift = g.add("shift", Conv2d{12, 1}, {context});
  const NodeId moved = g.add("moved", Add{}, {shifted, shift});  // not one convolution either
  const NodeId largest = g.add("largest", MaxPool2d{}, {moved});
  const NodeId coarse = g.add("coarse", Concat{}, {sum, bands, largest});
  const NodeId parts = g.add("parts", AdaptiveAveragePool2d{3}, {coarse});
  const NodeId wide = g.add("wide", Bilinear2d{false}, {parts, coarse});
  const NodeId both = g.add("both", Concat{}, {wide, coarse});
  const NodeId up = g.add("up", Bilinear2d{}, {both});
  g.add("last", Activation{ActivationKind::tanh}, {up});
  return g;
}

// A plan of the smallest frame, one pixel, must not take a vector for a frame: filters are packed
// once for every size.
TEST(Engine, ConvolutionsOfVectorsAreNotJoinedWithThoseOfFrames) {
  Graph graph;
  const NodeId x = graph.add("input", Input{4}, {});
  const NodeId told = graph.add("told", SideInput{6}, {});
  const NodeId a = graph.add("a", Conv2d{12, 1}, {x});
  const NodeId b = graph.add("b", Conv2d{12, 1}, {told});
  graph.add("output", PixelShuffle{2}, {graph.add("sum", Add{}, {a, b})});
  const Shared model = shared(random_model(graph));
  for (const Shape& shape : {Shape{1, 4, 1, 1}, Shape{1, 4, 5, 9}}) check(model, shape);
}

TEST(Engine, SideInputsAreChecked) {
  Graph graph;
  const NodeId x = graph.add("input", Input{3}, {});
  graph.add("sum", Add{}, {x, graph.add("told", SideInput{3}, {})});
  const Shared model = shared(random_model(graph));
  Engine engine(model);
  const Tensor input = random_tensor({1, 3, 4, 4});
  Tensor output;
  const auto refused = [&](const SideInputs& side) {
    return error_of([&] { engine.run(input, output, side); });
  };
  EXPECT_EQ(refused({}), "the network needs the side input 'told', [1,3,1,1]");
  EXPECT_EQ(refused({{"told", Tensor({1, 2, 1, 1})}}),
            "the side input 'told' is [1,2,1,1], the network takes [1,3,1,1]");
  EXPECT_EQ(refused({{"told", Tensor({1, 3, 1, 1})}, {"more", Tensor({1, 1, 1, 1})}}),
            "the network has no side input 'more'");
  const SideInputs side = random_side(graph);
  engine.run(input, output, side);
  EXPECT_EQ(output.at(0, 1, 2, 3), input.at(0, 1, 2, 3) + side.at("told").at(0, 1, 0, 0));
}

// By each way in: what lies beyond gives the bits of the range's end.
TEST(Engine, SideInputsAreHeldToTheModelsRange) {
  const Graph graph = develop_network({.widths = {4, 5, 6}, .hidden = 4});
  const SideInputs neutral = neutral_side_inputs(graph);
  ASSERT_EQ(neutral.size(), 1);
  const auto& [name, zeros] = *neutral.begin();
  const auto channels = size_t(zeros.shape().c);
  const auto all = [&](float value) {
    SideInputs side = neutral;
    std::fill_n(side.at(name).data(), channels, value);
    return side;
  };
  const Shared free = shared(random_model(graph));
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name] = free->weight(p.name).to_float();
  ModelInfo info;
  info.side_ranges = {{name, {std::vector<float>(channels, -1), std::vector<float>(channels, 1)}}};
  const Shared held = shared(Model(graph, info, weights));
  const Tensor input = random_tensor({1, std::get<Input>(graph.node(0).op).channels, 32, 40});
  const auto of = [&](const Shared& model, float value) {
    Engine engine(model);
    Tensor output;
    engine.run(input, output, all(value));
    return std::vector<float>(output.data(), output.data() + output.size());
  };
  EXPECT_EQ(of(held, 50), of(free, 1));
  EXPECT_EQ(of(held, -50), of(free, -1));
  EXPECT_EQ(of(held, 0.5f), of(free, 0.5f));
  EXPECT_NE(of(free, 50), of(free, 1));
  EXPECT_EQ(Engine(held).statistics(input, all(50)), Engine(free).statistics(input, all(1)));
  EXPECT_EQ(Engine(held).condition(whole_input(input), {}, all(50)).statistics(),
            Engine(free).condition(whole_input(input), {}, all(1)).statistics());
  const Tensor oracle = reference::run(*held, input, nullptr, all(50));
  const Tensor at_the_end = reference::run(*free, input, nullptr, all(1));
  EXPECT_TRUE(std::equal(oracle.data(), oracle.data() + oracle.size(), at_the_end.data()));
}

TEST(Engine, UnusualBorders) {
  const Shared model = shared(random_model(unusual_borders()));
  for (const Shape& shape : {Shape{1, 3, 2, 4}, Shape{1, 3, 14, 26}}) check(model, shape);
}

TEST(Engine, UnusualBordersDoNotDependOnThreads) {
  const Shared model = shared(random_model(unusual_borders()));
  const Tensor input = random_tensor({1, 3, 70, 90});
  const Tensor one = run_engine(model, input, 1);
  for (const int threads : {2, 3, 7}) {
    const Tensor many = run_engine(model, input, threads);
    for (size_t i = 0; i < one.size(); ++i) ASSERT_EQ(one.data()[i], many.data()[i]) << threads;
  }
}

TEST(Engine, ShuffleBehindManyChannels) {
  Graph g;
  g.add("shuffle", PixelShuffle{16},
        {g.add("conv", Conv2d{512, 1}, {g.add("input", Input{2}, {})})});
  check(shared(random_model(g)), {1, 2, 3, 5});
}

TEST(Engine, InputAloneIsCopied) {
  Graph g;
  g.add("input", Input{3}, {});
  const Shared model = shared(random_model(g));
  const Tensor input = random_tensor({1, 3, 5, 9});
  const Tensor output = run_engine(model, input);
  for (size_t i = 0; i < input.size(); ++i) ASSERT_EQ(output.data()[i], input.data()[i]);
}

TEST(Engine, ReadsEveryPrecision) {
  const TemporaryFolder folder;
  for (const auto conditioning : {Conditioning::layer, Conditioning::image}) {
    for (const Precision precision :
         {Precision::f32, Precision::f16, Precision::bf16, Precision::i8}) {
      const auto path = folder / "model.safetensors";
      save_model(path, random_model(small_hyper(conditioning)), precision);
      // The reference widens the file's values as the engine does: no difference is due to them.
      check(shared(Model::load(path)), {1, 4, 8, 12});
    }
  }
}

TEST(Engine, ResultDoesNotDependOnThreads) {
  for (const auto conditioning : {Conditioning::layer, Conditioning::image}) {
    const Shared model = shared(random_model(small_hyper(conditioning, true)));
    const Tensor input = random_tensor({1, 4, 100, 132});
    for (const std::string& target : tested_targets()) {
      const ForcedTarget forced(target);
      const Tensor one = run_engine(model, input, 1);
      for (const int threads : {2, 3, 7}) {
        const Tensor many = run_engine(model, input, threads);
        ASSERT_EQ(one.shape(), many.shape());
        for (size_t i = 0; i < one.size(); ++i) {
          ASSERT_EQ(one.data()[i], many.data()[i]) << target << ", " << threads << " threads";
        }
      }
    }
  }
}

TEST(Engine, RunsSizeAfterSizeAndPhotoAfterPhoto) {
  const Shared model = shared(random_model(small_hyper(Conditioning::image)));
  Engine engine(model);
  Tensor output;
  for (const auto& [h, w, seed] : {std::array{8, 12, 1}, {16, 8, 2}, {8, 12, 3}, {8, 12, 4}}) {
    const Tensor input = random_tensor({1, 4, h, w}, uint64_t(seed));
    engine.run(input, output);
    expect_near(output, reference::run(*model, input, nullptr, random_side(model->graph())),
                reference::tolerance(*model, input, random_side(model->graph())));
  }
}

int64_t minor_page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(Engine, SecondRunTouchesNoFreshMemory) {
  const Shared model = shared(random_model(hyper_unet({.width = 8})));
  Engine engine(model, {.threads = 2});
  const Tensor input = random_tensor({1, 4, 256, 512});
  Tensor output;
  engine.run(input, output);
  const float* place = output.data();
  const int64_t before = minor_page_faults();
  engine.run(input, output);
  // The arena alone has hundreds of 4 KiB pages; a few faults are the threads' stacks.
  EXPECT_LT(minor_page_faults() - before, 50);
  EXPECT_GT(engine.arena_bytes(input.shape()), 4096 * 500);
  EXPECT_EQ(output.data(), place);
}

TEST(Engine, SaysWhatShapesItTakes) {
  Engine engine(shared(random_model(small_hyper(Conditioning::image))));
  Tensor output;
  for (const Shape& shape : {Shape{2, 4, 8, 8}, Shape{1, 3, 8, 8}, Shape{1, 4, 6, 8},
                             Shape{1, 4, 8, 0}, Shape{1, 4, 8, 9}}) {
    EXPECT_EQ(error_of([&] { engine.run(Tensor(shape), output); }),
              "the network takes [1,4,H,W] with H and W multiples of 4, not " + to_string(shape));
  }
  EXPECT_EQ(output.size(), 0u);
}

// A few pixels that a graph turns into more than any machine holds.
Shared inflating(int doublings) {
  Graph graph;
  NodeId x = graph.add("input", Input{1}, {});
  for (int i = 0; i < doublings; ++i) x = graph.add("up" + std::to_string(i), Upsample2d{}, {x});
  return shared(random_model(graph));
}

TEST(Engine, SaysWhatMemoryItNeeds) {
  const Tensor input = random_tensor({1, 1, 16, 16});
  Tensor output;
  Engine large(inflating(17), {.execution = Execution::whole});
  EXPECT_THAT(error_of([&] { large.run(input, output); }),
              testing::MatchesRegex("the network needs 20480.* GiB of memory for this frame; the "
                                    "machine has .* GiB"));
  Engine absurd(inflating(19), {.execution = Execution::whole});
  EXPECT_THAT(error_of([&] { absurd.run(input, output); }),
              testing::HasSubstr("more memory than there is"));
}

TEST(Engine, StopsWhenInterruptedAndRunsAgain) {
  const Shared model = shared(random_model(small_hyper(Conditioning::image)));
  Engine engine(model);
  const Tensor input = random_tensor({1, 4, 8, 8});
  Tensor output;
  set_interrupted(true);
  EXPECT_EQ(error_of([&] { engine.run(input, output); }), "interrupted");
  set_interrupted(false);
  engine.run(input, output);
  expect_near(output, reference::run(*model, input, nullptr, random_side(model->graph())),
              reference::tolerance(*model, input, random_side(model->graph())));
}

double root_mean_square(const Tensor& tensor) {
  double squares = 0;
  for (size_t i = 0; i < tensor.size(); ++i) squares += std::pow(double(tensor.data()[i]), 2);
  return std::sqrt(squares / double(tensor.size()));
}

Tensor difference(Tensor a, const Tensor& b) {
  for (size_t i = 0; i < a.size(); ++i) a.data()[i] -= b.data()[i];
  return a;
}

// Every layer rounds its values, and in bf16 arithmetic its filters, to eight bits: by 2^-8 of
// themselves at most and by less than half of that in the root of the mean square; the layers'
// roundings add up as squares.
TEST(Engine, Bf16IsF32WithEightBitsBetweenTheLayers) {
  const struct {
    Graph graph;
    int layers;
    Shape shape;
  } cases[] = {{plain_unet({8}), 12, {1, 4, 38, 54}},
               {small_hyper(Conditioning::image, true), 14, {1, 4, 36, 52}},
               {small_hyper(Conditioning::layer), 14, {1, 4, 36, 52}},
               {vdn_denoiser(6), 20, {1, 3, 40, 56}}};
  for (const auto& c : cases) {
    const Shared model = shared(random_model(c.graph));
    const Tensor input = random_tensor(c.shape);
    const Tensor exact = run_engine(model, input);
    for (const std::string& target : tested_targets()) {
      for (const auto& [kernel, bf16] :
           {std::pair{"direct", "none"}, {"winograd", "none"}, {"direct", ""}, {"winograd", ""}}) {
        SCOPED_TRACE(target + ", " + kernel + ", " + bf16);
        const ForcedTarget forced_target(target);
        const ForcedKernel forced_kernel(kernel);
        const ForcedVariable forced_bf16("HYPERCONV_BF16", bf16);
        const ForcedVariable forced("HYPERCONV_PRECISION", "bf16");
        const double error = root_mean_square(difference(run_engine(model, input), exact));
        const double unit = root_mean_square(exact) / 512;
        EXPECT_LT(error, unit * std::sqrt(double(c.layers)));
        EXPECT_GT(error, unit / 10);  // it is another precision
      }
    }
  }
}

TEST(Engine, Bf16HalvesTheMemory) {
  const Graph graph = make_network("hyper-iii", {.hidden = 4});
  const Shape photo{1, 4, 1488, 1984};
  const int64_t f32 = activation_bytes(graph, photo);
  const int64_t bf16 = activation_bytes(graph, photo, {.precision = Precision::bf16});
  EXPECT_LT(double(bf16), 0.55 * double(f32));
  EXPECT_LT(bf16, 450'000'000);
}

TEST(Engine, Bf16IsRefusedWhereANormReadsIt) {
  const Shared model = shared(random_model(pynet(2)));
  EXPECT_THAT(error_of([&] { Engine(model, {.precision = Precision::bf16}); }),
              testing::HasSubstr("can be computed in fp32 only"));
  EXPECT_THAT(error_of([&] { Engine(model, {.precision = Precision::f16}); }),
              testing::HasSubstr("f32 or bf16, not in f16"));
}

TEST(Engine, UnknownKernelsAndExecutionsAreRefused) {
  const Shared model = shared(random_model(plain_unet({4})));
  {
    const ForcedKernel forced("abacus");
    EXPECT_EQ(error_of([&] { Engine{model}; }),
              "HYPERCONV_KERNEL=abacus: there are direct and winograd");
  }
  {
    const ForcedVariable forced("HYPERCONV_PRECISION", "abacus");
    EXPECT_EQ(error_of([&] { Engine{model}; }),
              "HYPERCONV_PRECISION=abacus: there are f32 and bf16");
  }
  const ForcedVariable forced("HYPERCONV_EXECUTION", "abacus");
  EXPECT_EQ(error_of([&] { Engine{model}; }),
            "HYPERCONV_EXECUTION=abacus: there are whole and stream");
}

TEST(Engine, UnknownTargetIsRefused) {
  const ForcedTarget forced("abacus");
  EXPECT_THAT(error_of([] { Engine(shared(random_model(plain_unet({4})))); }),
              testing::HasSubstr("HYPERCONV_TARGET=abacus: this machine has "));
}

}  // namespace
}  // namespace hyperconv
