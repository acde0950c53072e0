// Runs a model on the CPU.
#pragma once

#include <memory>

#include "hyperconv/model.hpp"
#include "hyperconv/tensor.hpp"

namespace hyperconv {

struct EngineOptions {
  int threads = 0;  ///< 0: all the cores this process may use
};

/// Ready to run photos of any size through one model. A plan (buffers, fused steps) is made for the
/// first photo of a size and kept; a second run of that size allocates nothing.
/// One run at a time; the result does not depend on the number of threads.
class Engine {
 public:
  explicit Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// [1,C,H,W] -> the graph's output, into `output` (resized only when its shape is wrong). H and W
  /// must be multiples of size_multiple(graph). Throws Error on another shape, on memory that is
  /// not there (with the figure), and when the user interrupts.
  void run(const Tensor& input, Tensor& output);

  /// Bytes of activations that a run on this input shape needs beside input and output.
  int64_t arena_bytes(const Shape& input);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
