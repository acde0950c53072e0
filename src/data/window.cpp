#include "data/window.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/fail.hpp"
#include "data/mirror.hpp"

namespace hyperconv {
namespace {

/// Which stored line is found at each line of the cut.
std::vector<int> lines(int first, int side, bool flip, int count) {
  std::vector<int> result(size_t(side), 0);
  for (int i = 0; i < side; ++i)
    result[size_t(i)] = mirrored(first + (flip ? side - 1 - i : i), count);
  return result;
}

template <class Sample>
std::vector<Sample> cut_samples(const Sample* samples, const SampleView& picture,
                                const Window& window) {
  const auto rows = lines(window.top, window.side, window.turn.flip_rows, picture.height);
  const auto columns = lines(window.left, window.side, window.turn.flip_columns, picture.width);
  const auto channels = size_t(picture.channels);
  std::vector<Sample> result(size_t(window.side) * size_t(window.side) * channels);
  auto to = result.begin();
  for (int y = 0; y < window.side; ++y)
    for (int x = 0; x < window.side; ++x) {
      const int row = rows[size_t(window.turn.transpose ? x : y)];
      const int column = columns[size_t(window.turn.transpose ? y : x)];
      const size_t pixel = size_t(row) * size_t(picture.width) + size_t(column);
      to = std::copy_n(samples + pixel * channels, channels, to);
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
  Image result;
  result.width = result.height = window.side;
  result.channels = picture.channels;
  std::visit([&](const auto* samples) { result.samples = cut_samples(samples, picture, window); },
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
