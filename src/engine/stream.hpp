// Pull-based, row by row: every feature map is a ring buffer of the rows that later steps still
// have to read. Memory depends on the width of a tile, not on the size of the photo.
//
// The output is split into tiles, each computed by one thread. To produce a row, a step first
// requests the rows it reads from the steps that write them, which request theirs in turn, down to
// the network's input. Neighbouring tiles both compute the halo between them, with the same kernels
// at the same positions: the result is the same, bit for bit, for all tiles and as WholeExecutor's.
#pragma once

#include <atomic>
#include <vector>

#include "base/memory.hpp"
#include "base/threads.hpp"
#include "engine/executor.hpp"
#include "engine/filters.hpp"
#include "engine/rows.hpp"
#include "engine/sums.hpp"

namespace hyperconv {

/// Pixels of the network's input that a tile is wide at most, so that memory does not grow with the
/// photo. A 12 MP mosaic's cells fit side by side; narrower tiles would compute more of the halo
/// twice.
constexpr int64_t widest_tile = 2048;

/// Whether nothing but the network's input is read as a whole frame, so that all other steps can
/// run row by row.
bool can_stream(const Plan& plan);

class StreamExecutor : public Executor {
 public:
  /// Takes its memory: some for every thread. What it refers to must outlive it.
  StreamExecutor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads,
                 int64_t tile_width = widest_tile);

  const Plan& plan() const override { return plan_; }
  void run(const Tensor& input, const SideInputs& side, Tensor& output) override;

  /// Bytes that an executor with so many threads takes.
  static int64_t bytes(const Plan& plan, int threads);

 private:
  struct Extent {
    Interval rows, columns;
  };
  // A rectangle of the last step's units, and what every feature map and step has to provide for
  // it.
  struct Tile {
    std::vector<Extent> feature_maps;  // rows within the frame; columns beyond its edges too
    std::vector<Extent> units;
  };
  // Ring buffer of one feature map, large enough for every tile.
  struct Ring {
    int64_t slots = 0, width = 0;
    int64_t offset = 0;  // bytes, in a thread's memory
  };
  struct Layout {
    std::vector<int> row_steps;    // indices of plan.steps
    std::vector<int> frame_steps;  // run before the first row
    std::vector<int> writer;       // step that writes a feature map
    std::vector<std::vector<int>> readers;
    std::vector<Tile> tiles;
    std::vector<Ring> rings;
    int64_t bytes = 0;      // of a thread
    int64_t last_rows = 0;  // unit rows of the last step in all tiles, for progress
  };
  class Flow;

  static Layout lay_out(const Plan& plan, int threads, int64_t tile_width);
  static Tile tile_of(const Plan& plan, const Layout& layout, const Extent& units);
  static void measure(const Plan& plan, const Tile& tile, Layout& layout);
  void describe_input(const Step& step, const Tensor& input);
  void predict(const Step& step);
  void run_tile(const Tile& tile, int worker, const Tensor& input, Tensor& output);

  const Plan plan_;
  const Layout layout_;
  FilterBank& filters_;
  const Kernels& kernels_;
  Threads& threads_;
  Arena arena_;
  std::vector<std::byte> zeros_;
  std::vector<std::vector<float>> descriptors_;  // of the feature maps that frame steps write
  Sums sums_;
  std::atomic<int64_t> rows_done_ = 0;  // of the last step, in the run at work
};

}  // namespace hyperconv
