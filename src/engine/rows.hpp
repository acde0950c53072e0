// One row of one step. Both executors are made of it, and so agree bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/filters.hpp"
#include "engine/plan.hpp"
#include "hyperconv/tensor.hpp"

namespace hyperconv {

/// Where a picture's rows lie: all of them, or the last few in a ring.
struct View {
  float* data = nullptr;  ///< of the first slot, at column `left`
  int64_t row = 0;        ///< floats from slot to slot
  int64_t pixel = 0;      ///< floats from one pixel to the next
  int64_t slots = 1;      ///< row y lies in slot (y - top) % slots
  int64_t top = 0;        ///< the first row there is
  int64_t left = 0;       ///< the first column: a border has negative ones

  float* at(int64_t y, int64_t x) const {
    return data + (y - top) % slots * row + (x - left) * pixel;
  }
};

/// From `first` up to, not including, `end`.
struct Interval {
  int64_t first = 0, end = 0;
  int64_t size() const { return end - first; }
};

/// The row or column that stands at `index` once a frame is mirrored at its edges for ever.
int64_t reflected(int64_t index, int64_t size);

class RowRunner {
 public:
  /// What rows are made of, and where the network's input comes from and its output goes. A view a
  /// picture; `zeros` is as long as any row that a convolution reads, and a vector more. All must
  /// outlive it.
  struct Context {
    const Plan& plan;
    const FilterBank& filters;
    const Kernels& kernels;
    std::span<const View> views;
    const float* zeros;
    const Tensor& input;
    Tensor& output;
  };
  explicit RowRunner(const Context& context) : context_(context) {}

  /// Units `columns` of unit row `y` of a RowAction's step (Reach). Any thread may.
  void run(const Step& step, int64_t y, Interval columns) const;

 private:
  void run(const ReadInput&, const Step& step, int64_t y, Interval columns) const;
  void run(const Convolve& action, const Step& step, int64_t y, Interval columns) const;
  void run(const ConvolveToOutput& action, const Step& step, int64_t y, Interval columns) const;
  void run(const ConvolveTransposed& action, const Step& step, int64_t y, Interval columns) const;
  void run(const Pool&, const Step& step, int64_t y, Interval columns) const;
  void run(const PoolLargest&, const Step& step, int64_t y, Interval columns) const;
  void run(const Upsample&, const Step& step, int64_t y, Interval columns) const;
  void run(const Transform& action, const Step& step, int64_t y, Interval columns) const;
  void run(const Shuffle& action, const Step& step, int64_t y, Interval columns) const;
  void run(const Sum& action, const Step& step, int64_t y, Interval columns) const;
  void run(const Product&, const Step& step, int64_t y, Interval columns) const;
  void run(const Rectify& action, const Step& step, int64_t y, Interval columns) const;
  void run(const Squash& action, const Step& step, int64_t y, Interval columns) const;
  void run(const RectifyLearned&, const Step& step, int64_t y, Interval columns) const;
  void run(const Join&, const Step& step, int64_t y, Interval columns) const;
  void run(const WriteOutput&, const Step& step, int64_t y, Interval columns) const;

  // What a convolution is to do with four rows of output, or with one.
  struct Convolution {
    const PackedFilter& filter;
    Rectifier rectifier = Rectifier::none;
    int stride = 1;
    Padding padding = Padding::zero;
  };
  // Where it writes: as many rows as a unit has, nullptr for those beyond the frame.
  struct Rows {
    std::array<float*, 4> first;
    int64_t pixel;
  };
  void convolve(const Convolution& what, const Step& step, int64_t y, Interval columns,
                const Rows& out) const;
  int64_t strip_width(const PackedFilter& filter) const;

  const Picture& picture(PictureId id) const { return context_.plan.picture(id); }
  const View& view(PictureId id) const { return context_.views[size_t(id)]; }
  PixelRun in(const Step& step, size_t index, int64_t y, int64_t x) const;
  PixelRun spread(const Step& step, size_t index, int64_t y, int64_t x) const;
  MutablePixelRun out(const Step& step, size_t index, int64_t y, int64_t x) const;

  Context context_;
};

}  // namespace hyperconv
