// What a batch's convolutions share, whatever they compute in: bands of rows, rows with zeros
// around them, and the sums of gradients.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/integers.hpp"
#include "engine/batch_convolution.hpp"

namespace hyperconv {

/// Rows of a frame that are one task: few enough to have tasks for all threads, enough that little
/// of the halo is read twice.
constexpr int64_t band_rows = 32;
/// Room behind a row: kernels read and write whole vectors.
constexpr int64_t row_slack = 64;

/// Filters [out,in,k,k], read as they are or for the gradient of the input: then inputs and outputs
/// are exchanged and the taps rotated by half a turn.
struct FilterSource {
  const float* values;
  int64_t out_step, in_step;
  bool turned;

  /// Of a batch's filters, those from `values` on.
  static FilterSource of(const BatchShape& batch, const float* values, bool turned) {
    const int64_t taps = int64_t(batch.kernel) * batch.kernel;
    return {values, turned ? taps : batch.in * taps, turned ? batch.in * taps : taps, turned};
  }

  void read(int64_t out, int64_t in, int64_t taps, float* to) const {
    const float* from = values + out * out_step + in * in_step;
    if (turned)
      std::reverse_copy(from, from + taps, to);
    else
      std::copy_n(from, taps, to);
  }
};

/// Ring buffer of a frame's rows, with zeros left and right of them and beyond the frame.
template <class Value>
class RowRing {
 public:
  /// `fill(y, row)` writes row y of the frame.
  using Fill = std::function<void(int64_t y, Value* row)>;

  RowRing(int64_t height, int64_t width, int64_t channels, int64_t border, int64_t rows, Fill fill)
      : height_(height),
        inner_(width * channels),
        border_(border * channels),
        slots_(rows),
        row_(inner_ + 2 * border_ + row_slack),
        values_(size_t(slots_ * row_)),
        fill_(std::move(fill)) {}

  /// Makes rows [first, end) available; each call goes on from where the one before came to.
  void bring(int64_t first, int64_t end) {
    for (int64_t y = std::max(first, next_); y < end; ++y) {
      Value* row = slot(y) + border_;
      if (y >= 0 && y < height_)
        fill_(y, row);
      else
        std::fill_n(row, inner_, Value(0));
    }
    next_ = end;
  }

  /// Row y from the border's first pixel on.
  const Value* padded(int64_t y) { return slot(y); }
  /// Row y from the frame's first pixel on.
  const Value* row(int64_t y) { return slot(y) + border_; }

 private:
  Value* slot(int64_t y) { return values_.data() + (y + slots_) % slots_ * row_; }

  int64_t height_, inner_, border_, slots_, row_;
  int64_t next_ = INT64_MIN;
  std::vector<Value> values_;
  Fill fill_;
};

/// Some of one sample's rows.
struct Band {
  int64_t sample, first, end;
};

inline int64_t bands_of(const BatchShape& shape) { return ceil_div(shape.height, band_rows); }

inline Band band(const BatchShape& shape, int64_t task) {
  const int64_t first = task % bands_of(shape) * band_rows;
  return {task / bands_of(shape), first, std::min(first + band_rows, shape.height)};
}

/// Gradients of filters and biases by the tasks of a backward pass, each task's apart.
class GradientSums {
 public:
  GradientSums(const BatchShape& batch, int64_t lanes)
      : batch_(batch),
        row_(round_up(batch.out, lanes)),
        size_(int64_t(batch.kernel) * batch.kernel * batch.in * row_),
        filters_(size_t(batch.samples * bands_of(batch) * size_)),
        biases_(size_t(batch.samples * bands_of(batch) * batch.out)) {}

  /// [ky][kx][in][out, padded].
  float* filters(int64_t task) { return filters_.data() + task * size_; }
  double* biases(int64_t task) { return biases_.data() + task * batch_.out; }

  /// The sums of all tasks, in their order.
  void collect(const BatchGradients& to, const ParallelFor& loop) const {
    const int64_t groups = batch_.own_filters ? batch_.samples : 1;
    loop(groups * batch_.in, [&](int64_t i) { collect_channel(i / batch_.in, i % batch_.in, to); });
    for (int64_t out = 0; out < batch_.out; ++out) {
      double sum = 0;
      for (size_t i = size_t(out); i < biases_.size(); i += size_t(batch_.out)) sum += biases_[i];
      to.bias[out] = float(sum);
    }
  }

 private:
  /// One input channel of one filter.
  void collect_channel(int64_t group, int64_t channel, const BatchGradients& to) const {
    const int64_t taps = int64_t(batch_.kernel) * batch_.kernel;
    const int64_t tasks = bands_of(batch_) * (batch_.own_filters ? 1 : batch_.samples);
    float* filter = to.filters + group * batch_.out * batch_.in * taps;
    std::vector<float> sum(size_t(batch_.out));
    for (int64_t tap = 0; tap < taps; ++tap) {
      std::ranges::fill(sum, 0.0f);
      for (int64_t task = group * tasks; task < (group + 1) * tasks; ++task) {
        const float* part = filters_.data() + task * size_ + (tap * batch_.in + channel) * row_;
        for (int64_t out = 0; out < batch_.out; ++out) sum[size_t(out)] += part[out];
      }
      for (int64_t out = 0; out < batch_.out; ++out)
        filter[(out * batch_.in + channel) * taps + tap] = sum[size_t(out)];
    }
  }

  const BatchShape& batch_;
  int64_t row_, size_;
  std::vector<float> filters_;
  std::vector<double> biases_;
};

}  // namespace hyperconv
