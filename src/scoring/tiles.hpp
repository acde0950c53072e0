// A frame that needs more memory than there is, in pieces.
#pragma once

#include "engine/engine.hpp"

namespace hyperconv {

/// How a network's input is cut. All tiles have the same size, so that one plan runs them all; they
/// overlap, and of each the part is kept that its margin keeps from the tile's edges.
struct Tiling {
  Shape input;            ///< the whole frame
  int64_t height, width;  ///< of a tile, margins included; multiples of size_multiple(graph)
  int64_t margin;         ///< pixels that a tile sees beyond what is kept of it
  int64_t rows, columns;  ///< of tiles; 1 and 1: the whole frame at once
  int64_t bytes;          ///< memory a run needs beside the weights and the frame's in- and output

  int64_t count() const { return rows * columns; }
};

/// The fewest tiles for which a run needs no more than `bytes` beside the weights and the whole
/// input and output. The margin is as far as the network's filters look; what looks at the whole
/// frame (means, instance norm, attention) sees the tile alone: such a network's output depends on
/// the tiling. Throws Error with the figure that would do when even the smallest tile needs more.
Tiling plan_tiles(Engine& engine, const Graph& graph, const Shape& input, int64_t bytes);

/// Runs a network tile by tile: [1,C,H,W] -> the graph's output, into `output`. Where nothing looks
/// at the whole frame it is what one run would give, but for roundings.
void run_in_tiles(Engine& engine, const Tiling& tiling, const Tensor& input, Tensor& output);

}  // namespace hyperconv
