// Packs a frame into cells of 2x2 samples, of X-Trans of 6x6, as networks take it.
#include <algorithm>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "pipeline/develop.hpp"
#include "raw/mirrored_sample.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

/// Where one side of the frame is padded to.
struct Span {
  int before = 0;  ///< samples before the photo
  int cells = 0;   ///< of the padded frame
};

/// `phase` is the place of the photo's first sample in its cell.
Span padded(int length, int side, int phase, int margin, int multiple) {
  int before = margin;
  while (before % side != phase) ++before;
  const int least = (before + length + margin + side - 1) / side;
  return {before, int(round_up(least, multiple))};
}

/// How a mosaic falls into cells.
struct Cells {
  int side = 2;
  int row = 0, column = 0;  ///< the place of the photo's first sample in its cell

  static Cells of(const FrameView& frame) {
    if (frame.light == nullptr) return of(frame.facts.cfa);
    // Cells of 2x2 begin where Bayer's do; of other frames every place is as good.
    const ColourFilters behind = frame.filters_behind();
    return behind.bayer() != nullptr ? of(behind) : Cells();
  }

  static Cells of(const ColourFilters& filters) {
    if (const XTrans* pattern = filters.x_trans())
      return {XTrans::side, pattern->row, pattern->column};
    const auto red = red_offset(*filters.bayer());
    // The first sample of a cell is red.
    return {2, red[0], red[1]};
  }
};

/// raw -> (raw - black) * scale, cut from above.
struct Levels {
  float black = 0;
  float scale = 1;
  float most = 1;
  float operator()(uint16_t raw) const { return std::min((float(raw) - black) * scale, most); }
};

/// The levels of a cell's places, row by row.
std::vector<Levels> packed_levels(const Mosaic& mosaic) {
  const auto& gains = mosaic.white_balance;
  const double least = std::min({gains[0], gains[1], gains[2]});
  // One range for all places, as LibRaw has it, so that its rendering and ours agree.
  const double darkest = *std::ranges::min_element(mosaic.black);
  const double range = mosaic.white - darkest;
  const double most = (mosaic.saturated_at.value_or(mosaic.white) - darkest) / range;
  const Cells cells = Cells::of(mosaic.cfa);
  std::vector<Levels> levels;
  for (int row = 0; row < cells.side; ++row)
    for (int column = 0; column < cells.side; ++column) {
      // Any sample of the photo that stands there.
      const int y = (row - cells.row + cells.side) % cells.side;
      const int x = (column - cells.column + cells.side) % cells.side;
      const double black = mosaic.black[size_t(2 * (y % 2) + x % 2)];
      const double gain = gains[size_t(cfa_colour(mosaic.cfa, y, x))] / least;
      levels.push_back({float(black), float(gain / range), float(std::min(most, 1.0))});
    }
  return levels;
}

void check(const FrameView& frame) {
  const Mosaic& mosaic = frame.facts;
  const int least = cell_side(packing_of(frame));
  if (mosaic.width < least || mosaic.height < least)
    fail("the photo has {}x{} samples; at least {}x{} are needed", mosaic.width, mosaic.height,
         least, least);
  if (frame.light != nullptr) return;
  for (const double black : mosaic.black)
    if (!(mosaic.white > black))
      fail("the white level {} is not above the black level {}", mosaic.white, black);
  for (const double gain : mosaic.white_balance)
    if (!(gain > 0)) fail("a white balance multiplier is {}, must be above 0", gain);
}

void pack_samples(const Mosaic& mosaic, const PackedFrame& frame, const Region& part,
                  Tensor& cells) {
  const auto levels = packed_levels(mosaic);
  const Cells form = Cells::of(mosaic.cfa);
  const int side = form.side;
  std::vector<size_t> source(size_t(side * part.width));
  for (int64_t x = 0; x < side * part.width; ++x)
    source[size_t(x)] = size_t(mirrored_sample(side * part.left + x - frame.photo.left,
                                               mosaic.width, mosaic.cfa, form.column));
  Threads().parallel_for(side * part.height, [&](int64_t y) {
    throw_if_interrupted();
    const int64_t row =
        mirrored_sample(side * part.top + y - frame.photo.top, mosaic.height, mosaic.cfa, form.row);
    const uint16_t* raw = &mosaic.samples[size_t(row) * size_t(mosaic.width)];
    for (int column = 0; column < side; ++column) {
      const int place = side * int(y % side) + column;
      const Levels& level = levels[size_t(place)];
      float* out = cells.row(0, place, y / side);
      for (int64_t x = 0; x < part.width; ++x)
        out[x] = level(raw[source[size_t(side * x + column)]]);
    }
  });
}

/// A monochrome frame has the same light in all colours.
void pack_light(const Tensor& light, const PackedFrame& frame, const Region& part, Tensor& cells) {
  constexpr int side = 2;
  const Shape& shape = light.shape();
  std::vector<int64_t> source(size_t(side * part.width));
  for (int64_t x = 0; x < side * part.width; ++x)
    source[size_t(x)] = mirrored(side * part.left + x - frame.photo.left, shape.w);
  Threads().parallel_for(side * part.height, [&](int64_t y) {
    throw_if_interrupted();
    const int64_t row = mirrored(side * part.top + y - frame.photo.top, shape.h);
    for (size_t channel = 0; channel < three_colour_places.size(); ++channel) {
      const auto [colour, down, across] = three_colour_places[channel];
      if (down != y % side) continue;
      const float* from = light.row(0, shape.c == 1 ? 0 : colour, row);
      float* out = cells.row(0, int64_t(channel), y / side);
      for (int64_t x = 0; x < part.width; ++x)
        out[x] = std::min(from[source[size_t(side * x + across)]], 1.f);
    }
  });
}

}  // namespace

Packing packing_of(const ColourFilters& filters) {
  return filters.x_trans() != nullptr ? Packing::x_trans : Packing::bayer;
}

Packing packing_of(const FrameView& frame) {
  return frame.light != nullptr ? Packing::three_colours : packing_of(frame.facts.cfa);
}

std::optional<ColourFilters> filters_of(Packing packing) {
  switch (packing) {
    case Packing::bayer:
      return Cfa::rggb;
    case Packing::x_trans:
      return XTrans{};
    case Packing::three_colours:
      return std::nullopt;
  }
  fail("the packing is not known");
}

PackedFrame packed_frame(const FrameView& frame, int margin, int multiple) {
  check(frame);
  const int height = frame.facts.height, width = frame.facts.width;
  const Cells cells = Cells::of(frame);
  const Span rows = padded(height, cells.side, cells.row, margin, multiple);
  const Span columns = padded(width, cells.side, cells.column, margin, multiple);
  return {{1, cell_channels(packing_of(frame)), rows.cells, columns.cells},
          {rows.before, columns.before, height, width}};
}

PackedMosaic pack_mosaic(const FrameView& photo, int margin, int multiple) {
  const PackedFrame frame = packed_frame(photo, margin, multiple);
  PackedMosaic packed{Tensor(frame.cells), int(frame.photo.top), int(frame.photo.left),
                      photo.facts.width, photo.facts.height};
  pack_part(photo, frame, {0, 0, frame.cells.h, frame.cells.w}, packed.cells);
  return packed;
}

void pack_part(const FrameView& photo, const PackedFrame& frame, const Region& part,
               Tensor& cells) {
  if (photo.light != nullptr)
    pack_light(*photo.light, frame, part, cells);
  else
    pack_samples(photo.facts, frame, part, cells);
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
