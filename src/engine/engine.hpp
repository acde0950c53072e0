// Runs a model on the CPU.
#pragma once

#include <memory>
#include <optional>

#include "base/tensor.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// How the engine goes through a network. The result is the same, bit for bit.
enum class Execution {
  automatic,  ///< stream where the network allows it
  whole,      ///< a layer at a time
  stream  ///< row by row: a few rows of each layer are kept. Not for networks in which an operator
          ///< looks at the whole of a layer (HyperConv2d with Conditioning::layer, norms, ...)
};

/// The environment variables HYPERCONV_EXECUTION (whole, stream), HYPERCONV_PRECISION (f32, bf16),
/// HYPERCONV_KERNEL (direct, winograd) and HYPERCONV_TARGET (an instruction set) decide where the
/// options leave it to the engine.
struct EngineOptions {
  int threads = 0;  ///< 0: all the cores this process may use
  Execution execution = Execution::automatic;
  /// Of the values between the layers, f32 or bf16; sums are f32 always. bf16 halves their memory
  /// and costs some time; nothing: f32. Networks with norms and their like take f32 only.
  std::optional<Precision> precision = {};
};

/// Bytes of activations that an engine with these options needs for a graph beside input and
/// output. Throws Error where the graph does not take the input.
int64_t activation_bytes(const Graph& graph, const Shape& input, const EngineOptions& options = {});

/// Ready to run photos of any size through one model. A plan (buffers, fused steps) is made for the
/// first photo of a size and kept; a second run of that size allocates nothing.
/// One run at a time; the result does not depend on the number of threads.
class Engine {
 public:
  /// Throws Error when the model lacks a weight, the options ask for what the network does not
  /// allow, or an environment variable names what there is not.
  explicit Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// [1,C,H,W] -> the graph's output, into `output` (resized only when its shape is wrong). H and W
  /// must be multiples of size_multiple(graph). `side`: a value for each of the graph's side
  /// inputs, [1,channels,1,1]. Throws Error on another shape, on a side input that is missing or
  /// unknown, on memory that is not there (with the figure), and when the user interrupts.
  void run(const Tensor& input, Tensor& output, const SideInputs& side = {});

  /// Bytes of activations that a run on this input shape needs beside input and output.
  int64_t arena_bytes(const Shape& input);

  /// Execution::whole or ::stream.
  Execution execution() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
