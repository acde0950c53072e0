// Computes one row of one step. Both executors call it, and so agree bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.hpp"
#include "engine/filters.hpp"
#include "engine/plan.hpp"

namespace hyperconv {

/// The rows of a feature map in memory: all of them, or the last few in a ring buffer.
struct RowBuffer {
  std::byte* data = nullptr;  ///< of the first slot, at column `left`
  int64_t row = 0;            ///< bytes from slot to slot
  int64_t pixel = 0;          ///< bytes from one pixel to the next
  int64_t slots = 1;          ///< row y lies in slot (y - top) % slots
  int64_t top = 0;            ///< the first row that is ever stored
  int64_t left = 0;           ///< the first column: a border has negative ones

  std::byte* at(int64_t y, int64_t x) const {
    return data + (y - top) % slots * row + (x - left) * pixel;
  }
};

/// From `first` up to, not including, `end`.
struct Interval {
  int64_t first = 0, end = 0;
  int64_t size() const { return end - first; }
};

/// Where the network's input comes from and its output goes: the tensors, and the row and column of
/// the plan's input and output that they begin with.
struct RunTensors {
  const Tensor& input;
  Tensor& output;
  int64_t input_top = 0, input_left = 0;
  int64_t output_top = 0, output_left = 0;

  const float* input_at(int64_t channel, int64_t y, int64_t x) const {
    return input.row(0, channel, y - input_top) + (x - input_left);
  }
  float* output_at(int64_t channel, int64_t y, int64_t x) const {
    return output.row(0, channel, y - output_top) + (x - output_left);
  }
};

class RowRunner {
 public:
  /// What rows are made of. A view a feature map; `zeros` is as long as any row that a convolution
  /// reads, and a vector more. All must outlive it.
  struct Context {
    const Plan& plan;
    const RunFilters& filters;
    const Kernels& kernels;
    std::span<const RowBuffer> buffers;
    const std::byte* zeros;
    const RunTensors& tensors;
  };
  explicit RowRunner(const Context& context) : context_(context) {}

  /// Computes units `columns` of unit row `y` of a RowAction's step (Reach). Several threads may
  /// call it at once.
  void run(const Step& step, int64_t y, Interval columns) const;

  /// sums[c] += the sum of channel c over those columns of a feature map's row.
  void add_sums(FeatureMapId id, int64_t y, Interval columns, double* sums) const;

 private:
  void run(const action::Input&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Conv2d& action, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Conv2dToOutput& action, const Step& step, int64_t y,
           Interval columns) const;
  void run(const action::ConvTranspose2d& action, const Step& step, int64_t y,
           Interval columns) const;
  void run(const action::AveragePool2d&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::MaxPool2d&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Upsample2d&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Haar2d& action, const Step& step, int64_t y, Interval columns) const;
  void run(const action::PixelShuffle& action, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Add& action, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Multiply&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Activation& action, const Step& step, int64_t y, Interval columns) const;
  void run(const action::PRelu&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Concat&, const Step& step, int64_t y, Interval columns) const;
  void run(const action::Output&, const Step& step, int64_t y, Interval columns) const;

  // A convolution of one output row, or of four (Winograd).
  struct Convolution {
    const PackedFilter& filter;
    Rectifier rectifier = Rectifier::none;
    int stride = 1;
    Padding padding = Padding::zero;
  };
  // Where it writes: as many rows as a unit has, nullptr for those beyond the frame.
  struct Rows {
    std::array<std::byte*, 4> first;
    int64_t pixel;     // values
    int64_t channels;  // that are stored in bf16's forms; the others store whole vectors
    Precision precision = Precision::f32;
  };
  // Rows of taps of all inputs.
  struct Taps {
    std::array<const std::byte*, most_tap_rows> rows;
    std::array<ConvInput, most_tap_rows> inputs;
  };
  void find_taps(const Convolution& what, const Step& step, int64_t y, int64_t left,
                 Taps& taps) const;
  void convolve_direct(const Convolution& what, const Step& step, int64_t width, Taps& taps,
                       const Rows& out) const;
  void convolve_winograd(const Convolution& what, const Step& step, int64_t width, Taps& taps,
                         const Rows& out) const;
  void convolve_bf16(const Convolution& what, const Step& step, int64_t width, const Taps& taps,
                     const Rows& out) const;
  void convolve_bf16_winograd(const Convolution& what, const Step& step, int64_t width, Taps& taps,
                              const Rows& out) const;
  void widen_taps(const Step& step, int count, int64_t columns, Taps& taps) const;
  void convolve(const Convolution& what, const Step& step, int64_t y, Interval columns,
                const Rows& out) const;
  struct Squares;
  template <class Function>
  void map(const Step& step, int64_t y, Interval columns, const Function& function) const;

  const FeatureMap& feature_map(FeatureMapId id) const { return context_.plan.feature_map(id); }
  bool is_dense_bf16(FeatureMapId id) const {
    return feature_map(id).precision == Precision::bf16 &&
           feature_map(id).pixel == feature_map(id).channels;
  }
  const RowBuffer& buffer(FeatureMapId id) const { return context_.buffers[size_t(id)]; }

  // Columns of a row as floats: the feature map's own, or widened ones until the same place is
  // asked for again.
  PixelRun in(FeatureMapId id, int64_t y, Interval columns, int place = 0) const;
  PixelRun broadcast(const Step& step, size_t index, int64_t y, Interval columns) const;
  // Columns of a row to be filled with floats, which go to the feature map in its precision when it
  // is destroyed.
  class Target {
   public:
    Target(const RowRunner& runner, FeatureMapId id, int64_t y, Interval columns, int place = 0);
    ~Target();
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    MutablePixelRun run() const { return run_; }

   private:
    const Kernels& kernels_;
    MutablePixelRun run_;
    std::byte* narrow_ = nullptr;
    int64_t count_ = 0;
  };

  Context context_;
};

}  // namespace hyperconv
