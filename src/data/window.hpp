// A square cut out of a pair and turned, such that a mosaic stays a mosaic.
#pragma once

#include "base/random.hpp"
#include "data/pairs.hpp"

namespace hyperconv {

/// One of the eight ways to lay a square on itself: rows in reverse, columns in reverse, and then
/// rows for columns.
struct Turn {
  bool flip_rows = false;
  bool flip_columns = false;
  bool transpose = false;
  bool operator==(const Turn&) const = default;
};

/// Where a square is cut out: rows top..top+side-1, columns left..left+side-1 of the stored
/// picture, then turned. A row or column beyond the frame is mirrored at its edge without repeating
/// it, which keeps the CFA's phase.
///
/// **Bayer-safe.** The cut of an RGGB mosaic is RGGB again where its first row is red once it is
/// turned: `top` even, but odd where rows are flipped (the last row taken is even then and becomes
/// the first), and `left` alike; `side` even. Transposing swaps the two greens' places and leaves
/// red and blue where they are. So no channels have to be swapped and every sample stays on its
/// place in the scene: cutting the mosaic and packing it is the same as packing a mosaic of the
/// turned scene (after Liu et al. 2019, arXiv 1904.12945). A flip of the whole picture has no odd
/// place to start at: it starts at -1, and one mirrored line comes in.
struct Window {
  int top = 0;
  int left = 0;
  int side = 0;
  Turn turn;
  bool operator==(const Window&) const = default;
};

/// A window drawn evenly from those inside the picture, Bayer-safe where it is a mosaic; `turned`:
/// in one of the eight ways, else upright. Throws Error without a file's name when the picture is
/// smaller than the window; `side` is even where it is a mosaic.
Window random_window(int height, int width, int side, bool is_mosaic, bool turned, Random& random);

/// The window of a picture of one or three channels. Width and height become window.side.
Image cut(const Image& picture, const Window& window);
/// The same window of both.
Pair cut(const Pair& pair, const Window& window);

/// A view of stored samples, for sources that have them in memory.
struct SampleView {
  int width = 0, height = 0, channels = 0;
  std::variant<const uint8_t*, const uint16_t*> samples;
};
Image cut(const SampleView& picture, const Window& window);

}  // namespace hyperconv
