#include "engine/engine.hpp"

#include <cstdlib>
#include <memory>

#include "base/fail.hpp"
#include "engine/stream.hpp"
#include "engine/whole.hpp"

namespace hyperconv {
namespace {

Shape smallest_input(const Graph& graph) {
  if (graph.empty()) fail("the network has no nodes");
  const int side = size_multiple(graph);
  return {1, std::get<Input>(graph.node(0).op).channels, side, side};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Precision precision_of(const EngineOptions& options) {
  if (options.precision) {
    if (*options.precision != Precision::f32 && *options.precision != Precision::bf16)
      fail("the engine computes in f32 or bf16, not in {}", to_string(*options.precision));
    return *options.precision;
  }
  const std::string wish = environment("HYPERCONV_PRECISION");
  if (wish.empty() || wish == "f32") return Precision::f32;
  if (wish == "bf16") return Precision::bf16;
  fail("HYPERCONV_PRECISION={}: there are f32 and bf16", wish);
}

PlanOptions plan_options(const Kernels& kernels, const EngineOptions& options) {
  const std::string kernel = environment("HYPERCONV_KERNEL");
  if (!kernel.empty() && kernel != "direct" && kernel != "winograd")
    fail("HYPERCONV_KERNEL={}: there are direct and winograd", kernel);
  return {
      .lanes = kernels.lanes, .winograd = kernel != "direct", .precision = precision_of(options)};
}

Execution wanted_execution(const EngineOptions& options) {
  if (options.execution != Execution::automatic) return options.execution;
  const std::string wish = environment("HYPERCONV_EXECUTION");
  if (wish.empty()) return Execution::automatic;
  if (wish == "whole") return Execution::whole;
  if (wish == "stream") return Execution::stream;
  fail("HYPERCONV_EXECUTION={}: there are whole and stream", wish);
}

Execution execution_of(const Plan& plan, const EngineOptions& options) {
  const Execution wanted = wanted_execution(options);
  if (wanted == Execution::whole) return wanted;
  if (can_stream(plan)) return Execution::stream;
  if (wanted == Execution::stream)
    fail("the network cannot run row by row: an operator looks at the whole of a layer");
  return Execution::whole;
}

int64_t bytes_of(const Plan& plan, Execution execution, int threads) {
  return execution == Execution::stream ? StreamExecutor::bytes(plan, threads) : plan.arena_bytes;
}

}  // namespace

int64_t activation_bytes(const Graph& graph, const Shape& input, const EngineOptions& options) {
  const Plan plan = make_plan(graph, input, plan_options(kernels(), options));
  const int threads = options.threads > 0 ? options.threads : available_cores();
  return bytes_of(plan, execution_of(plan, options), threads);
}

class Engine::Impl {
 public:
  Impl(std::shared_ptr<const Model> model, const EngineOptions& options)
      : model_(std::move(model)),
        kernels_(kernels()),
        plan_options_(plan_options(kernels_, options)),
        threads_(options.threads),
        smallest_(smallest_input(model_->graph())),
        smallest_plan_(make_plan(model_->graph(), smallest_, plan_options_)),
        execution_(execution_of(smallest_plan_, options)),
        filters_(model_, smallest_plan_.filters, kernels_, threads_) {}

  void run(const Tensor& input, Tensor& output, const SideInputs& side) {
    check_side_inputs(model_->graph(), side);
    if (!executor_ || executor_->plan().input != input.shape()) {
      Plan plan = make_checked_plan(input.shape());
      executor_.reset();  // the old memory goes before the new one comes
      executor_ = make_executor(std::move(plan));
    }
    const Shape& shape = executor_->plan().output;
    if (output.shape() != shape) output = Tensor(shape);
    executor_->run(input, side, output);
  }

  int64_t arena_bytes(const Shape& input) const {
    return bytes_of(make_checked_plan(input), execution_, threads_.count());
  }

  Execution execution() const { return execution_; }

 private:
  Plan make_checked_plan(const Shape& input) const {
    const Shape& unit = smallest_;
    if (input.n != 1 || input.c != unit.c || input.h < 1 || input.w < 1 || input.h % unit.h != 0 ||
        input.w % unit.w != 0) {
      fail("the network takes [1,{},H,W] with H and W multiples of {}, not {}", unit.c, unit.h,
           to_string(input));
    }
    return make_plan(model_->graph(), input, plan_options_);
  }

  std::unique_ptr<Executor> make_executor(Plan plan) {
    if (execution_ == Execution::stream)
      return std::make_unique<StreamExecutor>(std::move(plan), filters_, kernels_, threads_);
    return std::make_unique<WholeExecutor>(std::move(plan), filters_, kernels_, threads_);
  }

  std::shared_ptr<const Model> model_;
  const Kernels& kernels_;
  const PlanOptions plan_options_;
  Threads threads_;
  const Shape smallest_;
  const Plan smallest_plan_;
  const Execution execution_;
  FilterBank filters_;
  std::unique_ptr<Executor> executor_;  // for the last size
};

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

void Engine::run(const Tensor& input, Tensor& output, const SideInputs& side) {
  impl_->run(input, output, side);
}

Execution Engine::execution() const { return impl_->execution(); }

int64_t Engine::arena_bytes(const Shape& input) { return impl_->arena_bytes(input); }

}  // namespace hyperconv
