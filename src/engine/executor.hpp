// Runs a plan: cuts every step into bands of rows and strips of columns, and hands them to threads
// and kernels.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/threads.hpp"
#include "engine/filters.hpp"
#include "engine/plan.hpp"
#include "hyperconv/tensor.hpp"

namespace hyperconv {

class Executor {
 public:
  /// Takes the plan's memory. What it refers to must outlive it. Throws Error with the figure when
  /// the machine has not that much.
  Executor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads);

  const Plan& plan() const { return plan_; }
  /// Shapes as in the plan.
  void run(const Tensor& input, Tensor& output);
  /// What each step of the last run took.
  const std::vector<double>& seconds() const { return seconds_; }

 private:
  void execute(const ReadInput&, const Step& step);
  void execute(const FillBorder& action, const Step& step);
  void execute(const Convolve& action, const Step& step);
  void execute(const ConvolveToOutput& action, const Step& step);
  void execute(const ConvolveTransposed& action, const Step& step);
  void execute(const PredictFilters& action, const Step& step);
  void execute(const Pool&, const Step& step);
  void execute(const PoolLargest&, const Step& step);
  void execute(const PoolParts& action, const Step& step);
  void execute(const Attend&, const Step& step);
  void execute(const Interpolate& action, const Step& step);
  void execute(const Transform& action, const Step& step);
  void execute(const Upsample&, const Step& step);
  void execute(const Shuffle& action, const Step& step);
  void execute(const Sum& action, const Step& step);
  void execute(const Product&, const Step& step);
  void execute(const Rectify& action, const Step& step);
  void execute(const Squash& action, const Step& step);
  void execute(const RectifyLearned&, const Step& step);
  void execute(const Normalise& action, const Step& step);
  void execute(const Join&, const Step& step);
  void execute(const Describe&, const Step& step);
  void execute(const WriteOutput&, const Step& step);

  const Picture& picture(PictureId id) const { return plan_.pictures[size_t(id)]; }
  float* pixel(const Picture& picture, int64_t y, int64_t x) const {
    return arena_floats() + picture.origin() + y * picture.row + x * picture.pixel;
  }
  float* arena_floats() const { return reinterpret_cast<float*>(arena_.data()); }

  // Rows and columns of a convolution's output pixels (before a shuffle), and what of its input
  // and output limits a strip.
  struct Frame {
    int64_t height, width;
    int kernel;
    int64_t widest;  // strips are at most so many pixels wide
  };
  // Rows [first, end).
  struct Rows {
    int64_t first, end;
  };

  template <class Body>
  void for_rows(int64_t height, const Body& body);
  template <class Body>
  void for_strips(const Step& step, const Frame& frame, const Body& body);
  std::vector<ConvInput> conv_inputs(const Step& step, int kernel) const;
  ConvRow conv_row(const PackedFilter& filter, Rectifier rectifier, const Step& step) const;
  void clear_border(const Picture& picture);
  void mirror_border(const Picture& picture);
  template <class Row>
  void sum_rows(Rows rows, int64_t count, const Row& row);
  void describe(const Picture& in);
  void channel_means(const Pictures& pictures);
  PixelRun broadcast_row(const Picture& of, const Picture& over, int64_t y) const;
  double mask_maximum(const Picture& mask);
  void instance_scales(const Picture& in, int64_t first, const ChannelWeights& weights);
  void layer_scales(const Picture& in, const ChannelWeights& weights);
  float* planar_row(int64_t channel, int64_t y);

  const Plan plan_;
  FilterBank& filters_;
  const Kernels& kernels_;
  Threads& threads_;
  Arena arena_;
  std::vector<std::vector<ConvInput>> conv_inputs_;  // of each step
  std::vector<float> statistics_;                    // what filters are predicted from
  std::vector<double> partial_sums_;                 // [band][sum]
  std::vector<double> sums_;
  std::vector<float> means_, factors_;  // of a Normalise, a channel each
  std::vector<double> seconds_;
  const Tensor* input_ = nullptr;
  Tensor* output_ = nullptr;
};

// Rows that one thread takes at a time: many enough that a convolution reads few of its
// neighbour's rows again, few enough that two threads end together.
constexpr int64_t band_rows = 16;

// Sums are taken over bands that depend on the frame alone, and added up in their order: so they
// do not depend on the number of threads.
constexpr int64_t sum_bands = 64;

inline int64_t ceil_div(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

template <class Body>
void Executor::for_rows(int64_t height, const Body& body) {
  const auto band = [&](int64_t index) {
    throw_if_interrupted();
    const int64_t end = std::min(height, (index + 1) * band_rows);
    for (int64_t y = index * band_rows; y < end; ++y) body(y);
  };
  threads_.parallel_for(ceil_div(height, band_rows), std::ref(band));
}

// sums_[i] = sum over the rows of what row(y, sums) adds to its sums[i].
template <class Row>
void Executor::sum_rows(Rows over, int64_t count, const Row& row) {
  const int64_t rows = ceil_div(over.end - over.first, sum_bands);
  const int64_t bands = ceil_div(over.end - over.first, rows);
  sums_.resize(std::max(sums_.size(), size_t(count)));
  partial_sums_.resize(std::max(partial_sums_.size(), size_t(count * bands)));
  const auto band = [&](int64_t index) {
    throw_if_interrupted();
    double* sums = partial_sums_.data() + index * count;
    std::fill_n(sums, count, 0.0);
    const int64_t first = over.first + index * rows, end = std::min(over.end, first + rows);
    for (int64_t y = first; y < end; ++y) row(y, sums);
  };
  threads_.parallel_for(bands, std::ref(band));
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (int64_t i = 0; i < bands * count; ++i) {
    sums_[size_t(i % count)] += partial_sums_[size_t(i)];
  }
}

}  // namespace hyperconv
