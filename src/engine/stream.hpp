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
#include "engine/engine.hpp"
#include "engine/executor.hpp"
#include "engine/filters.hpp"
#include "engine/rows.hpp"

namespace hyperconv {

/// Pixels of the network's input that a tile is wide at most, so that memory does not grow with the
/// photo. A 12 MP mosaic's cells fit side by side.
constexpr int64_t widest_tile = 2048;

/// Whether no step reads a whole layer.
bool can_stream(const Plan& plan);

class StreamExecutor : public Executor {
 public:
  /// Allocates memory for every thread. What it refers to must outlive it. It computes the whole
  /// output at first.
  StreamExecutor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads,
                 int64_t tile_width = widest_tile);

  const Plan& plan() const override { return plan_; }
  void run(const RunTensors& tensors, const Given& given) override;

  /// From now on runs compute that part of the output, with the same bits as in the whole; their
  /// tensors hold what part_plan() names.
  void make_part(const Region& part);
  PartPlan part_plan() const { return part_plan(layout_, threads_.count()); }

  /// The same for an executor with so many threads.
  static PartPlan part_plan(const Plan& plan, int threads, const Region& part) {
    return part_plan(lay_out(plan, threads, widest_tile, part), threads);
  }

 private:
  struct Area {
    Interval rows, columns;
  };
  // A rectangle of the last step's units, and what every feature map and step has to provide for
  // it.
  struct Tile {
    std::vector<Area> feature_maps;  // rows within the frame; columns beyond its edges too
    std::vector<Area> units;
  };
  // Ring buffer of one feature map, large enough for every tile.
  struct Ring {
    int64_t slots = 0, width = 0;
    int64_t offset = 0;  // bytes, in a thread's memory
  };
  struct Layout {
    std::vector<int> row_steps;  // indices of plan.steps
    std::vector<int> writer;     // step that writes a feature map
    std::vector<std::vector<int>> readers;
    std::vector<Tile> tiles;
    std::vector<Ring> rings;
    Region reads, makes;
    int64_t bytes = 0;      // of a thread
    int64_t last_rows = 0;  // unit rows of the last step in all tiles, for progress
  };
  class Flow;

  static Layout lay_out(const Plan& plan, int threads, int64_t tile_width, const Region& part);
  static PartPlan part_plan(const Layout& layout, int threads) {
    return {layout.reads, layout.makes, layout.bytes * threads};
  }
  static Units output_of_unit(const Plan& plan, const Step& last);
  static Region input_of(const Plan& plan, const Layout& layout);
  static Tile tile_of(const Plan& plan, const Layout& layout, const Area& units);
  // All units of the last step in so many bands of rows, each cut into so many tiles side by side.
  static std::vector<Tile> tiles_of(const Plan& plan, const Layout& layout, const Area& all,
                                    int64_t bands, int64_t across);
  // Those that so many threads are soonest done with, of tiles that are narrow enough.
  static std::vector<Tile> best_tiles(const Plan& plan, const Layout& layout, const Area& all,
                                      int threads, int64_t least_across);
  static void measure(const Plan& plan, const Tile& tile, Layout& layout);
  void run_tile(const Tile& tile, int worker, const RunTensors& tensors, const RunFilters& filters);

  const Plan plan_;
  const int64_t tile_width_;
  Region part_;
  Layout layout_;
  FilterBank& filters_;
  const Kernels& kernels_;
  Threads& threads_;
  Arena arena_;
  std::vector<std::byte> zeros_;
  const PredictedFilters nothing_predicted_;
  std::atomic<int64_t> rows_done_ = 0;  // of the last step, in the run at work
};

}  // namespace hyperconv
