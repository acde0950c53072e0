// Row by row: a photo flows through the network, down and up its levels, and every layer keeps only
// the rows that somebody still reads. Memory depends on the width of a strip, not on the photo.
//
// The output is cut into tiles. Whoever makes a tile asks the last step for its rows; a step that
// is asked for rows asks those before it for what it reads, and makes its own. At a tile's edge it
// makes what its neighbour makes as well, by the same kernels in the same places: a photo in tiles
// is the same, bit for bit, as in one piece, and as by WholeExecutor.
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
/// photo. A 12 MP mosaic's cells fit side by side; narrower tiles would make more edges twice.
constexpr int64_t widest_tile = 2048;

/// Whether nothing in it looks at the whole of a layer.
bool can_stream(const Plan& plan);

class StreamExecutor : public Executor {
 public:
  /// Takes its memory: some for every thread. What it refers to must outlive it. It makes the whole
  /// output.
  StreamExecutor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads,
                 int64_t tile_width = widest_tile);

  const Plan& plan() const override { return plan_; }
  void run(const RunTensors& tensors, const Given& given) override;

  /// From now on runs make that part of the output: the same bits as in the whole. What
  /// part_plan() names must be there.
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
  // A part of the last step's work, and what follows for every picture and step.
  struct Tile {
    std::vector<Area> pictures;  // rows in the frame; columns beyond its edges too
    std::vector<Area> units;
  };
  // Of one picture: rows at once, and their width, in the largest tile.
  struct Ring {
    int64_t slots = 0, width = 0;
    int64_t offset = 0;  // bytes, in a thread's memory
  };
  struct Layout {
    std::vector<int> row_steps;  // indices of plan.steps
    std::vector<int> writer;     // step that writes a picture
    std::vector<std::vector<int>> readers;
    std::vector<Tile> tiles;
    std::vector<Ring> rings;
    Region reads, makes;
    int64_t bytes = 0;      // of a thread
    int64_t last_rows = 0;  // units of the last step, in all tiles
  };
  class Flow;

  static Layout lay_out(const Plan& plan, int threads, int64_t tile_width, const Region& part);
  static PartPlan part_plan(const Layout& layout, int threads) {
    return {layout.reads, layout.makes, layout.bytes * threads};
  }
  static Units output_of_unit(const Plan& plan, const Step& last);
  static Region input_of(const Plan& plan, const Layout& layout);
  static Tile tile_of(const Plan& plan, const Layout& layout, const Area& units);
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
