#include "engine/stream.hpp"

#include <algorithm>

#include "base/interrupt.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

// Bytes; of AVX-512.
constexpr int64_t longest_vector = 64;

const RowAction* row_action(const Step& step) { return std::get_if<RowAction>(&step.action); }

template <class Kind>
bool is_frame_action(const Step& step) {
  const auto* action = std::get_if<FrameAction>(&step.action);
  return action != nullptr && std::holds_alternative<Kind>(*action);
}

bool same_frame(const Plan& plan, const FeatureMaps& feature_maps) {
  return std::all_of(feature_maps.begin(), feature_maps.end(), [&](FeatureMapId p) {
    const FeatureMap &a = plan.feature_map(p), &b = plan.feature_map(feature_maps.front());
    return a.height == b.height && a.width == b.width;
  });
}

// Who writes each feature map, a step's index.
std::vector<int> writers(const Plan& plan) {
  std::vector<int> writer(plan.feature_maps.size(), -1);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    for (const FeatureMapId p : plan.steps[i].outputs) writer[size_t(p)] = int(i);
  }
  return writer;
}

Interval clipped(const Interval& interval, int64_t size) {
  return {std::max<int64_t>(interval.first, 0), std::min(interval.end, size)};
}

Interval joined(const Interval& a, const Interval& b) {
  if (a.size() <= 0) return b;
  return {std::min(a.first, b.first), std::max(a.end, b.end)};
}

Interval read_by(const Interval& units, const Reach& reach) {
  return {units.first * reach.in - reach.before,
          (units.end - 1) * reach.in - reach.before + reach.count};
}

Interval units_for(const Interval& lines, const Reach& reach) {
  return {lines.first / reach.out, ceil_div(lines.end, reach.out)};
}

Interval share(int64_t index, int64_t count, int64_t size) {
  return {index * size / count, (index + 1) * size / count};
}

Interval shifted(const Interval& interval, int64_t by) {
  return {interval.first + by, interval.end + by};
}

// Units of so many lines that cover those lines.
Interval covering(const Interval& lines, int64_t unit) {
  return {lines.first / unit, ceil_div(lines.end, unit)};
}

}  // namespace

bool can_stream(const Plan& plan) {
  const std::vector<int> writer = writers(plan);
  const auto is_given = [&](FeatureMapId p) {
    return is_frame_action<action::TakeVector>(plan.steps[size_t(writer[size_t(p)])]);
  };
  return std::all_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const FeatureMaps& in = step.inputs;
    if (row_action(step) != nullptr)
      return same_frame(plan, in) && std::none_of(in.begin(), in.end(), is_given);
    if (is_frame_action<action::TakeVector>(step)) return true;
    // Its filters are known before the run.
    return is_frame_action<action::PredictFilters>(step) &&
           std::all_of(in.begin(), in.end(), is_given);
  });
}

// From the last step back to the first: the units that each step must compute, and the rows and
// columns of its inputs that it needs for them, so that the steps behind it have all they read.
StreamExecutor::Tile StreamExecutor::tile_of(const Plan& plan, const Layout& layout,
                                             const Area& units) {
  Tile tile;
  tile.feature_maps.resize(plan.feature_maps.size());
  tile.units.resize(plan.steps.size());
  tile.units[size_t(layout.row_steps.back())] = units;
  for (auto i = layout.row_steps.rbegin(); i != layout.row_steps.rend(); ++i) {
    const Step& step = plan.steps[size_t(*i)];
    const RowReach reach = reach_of(plan, *row_action(step));
    Area& work = tile.units[size_t(*i)];
    for (const FeatureMapId p : step.outputs) {
      const FeatureMap& of = plan.feature_map(p);
      const Area& wanted = tile.feature_maps[size_t(p)];
      work.rows = joined(work.rows, units_for(wanted.rows, reach.rows));
      work.columns =
          joined(work.columns, units_for(clipped(wanted.columns, of.width), reach.columns));
    }
    for (const FeatureMapId p : step.outputs) {
      Area& made = tile.feature_maps[size_t(p)];
      made.rows = clipped({work.rows.first * reach.rows.out, work.rows.end * reach.rows.out},
                          plan.feature_map(p).height);
      made.columns = joined(made.columns, {work.columns.first * reach.columns.out,
                                           work.columns.end * reach.columns.out});
    }
    if (work.rows.size() <= 0) continue;
    for (const FeatureMapId p : step.inputs) {
      Area& wanted = tile.feature_maps[size_t(p)];
      wanted.rows =
          joined(wanted.rows, clipped(read_by(work.rows, reach.rows), plan.feature_map(p).height));
      wanted.columns = joined(wanted.columns, read_by(work.columns, reach.columns));
    }
  }
  return tile;
}

std::vector<StreamExecutor::Tile> StreamExecutor::tiles_of(const Plan& plan, const Layout& layout,
                                                           const Area& all, int64_t bands,
                                                           int64_t across) {
  std::vector<Tile> tiles;
  for (int64_t band = 0; band < bands; ++band)
    for (int64_t x = 0; x < across; ++x)
      tiles.push_back(tile_of(plan, layout,
                              {shifted(share(band, bands, all.rows.size()), all.rows.first),
                               shifted(share(x, across, all.columns.size()), all.columns.first)}));
  return tiles;
}

// Neighbours both compute the halo between them: low and wide parts are best cut from top to
// bottom.
std::vector<StreamExecutor::Tile> StreamExecutor::best_tiles(const Plan& plan, const Layout& layout,
                                                             const Area& all, int threads,
                                                             int64_t least_across) {
  // The values that a tile computes.
  const auto work_of = [&](const Tile& tile) {
    int64_t values = 0;
    for (size_t p = 0; p < tile.feature_maps.size(); ++p) {
      const Area& area = tile.feature_maps[p];
      values += std::max<int64_t>(area.rows.size(), 0) * area.columns.size() *
                plan.feature_maps[p].channels;
    }
    return values;
  };
  std::vector<Tile> best;
  int64_t least = 0;
  for (int64_t bands = std::min<int64_t>(threads, all.rows.size()); bands >= 1; --bands) {
    int64_t across = least_across;
    while (bands * across % threads != 0 && across < all.columns.size()) ++across;
    across = std::min(across, all.columns.size());
    std::vector<Tile> tiles = tiles_of(plan, layout, all, bands, across);
    int64_t largest = 0;
    for (const Tile& tile : tiles) largest = std::max(largest, work_of(tile));
    const int64_t work = ceil_div(int64_t(tiles.size()), int64_t(threads)) * largest;
    if (!best.empty() && work >= least) continue;
    best = std::move(tiles);
    least = work;
  }
  return best;
}

// The order in which a tile's rows are computed: pulled by the last step.
class StreamExecutor::Flow {
 public:
  Flow(const Plan& plan, const Layout& layout, const Tile& tile)
      : plan_(plan), layout_(layout), tile_(tile) {
    for (const Area& work : tile.units) next_.push_back(work.rows.first);
    for (const Step& step : plan.steps) {
      const RowAction* action = row_action(step);
      reach_.push_back(action == nullptr ? RowReach{} : reach_of(plan, *action));
    }
  }

  /// Calls make(step, unit row) for all the tile needs.
  template <class Make>
  void run(const Make& make) {
    const int last = layout_.row_steps.back();
    ask(last, tile_.units[size_t(last)].rows.end, make);
  }

  /// The first row of a feature map that a step has still to read.
  int64_t still_wanted(FeatureMapId p) const {
    int64_t lowest = plan_.feature_map(p).height;
    for (const int reader : layout_.readers[size_t(p)]) {
      const auto r = size_t(reader);
      if (next_[r] >= tile_.units[r].rows.end) continue;
      lowest = std::min(lowest, next_[r] * reach_[r].rows.in - reach_[r].rows.before);
    }
    return std::max<int64_t>(lowest, 0);
  }

 private:
  template <class Make>
  void ask(int index, int64_t end, const Make& make) {
    const Step& step = plan_.steps[size_t(index)];
    int64_t& next = next_[size_t(index)];
    const Reach& reach = reach_[size_t(index)].rows;
    for (; next < end; ++next) {
      const int64_t lines = read_by({next, next + 1}, reach).end;
      for (const FeatureMapId p : step.inputs) {
        const int writer = layout_.writer[size_t(p)];
        const int64_t there = std::min(lines, plan_.feature_map(p).height);
        ask(writer, ceil_div(there, reach_[size_t(writer)].rows.out), make);
      }
      make(index, next);
    }
  }

  const Plan& plan_;
  const Layout& layout_;
  const Tile& tile_;
  std::vector<int64_t> next_;  // unit row that each step computes next
  std::vector<RowReach> reach_;
};

// A dry run through a tile: how many rows of each feature map are needed at once, which is the size
// of its ring buffer.
void StreamExecutor::measure(const Plan& plan, const Tile& tile, Layout& layout) {
  Flow flow(plan, layout, tile);
  flow.run([&](int index, int64_t unit) {
    const Step& step = plan.steps[size_t(index)];
    const int64_t out = reach_of(plan, *row_action(step)).rows.out;
    for (const FeatureMapId p : step.outputs) {
      const int64_t end = std::min((unit + 1) * out, plan.feature_map(p).height);
      Ring& ring = layout.rings[size_t(p)];
      ring.slots = std::max({ring.slots, end - flow.still_wanted(p), end - unit * out});
    }
  });
  for (size_t p = 0; p < layout.rings.size(); ++p) {
    Ring& ring = layout.rings[p];
    ring.width = std::max(ring.width, tile.feature_maps[p].columns.size());
  }
}

// Lines of the network's output that a unit of the last step computes.
Units StreamExecutor::output_of_unit(const Plan& plan, const Step& last) {
  const RowReach reach = reach_of(plan, *row_action(last));
  const int64_t factor = plan.output.h / plan.feature_map(last.inputs.front()).height;
  return {reach.rows.in * factor, reach.columns.in * factor};
}

StreamExecutor::Layout StreamExecutor::lay_out(const Plan& plan, int threads, int64_t tile_width,
                                               const Region& part) {
  Layout layout;
  layout.writer = writers(plan);
  layout.readers.resize(plan.feature_maps.size());
  layout.rings.resize(plan.feature_maps.size());
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    if (row_action(plan.steps[i]) == nullptr) continue;
    layout.row_steps.push_back(int(i));
    for (const FeatureMapId p : plan.steps[i].inputs) layout.readers[size_t(p)].push_back(int(i));
  }
  const Step& last = plan.steps[size_t(layout.row_steps.back())];
  const Units unit = output_of_unit(plan, last), all = units_of(plan, last);
  const Interval rows = covering({part.top, part.top + part.height}, unit.height);
  const Interval columns = covering({part.left, part.left + part.width}, unit.width);
  layout.makes = {rows.first * unit.height, columns.first * unit.width, 0, 0};
  layout.makes.height = std::min(rows.end * unit.height, plan.output.h) - layout.makes.top;
  layout.makes.width = std::min(columns.end * unit.width, plan.output.w) - layout.makes.left;
  const int64_t width = ceil_div(plan.input.w * columns.size(), all.width);
  layout.tiles = best_tiles(plan, layout, {rows, columns}, threads, ceil_div(width, tile_width));
  for (const Tile& tile : layout.tiles) {
    measure(plan, tile, layout);
    layout.last_rows += tile.units[size_t(layout.row_steps.back())].rows.size();
  }
  layout.reads = input_of(plan, layout);
  for (size_t p = 0; p < plan.feature_maps.size(); ++p) {
    Ring& ring = layout.rings[p];
    ring.offset = layout.bytes;
    // One vector more behind the last row: kernels read and write whole vectors.
    const int64_t row = row_stride(ring.width * plan.feature_maps[p].pixel_bytes());
    layout.bytes += ring.slots > 0 ? ring.slots * row + longest_vector : 0;
  }
  return layout;
}

// All that the tiles read of the network's input.
Region StreamExecutor::input_of(const Plan& plan, const Layout& layout) {
  Interval rows, columns;
  for (const int i : layout.row_steps) {
    if (!std::holds_alternative<action::Input>(*row_action(plan.steps[size_t(i)]))) continue;
    for (const Tile& tile : layout.tiles) {
      const Area& read = tile.units[size_t(i)];
      if (read.rows.size() <= 0) continue;
      rows = joined(rows, read.rows);
      columns = joined(columns, read.columns);
    }
  }
  return {rows.first, columns.first, rows.size(), columns.size()};
}

StreamExecutor::StreamExecutor(Plan plan, FilterBank& filters, const Kernels& kernels,
                               Threads& threads, int64_t tile_width)
    : plan_(std::move(plan)),
      tile_width_(tile_width),
      filters_(filters),
      kernels_(kernels),
      threads_(threads) {
  make_part({0, 0, plan_.output.h, plan_.output.w});
}

void StreamExecutor::make_part(const Region& part) {
  if (part == part_) return;
  part_ = part;
  layout_ = lay_out(plan_, threads_.count(), tile_width_, part);
  const int64_t bytes = layout_.bytes * threads_.count();
  if (bytes > int64_t(arena_.size())) {
    require_memory(bytes);
    arena_ = Arena();  // frees the old memory before the new is allocated
    arena_ = Arena(size_t(bytes));
  }
  int64_t longest = 0;
  for (size_t p = 0; p < plan_.feature_maps.size(); ++p)
    longest = std::max(longest, layout_.rings[p].width * plan_.feature_maps[p].pixel_bytes());
  zeros_.resize(std::max(zeros_.size(), size_t(longest + longest_vector)));
}

void StreamExecutor::run(const RunTensors& tensors, const Given& given) {
  throw_if_interrupted();
  const RunFilters filters(filters_, given.filters, nothing_predicted_);
  rows_done_ = 0;
  std::atomic<size_t> next{0};
  const auto work = [&](int64_t worker) {
    for (size_t i = next++; i < layout_.tiles.size(); i = next++)
      run_tile(layout_.tiles[i], int(worker), tensors, filters);
  };
  threads_.parallel_for(threads_.count(), std::ref(work));
}

void StreamExecutor::run_tile(const Tile& tile, int worker, const RunTensors& tensors,
                              const RunFilters& filters) {
  std::byte* memory = arena_.data() + layout_.bytes * worker;
  std::vector<RowBuffer> buffers(plan_.feature_maps.size());
  for (size_t p = 0; p < buffers.size(); ++p) {
    const Ring& ring = layout_.rings[p];
    if (ring.slots == 0) continue;
    const FeatureMap& feature_map = plan_.feature_maps[p];
    const Area& region = tile.feature_maps[p];
    RowBuffer& buffer = buffers[p];
    buffer = {.data = memory + ring.offset,
              .row = row_stride(ring.width * feature_map.pixel_bytes()),
              .pixel = feature_map.pixel_bytes(),
              .slots = ring.slots,
              .top = region.rows.first,
              .left = region.columns.first};
    // Columns beyond the frame are zero padding, which no step overwrites.
    const int64_t left = std::max<int64_t>(-region.columns.first, 0);
    const int64_t right = std::max<int64_t>(region.columns.end - feature_map.width, 0);
    for (int64_t slot = 0; slot < ring.slots; ++slot) {
      std::byte* row = buffer.data + slot * buffer.row;
      std::fill_n(row, left * buffer.pixel, std::byte(0));
      std::fill_n(row + (region.columns.size() - right) * buffer.pixel, right * buffer.pixel,
                  std::byte(0));
    }
  }
  const RowRunner rows({plan_, filters, kernels_, buffers, zeros_.data(), tensors});
  Flow flow(plan_, layout_, tile);
  flow.run([&](int index, int64_t unit) {
    throw_if_interrupted();
    rows.run(plan_.steps[size_t(index)], unit, tile.units[size_t(index)].columns);
    if (index == layout_.row_steps.back()) tell_done(++rows_done_, layout_.last_rows);
  });
}

}  // namespace hyperconv
