#include "data/window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "data/data_testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// What a Bayer sensor sees of a scene: one channel at each pixel, RGGB.
Image mosaic_of(const Image& scene) {
  const auto& colours = std::get<std::vector<uint8_t>>(scene.samples);
  Image mosaic{scene.width, scene.height, 1, {}, {}};
  std::vector<uint8_t> samples(mosaic.count());
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x) {
      const size_t pixel = size_t(y) * size_t(scene.width) + size_t(x);
      samples[pixel] = colours[3 * pixel + size_t((y & 1) + (x & 1))];
    }
  mosaic.samples = std::move(samples);
  return mosaic;
}

const std::vector<uint8_t>& bytes(const Image& image) {
  return std::get<std::vector<uint8_t>>(image.samples);
}

TEST(Window, TurnsAsItSays) {
  Image picture{3, 3, 1, std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}, {}};
  const auto turned = [&](bool rows, bool columns, bool transposed) {
    return bytes(cut(picture, {0, 0, 3, {rows, columns, transposed}}));
  };
  using V = std::vector<uint8_t>;
  EXPECT_EQ(turned(false, false, false), V({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(turned(true, false, false), V({7, 8, 9, 4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(turned(false, true, false), V({3, 2, 1, 6, 5, 4, 9, 8, 7}));
  EXPECT_EQ(turned(false, false, true), V({1, 4, 7, 2, 5, 8, 3, 6, 9}));
  // A quarter turn clockwise: rows in reverse, then rows for columns.
  EXPECT_EQ(turned(true, false, true), V({7, 4, 1, 8, 5, 2, 9, 6, 3}));
  EXPECT_EQ(bytes(cut(picture, {-1, 1, 2, {}})), V({5, 6, 2, 3}));
}

// The promise that matters: turning and cutting the mosaic, and then packing it, is the same as
// packing a mosaic of the scene that was really turned. At the frame too, where a line is mirrored.
TEST(Window, ACutMosaicIsTheMosaicOfTheCutScene) {
  const MosaicInput kind{255};
  for (const int side : {2, 6, 12}) {
    Random random(uint64_t(side), 1);
    std::set<int> ways;
    for (int i = 0; i < 300; ++i) {
      const Image scene = random_photo(14, 12, uint64_t(i));
      const Window window = random_window(12, 14, side, true, true, random);
      const Turn& turn = window.turn;
      ways.insert(4 * turn.transpose + 2 * turn.flip_columns + turn.flip_rows);
      const Pair pair = cut(Pair{"", mosaic_of(scene), scene}, window);
      EXPECT_EQ(bytes(pair.input), bytes(mosaic_of(pair.target)));
      const Pair expected{"", mosaic_of(pair.target), pair.target};
      EXPECT_EQ(values(to_tensors(pair, kind).input), values(to_tensors(expected, kind).input));
    }
    EXPECT_EQ(ways.size(), 8u);
  }
}

TEST(Window, StaysInsideAndReachesEveryPlace) {
  Random random(1);
  std::set<int> tops, lefts;
  for (int i = 0; i < 2000; ++i) {
    const Window window = random_window(9, 8, 4, true, true, random);
    EXPECT_GE(window.top, 0);
    EXPECT_LE(window.top + 4, 9);
    EXPECT_LE(window.left + 4, 8);
    EXPECT_EQ(window.top % 2 != 0, window.turn.flip_rows);
    EXPECT_EQ(window.left % 2 != 0, window.turn.flip_columns);
    tops.insert(window.top);
    lefts.insert(window.left);
  }
  EXPECT_EQ(tops.size(), 6u);
  EXPECT_EQ(lefts.size(), 5u);
  // A photo has no phase.
  tops.clear();
  for (int i = 0; i < 500; ++i) {
    const Window window = random_window(9, 8, 4, false, false, random);
    EXPECT_EQ(window.turn, Turn{});
    tops.insert(window.top);
  }
  EXPECT_EQ(tops.size(), 6u);
}

TEST(Window, OfTheWholePictureMirrorsOneLineWhereItFlips) {
  Random random(3);
  for (int i = 0; i < 100; ++i) {
    const Window window = random_window(8, 8, 8, true, true, random);
    EXPECT_EQ(window.top, window.turn.flip_rows ? -1 : 0);
    EXPECT_EQ(window.left, window.turn.flip_columns ? -1 : 0);
  }
}

TEST(Window, IsNotLargerThanThePicture) {
  Random random(1);
  EXPECT_THAT(error_of([&] { random_window(8, 20, 10, true, true, random); }),
              HasSubstr("20x8 pixels, smaller than a patch of 10"));
}

}  // namespace
}  // namespace hyperconv
