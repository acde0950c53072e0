// What the engine takes for one 12 MP photo, as a whole, step by step, and for single layers.
//
//     build/bench/bench/engine_bench --benchmark_min_time=3
//     build/bench/bench/engine_bench --steps hyper-iii [WEIGHTS [ARITHMETIC]]
//
// The second says where the time of one photo goes, layer by layer; the weights lie in f32, or as
// named, and the arithmetic is f32 or bf16.
//
// "GFLOP/s" counts the convolutions' 2 x multiply-accumulates, as the paper does (cost.hpp).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "engine/engine.hpp"
#include "engine/kernel_cases.hpp"
#include "engine/whole.hpp"
#include "network/cost.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

// The Huawei P20's 2976x3968 mosaic, packed: the paper's 12 MP frame.
constexpr Shape photo{1, 4, 1488, 1984};

/// The same frame as the network takes it: a packed mosaic, or a photo of as many pixels.
Shape photo_for(const Graph& graph) {
  const int channels = std::get<Input>(graph.node(0).op).channels;
  return channels == 4 ? photo : Shape{1, channels, 2 * photo.h, 2 * photo.w};
}

std::shared_ptr<const Model> model_of(const Graph& graph) {
  return std::make_shared<const Model>(untrained(graph, {}, 1));
}

Tensor noise(const Shape& shape) {
  Tensor tensor(shape);
  Random random(7);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = float(random.uniform());
  return tensor;
}

void run_network(benchmark::State& state, const Graph& graph, const Shape& shape) {
  Engine engine(model_of(graph));
  const Tensor input = noise(shape);
  Tensor output;
  const SideInputs side = neutral_side_inputs(graph);
  engine.run(input, output, side);
  for (auto _ : state) engine.run(input, output, side);
  const auto flops = double(total_cost(graph, shape).flops);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["arena_MiB"] = double(engine.arena_bytes(shape)) / (1 << 20);
}

Graph hyper_graph(Conditioning conditioning) {
  return hyper_unet({.width = 16, .hidden = 32, .conditioning = conditioning});
}

void hyper_image(benchmark::State& state) {
  run_network(state, hyper_graph(Conditioning::image), photo);
}
BENCHMARK(hyper_image)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

void hyper_layer(benchmark::State& state) {
  run_network(state, hyper_graph(Conditioning::layer), photo);
}
BENCHMARK(hyper_layer)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

void plain_32(benchmark::State& state) { run_network(state, plain_unet({32}), photo); }
BENCHMARK(plain_32)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

// A network of one 3x3 convolution between two 1x1 ones would measure those too; four in a row
// leave the planar conversion small.
void layer(benchmark::State& state) {
  const int channels = int(state.range(0));
  Graph graph;
  NodeId x = graph.add("input", Input{channels}, {});
  for (int i = 0; i < 4; ++i) {
    x = graph.add(fmt::format("conv{}", i), Conv2d{channels, 3}, {x});
    x = graph.add(fmt::format("relu{}", i), Activation{}, {x});
  }
  run_network(state, graph, {1, channels, 496, 512});
}
BENCHMARK(layer)
    ->ArgName("channels")
    ->Arg(8)
    ->Arg(12)
    ->Arg(16)
    ->Arg(20)
    ->Arg(32)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

// Every kernel on a row of the photo, by the best instruction set.
void register_kernels() {
  for (const KernelCase& kernel : kernel_cases(16, photo.w)) {
    const auto run = [kernel](benchmark::State& state) {
      const PreparedKernel made = kernel.prepare(kernels());
      for (auto _ : state) made.call();
      const bool counts = kernel.flops > 0;
      state.counters[counts ? "GFLOP/s" : "GB/s"] =
          benchmark::Counter((counts ? kernel.flops : kernel.bytes) * 1e-9,
                             benchmark::Counter::kIsIterationInvariantRate);
    };
    benchmark::RegisterBenchmark((kernel.kernel + ", " + kernel.form).c_str(), run);
  }
}

/// From a file, as a user's model is.
std::shared_ptr<const Model> stored(const Graph& graph, Precision precision) {
  const TemporaryFolder folder;
  save_model(folder / "model.safetensors", *model_of(graph), precision);
  return std::make_shared<const Model>(Model::load(folder / "model.safetensors"));
}

Precision precision_named(const std::string& name) {
  for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16, Precision::i8})
    if (to_string(precision) == name) return precision;
  fail("{}: there are f32, f16, bf16 and i8", name);
}

// Fastest of several runs for each step.
void show_steps(const std::string& network, Precision precision, Precision arithmetic, int runs) {
  const Graph graph = make_network(network);
  const Shape frame = photo_for(graph);
  const auto model = stored(graph, precision);
  Threads threads;
  const Kernels& table = kernels();
  Plan plan = make_plan(graph, frame,
                        {.lanes = table.lanes,
                         .bf16 = arithmetic == Precision::bf16 ? chosen_bf16_kernels() : nullptr,
                         .precision = arithmetic});
  FilterBank filters(model, plan.filters, table, threads);
  // How long a step takes does not depend on what is known of the photo.
  Given given;
  const auto shapes = infer_shapes(graph, frame);
  for (const Step& step : plan.steps)
    if (step_name(step.action) == "take vector")
      given.vectors[step.node].resize(size_t(shapes[size_t(step.node)].count()));
  WholeExecutor executor(std::move(plan), filters, table, threads);
  const Tensor input = noise(frame);
  Tensor output(executor.plan().output);
  std::vector<double> best(executor.plan().steps.size(), 1e9);
  double total = 1e9, predicting = 0;
  for (int run = 0; run < runs; ++run) {
    executor.run({input, output}, given);
    double sum = 0;
    for (size_t i = 0; i < best.size(); ++i) {
      best[i] = std::min(best[i], executor.seconds()[i]);
      sum += executor.seconds()[i];
    }
    total = std::min(total, sum);
  }
  const auto costs = node_costs(graph, frame);
  for (size_t i = 0; i < best.size(); ++i) {
    const Step& step = executor.plan().steps[i];
    const bool convolves = filter_of(step.action).has_value();
    if (step_name(step.action).starts_with("predict")) predicting += best[i];
    const double flops = convolves ? double(costs[size_t(step.node)].flops) : 0;
    fmt::print("{:<40} {:8.2f} ms {:7.1f} GFLOP/s\n",
               step_name(step.action) + " " + graph.node(step.node).name, best[i] * 1e3,
               flops / best[i] * 1e-9);
  }
  fmt::print(
      "fastest run of {} in {}: {:.3f} s, {:.1f} % of it filters from {}, {} threads, {}, arena "
      "{:.0f} MiB\n",
      runs, to_string(arithmetic), total, 100 * predicting / total, to_string(precision),
      threads.count(), table.name, double(executor.plan().arena_bytes) / (1 << 20));
}

}  // namespace
}  // namespace hyperconv

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--steps") == 0) {
    const auto precision = [&](int i) {
      return hyperconv::precision_named(argc > i ? argv[i] : "f32");
    };
    hyperconv::show_steps(argc > 2 ? argv[2] : "hyper-iii", precision(3), precision(4), 10);
    return 0;
  }
  hyperconv::register_kernels();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
