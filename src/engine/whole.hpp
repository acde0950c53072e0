// A layer at a time, for any graph: every step computes the whole of its outputs before the next
// one begins.
#pragma once

#include <vector>

#include "base/memory.hpp"
#include "base/threads.hpp"
#include "engine/executor.hpp"
#include "engine/filters.hpp"
#include "engine/rows.hpp"
#include "engine/sums.hpp"

namespace hyperconv {

class WholeExecutor : public Executor {
 public:
  /// Takes the plan's memory. What it refers to must outlive it. Throws Error as require_memory()
  /// does.
  WholeExecutor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads);

  const Plan& plan() const override { return plan_; }
  void run(const RunTensors& tensors, const Given& given) override;
  /// What the filters that the last run predicted on its way follow from.
  const Statistics& statistics() const { return found_; }
  /// How long each step of the last run took.
  const std::vector<double>& seconds() const { return seconds_; }

 private:
  void make_room(const Given& given);
  void execute(const RowAction& action, const Step& step);
  void execute(const FrameAction& action, const Step& step);
  void execute(const action::FillBorder& action, const Step& step);
  void execute(const action::PredictFilters& action, const Step& step);
  void execute(const action::AdaptiveAveragePool2d& action, const Step& step);
  void execute(const action::AttentionPool&, const Step& step);
  void execute(const action::Bilinear2d& action, const Step& step);
  void execute(const action::Norm2d& action, const Step& step);
  void execute(const action::TakeVector&, const Step& step);

  const FeatureMap& feature_map(FeatureMapId id) const { return plan_.feature_map(id); }
  // Of a feature map in f32.
  float* pixel(FeatureMapId id, int64_t y, int64_t x) const {
    return reinterpret_cast<float*>(buffers_[size_t(id)].at(y, x));
  }
  PixelRun run_of(FeatureMapId id, int64_t y) const {
    return {pixel(id, y, 0), feature_map(id).pixel};
  }
  MutablePixelRun mutable_run_of(FeatureMapId id, int64_t y) const {
    return {pixel(id, y, 0), feature_map(id).pixel};
  }
  Frame frame_of(FeatureMapId id) const;

  // A step's work split into tiles: a few rows high and, where that keeps a convolution's input in
  // a core's cache, narrower than the frame.
  struct Tiling {
    Units units;
    int64_t rows, columns;  // of a tile, in units
    int64_t across() const { return ceil_div(units.width, columns); }
    int64_t count() const { return across() * ceil_div(units.height, rows); }
  };
  Tiling tiling_of(const RowAction& action, const Step& step) const;
  void run_tile(const Step& step, const Tiling& tiling, int64_t index, double* sums);
  void add_sums(const Step& step, const RowReach& reach, int64_t y, Interval columns, double* sums);
  int64_t sums_wanted(const Step& step) const;

  template <class Body>
  void for_rows(int64_t height, const Body& body);
  void clear_border(FeatureMapId id);
  void mirror_border(FeatureMapId id);
  void channel_means(const FeatureMaps& feature_maps);
  double mask_maximum(FeatureMapId mask);
  void instance_scales(FeatureMapId id, int64_t first, const ChannelWeights& weights);
  void layer_scales(FeatureMapId id, const ChannelWeights& weights);

  const Plan plan_;
  FilterBank& filters_;
  const Kernels& kernels_;
  Threads& threads_;
  Arena arena_;
  std::vector<std::byte> zeros_;  // as long as the longest row
  std::vector<RowBuffer> buffers_;
  Sums sums_;
  std::vector<std::vector<double>> map_sums_;  // of those that were added up when written
  std::vector<float> statistics_;              // what filters are predicted from
  PredictedFilters predicted_;                 // on the way
  Statistics found_;
  std::vector<float> means_, factors_, shift_;  // of a Norm2d, a channel each
  std::vector<double> row_maxima_;
  std::vector<double> seconds_;
  // Of the run at work.
  const RowRunner* rows_ = nullptr;
  const Given* given_ = nullptr;
};

// Rows that one thread takes at a time: enough that little of a convolution's halo is read twice,
// few enough that all threads end together.
constexpr int64_t band_rows = 16;

template <class Body>
void WholeExecutor::for_rows(int64_t height, const Body& body) {
  const auto band = [&](int64_t index) {
    throw_if_interrupted();
    const int64_t end = std::min(height, (index + 1) * band_rows);
    for (int64_t y = index * band_rows; y < end; ++y) body(y);
  };
  threads_.parallel_for(ceil_div(height, band_rows), std::ref(band));
}

}  // namespace hyperconv
