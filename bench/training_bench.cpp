// What a step of training takes, and where it goes: our own convolutions and libtorch's, in turn.
//
//     build/release/bench/training_bench recipes/zrr-hyper-iii.toml [ROUNDS [THREADS]]
//
// One batch of drawn numbers in the recipe's size; forward, loss, backward, Adam and the average,
// as hyperconv train does them, without reading data and without checkpoints. Where samples are
// simulated and the recipe's photos are there, making a batch of them on one thread is timed by
// itself. Each way of convolving gets a step in turn, and so does a measurement of what these
// threads can do at best in fp32. A step is counted as three times the network's own operations
// (forward, gradient of the input, gradient of the filters), convolved directly; Winograd needs
// fewer. The table is of our own way. Operations are told apart by libtorch's own record, each with
// what it took by itself; what they do not account for is the last line.
#include <ATen/record_function.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/fail.hpp"
#include "engine/peak.hpp"
#include "network/cost.hpp"
#include "training/adam.hpp"
#include "training/clipper.hpp"
#include "training/objective.hpp"
#include "training/sources.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds of each operation, without those that it called.
class Record {
 public:
  static Record& all() {
    static Record record;
    return record;
  }

  void add(const std::string& name, double seconds) {
    const std::lock_guard lock(mutex_);
    auto& [calls, sum] = operations_[name];
    ++calls;
    sum += seconds;
  }

  void print(int steps, double whole) const {
    std::vector<std::pair<std::string, std::pair<int, double>>> sorted(operations_.begin(),
                                                                       operations_.end());
    std::ranges::sort(
        sorted, [](const auto& a, const auto& b) { return a.second.second > b.second.second; });
    double rest = whole;
    for (const auto& [name, times] : sorted) {
      rest -= times.second;
      if (times.second > 0.003 * whole)
        fmt::print("{:<48} {:>7.1f} calls {:>9.2f} ms {:>6.1f} %\n", name,
                   double(times.first) / steps, 1e3 * times.second / steps,
                   100 * times.second / whole);
    }
    fmt::print("{:<48} {:>13} {:>9.2f} ms {:>6.1f} %\n", "no operation of libtorch's", "",
               1e3 * rest / steps, 100 * rest / whole);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::pair<int, double>> operations_;
};

/// An operation at work, and what those that it called have taken so far.
struct Span : at::ObserverContext {
  std::string name;
  Clock::time_point start;
  double inner = 0;
  Span* outer = nullptr;
};

thread_local Span* innermost = nullptr;

std::unique_ptr<at::ObserverContext> begin_span(const at::RecordFunction& function) {
  auto span = std::make_unique<Span>();
  span->name = std::string(function.name());
  span->outer = innermost;
  innermost = span.get();
  span->start = Clock::now();
  return span;
}

void end_span(const at::RecordFunction&, at::ObserverContext* context) {
  auto* span = static_cast<Span*>(context);
  const double seconds = seconds_since(span->start);
  innermost = span->outer;
  if (innermost != nullptr) innermost->inner += seconds;
  Record::all().add(span->name, seconds - span->inner);
}

Batch drawn_batch(const Recipe& recipe, const Graph& graph) {
  const NetworkUse& use = network_use(recipe.network);
  const int64_t n = recipe.data.batch, side = recipe.data.patch;
  const int64_t channels = std::get<Input>(graph.node(0).op).channels;
  torch::manual_seed(1);
  Batch batch;
  batch.input = torch::rand({n, channels, side / use.samples, side / use.samples});
  batch.target = torch::rand({n, 3, side, side});
  for (const auto& [name, value] : neutral_side_inputs(graph, n))
    batch.noise = torch::rand({n, value.shape().c});
  if (use.task == Task::develop) batch.camera_to_srgb = torch::eye(3).repeat({n, 1, 1});
  return batch;
}

/// What hyperconv train does with a batch.
class Stepper {
 public:
  explicit Stepper(const Recipe& recipe)
      : recipe_(recipe),
        objective_(make_objective(recipe, torch::kCPU)),
        batch_(drawn_batch(recipe, objective_->graph())),
        adam_(objective_->weights(), rate_factors(objective_->parameters(), recipe.training)),
        clipper_(objective_->clip_groups(), 0) {}

  /// Forward, gradient of the input and gradient of the filters, each as many as the network's own.
  double flops() const {
    const auto shape = batch_.input.sizes();
    return 3.0 * double(shape[0]) *
           double(total_cost(objective_->graph(), {1, shape[1], shape[2], shape[3]}).flops_total);
  }

  void step() {
    const auto& weights = objective_->weights();
    for (const auto& weight : weights) weight.mutable_grad() = torch::Tensor();
    Gradients gradients(weights.size());
    ProductTape tape;
    objective_->loss(batch_, tape).backward();
    tape.collect(gradients);
    for (size_t i = 0; i < gradients.size(); ++i)
      if (!std::holds_alternative<OuterProducts>(gradients[i])) gradients[i] = weights[i].grad();
    adam_.step(1e-5, recipe_.training.average_decay, gradients, clipper_.scales(gradients));
  }

 private:
  const Recipe& recipe_;
  std::unique_ptr<Objective> objective_;
  Batch batch_;
  Adam adam_;
  Clipper clipper_;
};

double timed_step(Stepper& stepper, const char* convolutions) {
  ::setenv("HYPERCONV_CONVOLUTIONS", convolutions, 1);
  const auto start = Clock::now();
  stepper.step();
  return seconds_since(start);
}

void print_times(const char* name, std::vector<double> seconds, int64_t batch, double flops,
                 double peak_gflops) {
  std::ranges::sort(seconds);
  const double median = seconds[seconds.size() / 2];
  const double gflops = 1e-9 * flops / median;
  fmt::print(
      "{:<10} {:.3f} s a step in the median, {:.3f} to {:.3f}: {:.2f} patches/s, {:.1f} GFLOP/s, "
      "{:.0f} % of the peak\n",
      name, median, seconds.front(), seconds.back(), double(batch) / median, gflops,
      100 * gflops / peak_gflops);
}

/// Whether the recipe's samples are simulated and its photos are here.
bool has_photos(const Recipe& recipe) {
  const auto* data = std::get_if<SimulatedData>(&recipe.data.source);
  return data != nullptr && std::ranges::all_of(data->photos, [](const auto& folder) {
           return std::filesystem::is_directory(folder);
         });
}

/// What making a batch takes one thread.
void print_data(const Recipe& recipe, int rounds) {
  const auto source = training_source(recipe);
  const int64_t batch = recipe.data.batch;
  source->make(0, batch);
  std::vector<double> seconds;
  for (int i = 1; i <= 10 * rounds; ++i) {
    const auto start = Clock::now();
    source->make(i * batch, batch);
    seconds.push_back(seconds_since(start));
  }
  std::ranges::sort(seconds);
  const double median = seconds[seconds.size() / 2];
  fmt::print("data       {:.4f} s a batch in the median, {:.4f} to {:.4f}: {:.3f} ms a patch\n",
             median, seconds.front(), seconds.back(), 1e3 * median / double(batch));
}

void run(const std::string& path, int rounds, int threads) {
  const int used = prepare_torch(threads);
  const Recipe recipe = read_recipe(path);
  Stepper stepper(recipe);
  PeakProbe probe(used);
  for (const char* way : {"own", "libtorch"}) timed_step(stepper, way);
  std::vector<double> own, libtorch;
  for (int i = 0; i < rounds; ++i) {
    own.push_back(timed_step(stepper, "own"));
    libtorch.push_back(timed_step(stepper, "libtorch"));
    probe.measure_cores();
  }
  const double peak = probe.best().fp32_gflops;
  fmt::print("{} threads, {} rounds; peak {:.0f} GFLOP/s in fp32 ({}), a step {:.1f} GFLOP\n", used,
             rounds, peak, PeakProbe::instructions(), 1e-9 * stepper.flops());
  print_times("own", own, recipe.data.batch, stepper.flops(), peak);
  print_times("libtorch", libtorch, recipe.data.batch, stepper.flops(), peak);
  if (has_photos(recipe)) print_data(recipe, rounds);
  at::addGlobalCallback(at::RecordFunctionCallback(begin_span, end_span));
  double whole = 0;
  for (int i = 0; i < rounds; ++i) whole += timed_step(stepper, "own");
  Record::all().print(rounds, whole);
}

}  // namespace
}  // namespace hyperconv

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: training_bench RECIPE.toml [ROUNDS [THREADS]]\n");
    return 2;
  }
  try {
    hyperconv::run(argv[1], argc > 2 ? std::stoi(argv[2]) : 3, argc > 3 ? std::stoi(argv[3]) : 0);
  } catch (const std::exception& error) {
    fmt::print(stderr, "training_bench: {}\n", error.what());
    return 1;
  }
}
