// Sums over a frame, and statistics from them.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "engine/rows.hpp"

namespace hyperconv {

/// Adds up over rows on all threads. The rows go into bands that depend on the frame alone, and the
/// bands' sums are added in their order: the number of threads does not change a bit.
class Sums {
 public:
  explicit Sums(Threads& threads) : threads_(threads) {}

  /// Element i: the sum over rows [rows.first, rows.end) of what row(y, sums) adds to sums[i].
  /// Valid until the next call.
  template <class Row>
  const std::vector<double>& over(Interval rows, int64_t count, const Row& row) {
    const int64_t band = ceil_div(rows.size(), most_bands);
    return over_tiles(ceil_div(rows.size(), band), count, [&](int64_t index, double* sums) {
      const int64_t first = rows.first + index * band, end = std::min(rows.end, first + band);
      for (int64_t y = first; y < end; ++y) row(y, sums);
    });
  }

  /// The same over what tile(i, sums) adds, for i in [0, tiles).
  template <class Tile>
  const std::vector<double>& over_tiles(int64_t tiles, int64_t count, const Tile& tile) {
    partial_.resize(std::max(partial_.size(), size_t(count * tiles)));
    const auto body = [&](int64_t index) {
      throw_if_interrupted();
      double* sums = partial_.data() + index * count;
      std::fill_n(sums, count, 0.0);
      tile(index, sums);
    };
    threads_.parallel_for(tiles, std::ref(body));
    sums_.assign(size_t(count), 0.0);
    for (int64_t i = 0; i < tiles * count; ++i) sums_[size_t(i % count)] += partial_[size_t(i)];
    return sums_;
  }

 private:
  static constexpr int64_t most_bands = 64;

  Threads& threads_;
  std::vector<double> partial_, sums_;
};

/// A frame's rows, wherever they come from; called from several threads.
struct Frame {
  int64_t channels, height, width;
  std::function<PixelRun(int64_t y)> row;
};

/// Kernels::describe over all rows. Sums of squares are taken around the frame's first pixel (so a
/// flat frame has no spread at all), which `shift` holds afterwards.
const std::vector<double>& describe(const Frame& frame, const Kernels& kernels, Sums& sums,
                                    std::vector<float>& shift);

/// PhotoDescriptor (graph.hpp) of values that come in bands of whole rows, from the first to the
/// last. Each row is added up by itself and then to those before it: the same bits, whatever the
/// bands and the number of threads.
class PhotoSums {
 public:
  PhotoSums(const Kernels& kernels, Threads& threads) : kernels_(kernels), threads_(threads) {}

  /// Rows `rows` and columns `columns` of a [1,C,h,w]; of every band as many columns.
  void add(const Tensor& band, Interval rows, Interval columns);

  /// Of all that was added; at least one row.
  std::vector<float> descriptor() const;

 private:
  const Kernels& kernels_;
  Threads& threads_;
  std::vector<float> shift_;   // the first pixel: squares are taken around it
  std::vector<double> sums_;   // of deviations, their squares, and steps to the right neighbour
  std::vector<double> parts_;  // the same of each of a band's rows
  int64_t rows_ = 0, width_ = 0;
};

}  // namespace hyperconv
