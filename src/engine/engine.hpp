// Runs a model on the CPU: on a whole photo, or on any part of one.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/tensor.hpp"
#include "engine/conditions.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// The order in which the engine computes a network. The result is the same, bit for bit.
enum class Execution {
  automatic,  ///< stream where the network allows it
  whole,      ///< a layer at a time
  stream      ///< row by row, in ring buffers. Not for networks in which an operator
              ///< reads a whole layer (HyperConv2d with Conditioning::layer, norms, ...)
};

/// The environment variables HYPERCONV_EXECUTION (whole, stream), HYPERCONV_PRECISION (f32, bf16),
/// HYPERCONV_KERNEL (direct, winograd), HYPERCONV_TARGET (an instruction set) and HYPERCONV_BF16
/// (amx, avx512_bf16, portable, none: what multiplies in bf16) decide what the options leave open.
struct EngineOptions {
  int threads = 0;  ///< 0: all the cores this process may use
  Execution execution = Execution::automatic;
  /// Of feature maps, f32 or bf16; sums, the network's input and output and the inputs of a photo's
  /// descriptor are always f32. bf16 halves memory, and takes half the time or less where the
  /// processor multiplies in it (AMX, AVX512_BF16), somewhat more elsewhere; nothing: f32. Networks
  /// with norms, attention and the like take f32 only.
  std::optional<Precision> precision = {};
};

/// bf16 where this processor multiplies in it and the network can be computed in it; nothing
/// elsewhere, and where HYPERCONV_PRECISION is set. Throws Error as Engine's constructor does.
std::optional<Precision> fastest_precision(const Graph& graph);

/// Bytes of activations that an engine with these options needs for a graph beside input and
/// output. Throws Error where the graph does not take the input.
int64_t activation_bytes(const Graph& graph, const Shape& input, const EngineOptions& options = {});

/// A network's input for a whole photo, which need not be in memory at once.
struct WholeInput {
  Shape shape;  ///< [1,C,H,W]; H and W multiples of size_multiple(graph)
  /// Fills `values` [1,C,height,width] with that part, which lies within the shape. Called from one
  /// thread.
  std::function<void(const Region& part, Tensor& values)> read;
  const Tensor* values = nullptr;  ///< where all of it is in memory
};

/// The input that is `values`, which must outlive it.
WholeInput whole_input(const Tensor& values);

/// What running a part of a photo needs.
struct PartPlan {
  Region reads;       ///< of the input: the part with its halo
  Region makes;       ///< of the output: at least what belongs to the part
  int64_t bytes = 0;  ///< of activations
};

/// Ready to run photos of any size through one model. A plan (buffers, fused steps) is made for the
/// first photo of a size and kept; a second run of that size allocates nothing.
/// One call at a time; the result does not depend on the number of threads.
///
/// A photo that is too large for one run is conditioned once, and its parts are run one by one:
///     const Conditions conditions = engine.condition(photo, {}, side);
///     for each part: engine.run_part(photo.shape, part, values, conditions, output);
/// PartRunner (engine/parts.hpp) does so within a given memory.
class Engine {
 public:
  /// Throws Error when the model lacks a weight, the options ask for what the network does not
  /// allow, or an environment variable has an unknown value.
  explicit Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// [1,C,H,W] -> the graph's output, into `output` (resized only when its shape is wrong). H and W
  /// must be multiples of size_multiple(graph). `side`: a value for each of the graph's side
  /// inputs, [1,channels,1,1], held to the model's ranges (ModelInfo::side_ranges). Throws Error on
  /// another shape, on a side input that is missing or unknown, on too little memory (with the
  /// size), and when the user interrupts.
  void run(const Tensor& input, Tensor& output, const SideInputs& side = {});

  /// Computes all that depends on the whole photo: reads it once for each PhotoDescriptor, in bands
  /// of rows. `described`: the rectangle of the input that is the photo, where the rest is padding;
  /// nothing: all of it. It begins at multiples of size_multiple(graph); where a descriptor reads a
  /// pooled layer, its end is rounded up to a whole pixel of that layer. Throws Error as run()
  /// does.
  Conditions condition(const WholeInput& photo, const std::optional<Region>& described = {},
                       const SideInputs& side = {});
  /// Predicts filters from `statistics`, whatever photo they are of: those of each HyperConv2d that
  /// has an entry; the others from `side`. Without a photo there are no descriptors: only
  /// HyperConv2ds that have an entry may read one. Throws Error for a vector of another length than
  /// the node's, and for side inputs as run() does.
  Conditions condition(const Statistics& statistics, const SideInputs& side = {});

  /// The vectors that the filters of all HyperConv2ds are predicted from when the engine runs the
  /// photo [1,C,H,W], including those conditioned by their own layer. Throws Error as run() does.
  Statistics statistics(const Tensor& input, const SideInputs& side = {});

  /// Nothing where parts of a photo can be run by themselves; otherwise a line that names the
  /// operator that reads a whole layer. With conditions that hold that operator's filters it no
  /// longer does.
  std::optional<std::string> why_not_in_parts() const;
  std::optional<std::string> why_not_in_parts(const Conditions& conditions) const;

  /// What run_part() needs for a part of an input of this shape.
  PartPlan plan_part(const Shape& whole, const Region& part);
  /// Runs a part of a photo. `input` is PartPlan::reads, [1,C,height,width]; `output` becomes
  /// PartPlan::makes. Row by row (execution()) the output equals the whole photo's, bit for bit.
  /// Otherwise only the part itself does, up to rounding in convolutions that compute four rows at
  /// once; and operators that read a whole layer read that of the part alone. Throws Error as run()
  /// does, and for conditions of another engine.
  void run_part(const Shape& whole, const Region& part, const Tensor& input,
                const Conditions& conditions, Tensor& output);

  /// Bytes of activations that a run on this input shape needs beside input and output.
  int64_t arena_bytes(const Shape& input);

  /// Execution::whole or ::stream.
  Execution execution() const;
  /// Of feature maps: f32 or bf16.
  Precision precision() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
