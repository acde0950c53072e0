#include "scoring/tiles.hpp"

#include <algorithm>
#include <optional>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

/// One direction of a tiling: tiles side by side, each with `kept` pixels of its own.
struct Cut {
  int64_t extent, margin, multiple;
  int64_t kept = extent;

  int64_t count() const { return (extent + kept - 1) / kept; }
  int64_t size() const { return kept == extent ? extent : std::min(extent, kept + 2 * margin); }
  /// The next finer cut with smaller tiles; nothing where there is none.
  std::optional<Cut> finer() const {
    Cut cut = *this;
    for (int64_t tiles = count() + 1; cut.kept > multiple; ++tiles) {
      cut.kept = round_up((extent + tiles - 1) / tiles, multiple);
      if (cut.size() < size()) return cut;
    }
    return std::nullopt;
  }
};

/// Where a tile lies, and which of its pixels are kept: those nearest to it.
struct Span {
  int64_t start;       ///< of the tile in the frame
  int64_t first, end;  ///< kept, in the frame
};

Span span_of(int64_t index, int64_t count, int64_t extent, int64_t size, int64_t margin) {
  if (count == 1) return {0, 0, extent};
  const int64_t kept = size == extent ? extent : size - 2 * margin;
  const int64_t first = std::min(extent, index * kept), end = std::min(extent, first + kept);
  const int64_t start = std::clamp<int64_t>(first - margin, 0, extent - size);
  return {start, first, end};
}

Tensor cut_out(const Tensor& frame, const Span& rows, const Span& columns, const Tiling& t) {
  Tensor tile({1, frame.shape().c, t.height, t.width});
  for (int64_t c = 0; c < tile.shape().c; ++c)
    for (int64_t y = 0; y < t.height; ++y)
      std::copy_n(frame.row(0, c, rows.start + y) + columns.start, t.width, tile.row(0, c, y));
  return tile;
}

/// The kept part of a tile's output, `scale` times as large as its input, into the frame's.
void put_back(const Tensor& tile, const Span& rows, const Span& columns, int64_t scale,
              Tensor& frame) {
  for (int64_t c = 0; c < tile.shape().c; ++c)
    for (int64_t y = rows.first * scale; y < rows.end * scale; ++y)
      std::copy_n(tile.row(0, c, y - rows.start * scale) + (columns.first - columns.start) * scale,
                  (columns.end - columns.first) * scale,
                  frame.row(0, c, y) + columns.first * scale);
}

int64_t float_bytes(const Shape& shape) { return shape.count() * int64_t(sizeof(float)); }

double gib(int64_t bytes) { return double(bytes) / (1 << 30); }

/// Cuts the longer side, or the other where that one cannot get shorter; false where neither can.
bool make_finer(Cut& rows, Cut& columns) {
  const bool rows_first = rows.size() >= columns.size();
  for (Cut* cut : {rows_first ? &rows : &columns, rows_first ? &columns : &rows})
    if (const auto finer = cut->finer()) {
      *cut = *finer;
      return true;
    }
  return false;
}

Shape output_of(const Graph& graph, const Shape& input) {
  return infer_shapes(graph, input).back();
}

}  // namespace

Tiling plan_tiles(Engine& engine, const Graph& graph, const Shape& input, int64_t bytes) {
  const int multiple = size_multiple(graph);
  const int64_t margin = round_up(receptive_field(graph) / 2, multiple);
  Cut rows{input.h, margin, multiple}, columns{input.w, margin, multiple};
  int64_t needed = engine.arena_bytes(input);
  while (needed > bytes) {
    if (!make_finer(rows, columns))
      fail("{:.2f} GiB of memory are too little: even in tiles this network needs {:.2f} GiB",
           gib(bytes), gib(needed));
    const Shape tile{1, input.c, rows.size(), columns.size()};
    needed = engine.arena_bytes(tile) + float_bytes(tile) + float_bytes(output_of(graph, tile));
  }
  return {input, rows.size(), columns.size(), margin, rows.count(), columns.count(), needed};
}

void run_in_tiles(Engine& engine, const Tiling& t, const Tensor& input, Tensor& output) {
  if (t.count() == 1) {
    engine.run(input, output);
    return;
  }
  Tensor result;
  for (int64_t row = 0; row < t.rows; ++row)
    for (int64_t column = 0; column < t.columns; ++column) {
      throw_if_interrupted();
      const Span rows = span_of(row, t.rows, t.input.h, t.height, t.margin);
      const Span columns = span_of(column, t.columns, t.input.w, t.width, t.margin);
      engine.run(cut_out(input, rows, columns, t), result);
      const int64_t scale = result.shape().h / t.height;
      const Shape whole{1, result.shape().c, t.input.h * scale, t.input.w * scale};
      if (output.shape() != whole) output = Tensor(whole);
      put_back(result, rows, columns, scale, output);
    }
}

}  // namespace hyperconv
