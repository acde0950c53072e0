// Runs a plan: cuts every step into bands of rows and strips of columns, and hands them to threads
// and kernels.
#pragma once

#include <vector>

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
  void execute(const Convolve& action, const Step& step);
  void execute(const ConvolveToOutput& action, const Step& step);
  void execute(const ConvolveTransposed& action, const Step& step);
  void execute(const PredictFilters& action, const Step& step);
  void execute(const Pool&, const Step& step);
  void execute(const Upsample&, const Step& step);
  void execute(const Shuffle& action, const Step& step);
  void execute(const Sum& action, const Step& step);
  void execute(const Rectify& action, const Step& step);
  void execute(const Join&, const Step& step);
  void execute(const Describe&, const Step& step);
  void execute(const WriteOutput&, const Step& step);

  const Picture& picture(PictureId id) const { return plan_.pictures[size_t(id)]; }
  float* pixel(const Picture& picture, int64_t y, int64_t x) const {
    return arena_floats() + picture.origin() + y * picture.row + x * picture.pixel;
  }
  float* arena_floats() const { return reinterpret_cast<float*>(arena_.data()); }

  template <class Body>
  void for_rows(int64_t height, const Body& body);
  template <class Body>
  void for_strips(const Step& step, int kernel, int64_t widest, const Body& body);
  std::vector<ConvInput> conv_inputs(const Step& step, int kernel) const;
  ConvRow conv_row(const PackedFilter& filter, Rectifier rectifier, const Step& step) const;
  void clear_border(const Picture& picture);
  template <class Row>
  void sum_rows(const Picture& in, int64_t count, const Row& row);
  void channel_means(const Pictures& pictures);
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
  std::vector<double> seconds_;
  const Tensor* input_ = nullptr;
  Tensor* output_ = nullptr;
};

}  // namespace hyperconv
