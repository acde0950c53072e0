// Packs a mosaic into cells of 2x2 samples, as networks take it.
#include <algorithm>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "pipeline/develop.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

/// Where one side of the frame is padded to.
struct Span {
  int before = 0;  ///< samples before the photo
  int cells = 0;   ///< of the padded frame
};

Span padded(int length, int red, int margin, int multiple) {
  // The first padded sample must be of the red row or column.
  const int before = margin + (margin % 2 != red ? 1 : 0);
  const int least = (before + length + margin + 1) / 2;
  return {before, int(round_up(least, multiple))};
}

/// raw -> (raw - black) * scale, cut from above.
struct Levels {
  float black = 0;
  float scale = 1;
  float most = 1;
  float operator()(uint16_t raw) const { return std::min((float(raw) - black) * scale, most); }
};

/// The levels of the four places of the packed cell: R, G of the red row, G of the blue row, B.
std::array<Levels, 4> packed_levels(const Mosaic& mosaic) {
  const auto& gains = mosaic.white_balance;
  const double least = std::min({gains[0], gains[1], gains[2]});
  // One range for all places, as LibRaw has it, so that its rendering and ours agree.
  const double darkest = *std::ranges::min_element(mosaic.black);
  const double range = mosaic.white - darkest;
  const double most = (mosaic.saturated_at.value_or(mosaic.white) - darkest) / range;
  const auto red = red_offset(mosaic.cfa);
  constexpr int colours[4] = {0, 1, 1, 2};
  std::array<Levels, 4> levels;
  for (int place = 0; place < 4; ++place) {
    const int y = (red[0] + place / 2) % 2;
    const int x = (red[1] + place % 2) % 2;
    const double black = mosaic.black[size_t(2 * y + x)];
    const double gain = gains[size_t(colours[place])] / least;
    levels[size_t(place)] = {float(black), float(gain / range), float(std::min(most, 1.0))};
  }
  return levels;
}

void check(const Mosaic& mosaic) {
  if (mosaic.width < 2 || mosaic.height < 2)
    fail("the photo has {}x{} samples; at least 2x2 are needed", mosaic.width, mosaic.height);
  for (const double black : mosaic.black)
    if (!(mosaic.white > black))
      fail("the white level {} is not above the black level {}", mosaic.white, black);
  for (const double gain : mosaic.white_balance)
    if (!(gain > 0)) fail("a white balance multiplier is {}, must be above 0", gain);
}

}  // namespace

PackedFrame packed_frame(const Mosaic& mosaic, int margin, int multiple) {
  check(mosaic);
  const auto red = red_offset(mosaic.cfa);
  const Span rows = padded(mosaic.height, red[0], margin, multiple);
  const Span columns = padded(mosaic.width, red[1], margin, multiple);
  return {{1, 4, rows.cells, columns.cells},
          {rows.before, columns.before, mosaic.height, mosaic.width}};
}

PackedMosaic pack_mosaic(const Mosaic& mosaic, int margin, int multiple) {
  const PackedFrame frame = packed_frame(mosaic, margin, multiple);
  PackedMosaic packed{Tensor(frame.cells), int(frame.photo.top), int(frame.photo.left),
                      mosaic.width, mosaic.height};
  pack_part(mosaic, frame, {0, 0, frame.cells.h, frame.cells.w}, packed.cells);
  return packed;
}

void pack_part(const Mosaic& mosaic, const PackedFrame& frame, const Region& part, Tensor& cells) {
  const auto levels = packed_levels(mosaic);
  std::vector<size_t> source(size_t(2 * part.width));
  for (int64_t x = 0; x < 2 * part.width; ++x)
    source[size_t(x)] = size_t(mirrored(2 * part.left + x - frame.photo.left, mosaic.width));
  Threads().parallel_for(2 * part.height, [&](int64_t y) {
    throw_if_interrupted();
    const int64_t row = mirrored(2 * part.top + y - frame.photo.top, mosaic.height);
    const uint16_t* raw = &mosaic.samples[size_t(row) * size_t(mosaic.width)];
    const int place = 2 * int(y % 2);
    float* left = cells.row(0, place, y / 2);
    float* right = cells.row(0, place + 1, y / 2);
    for (int64_t x = 0; x < part.width; ++x) {
      left[x] = levels[size_t(place)](raw[source[size_t(2 * x)]]);
      right[x] = levels[size_t(place + 1)](raw[source[size_t(2 * x + 1)]]);
    }
  });
}

void stabilise(Tensor& cells, const NoiseProfile& noise) {
  const StabilisingCurve curve(noise);
  const Shape& shape = cells.shape();
  Threads().parallel_for(shape.c * shape.h, [&](int64_t row) {
    float* values = cells.row(0, row / shape.h, row % shape.h);
    for (int64_t x = 0; x < shape.w; ++x) values[x] = curve(values[x]);
  });
}

}  // namespace hyperconv
