#include "hyperconv/engine.hpp"

#include <optional>

#include "base/fail.hpp"
#include "engine/executor.hpp"

namespace hyperconv {
namespace {

Shape smallest_input(const Graph& graph) {
  if (graph.empty()) fail("the network has no nodes");
  const int side = size_multiple(graph);
  return {1, std::get<Input>(graph.node(0).op).channels, side, side};
}

}  // namespace

class Engine::Impl {
 public:
  Impl(std::shared_ptr<const Model> model, const EngineOptions& options)
      : model_(std::move(model)),
        kernels_(kernels()),
        threads_(options.threads),
        smallest_(smallest_input(model_->graph())),
        filters_(model_, make_plan(model_->graph(), smallest_, kernels_.lanes).filters, kernels_,
                 threads_) {}

  void run(const Tensor& input, Tensor& output) {
    if (!executor_ || executor_->plan().input != input.shape()) {
      Plan plan = make_checked_plan(input.shape());
      executor_.reset();  // the old memory goes before the new one comes
      executor_.emplace(std::move(plan), filters_, kernels_, threads_);
    }
    const Shape& shape = executor_->plan().output;
    if (output.shape() != shape) output = Tensor(shape);
    executor_->run(input, output);
  }

  int64_t arena_bytes(const Shape& input) const {
    return make_checked_plan(input).arena_floats * int64_t(sizeof(float));
  }

 private:
  Plan make_checked_plan(const Shape& input) const {
    const Shape& unit = smallest_;
    if (input.n != 1 || input.c != unit.c || input.h < 1 || input.w < 1 || input.h % unit.h != 0 ||
        input.w % unit.w != 0) {
      fail("the network takes [1,{},H,W] with H and W multiples of {}, not {}", unit.c, unit.h,
           to_string(input));
    }
    return make_plan(model_->graph(), input, kernels_.lanes);
  }

  std::shared_ptr<const Model> model_;
  const Kernels& kernels_;
  Threads threads_;
  const Shape smallest_;
  FilterBank filters_;
  std::optional<Executor> executor_;  // for the last size
};

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

void Engine::run(const Tensor& input, Tensor& output) { impl_->run(input, output); }

int64_t Engine::arena_bytes(const Shape& input) { return impl_->arena_bytes(input); }

}  // namespace hyperconv
