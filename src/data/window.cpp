#include "data/window.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/fail.hpp"
#include "base/integers.hpp"

namespace hyperconv {
namespace {

/// Which stored line is found at each line of the cut.
std::vector<int> lines(int first, int side, bool flip, int count) {
  std::vector<int> result(size_t(side), 0);
  for (int i = 0; i < side; ++i)
    result[size_t(i)] = int(mirrored(first + (flip ? side - 1 - i : i), count));
  return result;
}

template <size_t channels, class Sample>
std::vector<Sample> cut_samples(const Sample* samples, const SampleView& picture,
                                const Window& window) {
  const auto rows = lines(window.top, window.side, window.turn.flip_rows, picture.height);
  const auto columns = lines(window.left, window.side, window.turn.flip_columns, picture.width);
  const auto side = size_t(window.side);
  std::vector<Sample> result(side * side * channels);
  Sample* to = result.data();
  // Columns of the stored picture become rows where they are swapped.
  const bool swapped = window.turn.transpose;
  for (size_t y = 0; y < side; ++y)
    for (size_t x = 0; x < side; ++x) {
      const auto row = size_t(rows[swapped ? x : y]), column = size_t(columns[swapped ? y : x]);
      const Sample* from = samples + (row * size_t(picture.width) + column) * channels;
      for (size_t c = 0; c < channels; ++c) *to++ = from[c];
    }
  return result;
}

/// First line of a window along one side: any, or of a mosaic one of the right parity.
int random_start(int length, int side, bool is_mosaic, bool flip, Random& random) {
  const int room = length - side;
  if (!is_mosaic) return int(random.below(room + 1));
  if (!flip) return 2 * int(random.below(room / 2 + 1));
  const int odd_places = (room + 1) / 2;
  return odd_places == 0 ? -1 : 1 + 2 * int(random.below(odd_places));
}

}  // namespace

Window random_window(int height, int width, int side, bool is_mosaic, bool turned, Random& random) {
  assert(!is_mosaic || side % 2 == 0);
  if (std::min(height, width) < side)
    fail("is {}x{} pixels, smaller than a patch of {}", width, height, side);
  Window window;
  window.side = side;
  if (turned) {
    const auto way = random.below(8);
    window.turn = {(way & 1) != 0, (way & 2) != 0, (way & 4) != 0};
  }
  window.top = random_start(height, side, is_mosaic, window.turn.flip_rows, random);
  window.left = random_start(width, side, is_mosaic, window.turn.flip_columns, random);
  return window;
}

Image cut(const SampleView& picture, const Window& window) {
  assert(picture.channels == 1 || picture.channels == 3);
  Image result;
  result.width = result.height = window.side;
  result.channels = picture.channels;
  std::visit(
      [&](const auto* samples) {
        result.samples = picture.channels == 1 ? cut_samples<1>(samples, picture, window)
                                               : cut_samples<3>(samples, picture, window);
      },
      picture.samples);
  return result;
}

Image cut(const Image& picture, const Window& window) {
  SampleView view{picture.width, picture.height, picture.channels, {}};
  if (const auto* flat = std::get_if<std::vector<uint8_t>>(&picture.samples))
    view.samples = flat->data();
  else
    view.samples = std::get<std::vector<uint16_t>>(picture.samples).data();
  return cut(view, window);
}

Pair cut(const Pair& pair, const Window& window) {
  return {pair.name, cut(pair.input, window), cut(pair.target, window)};
}

}  // namespace hyperconv
