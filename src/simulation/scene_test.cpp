#include "simulation/scene.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "hyperconv/error.hpp"
#include "simulation/font.hpp"

namespace hyperconv {
namespace {

const std::vector<uint16_t>& samples_of(const Image& image) {
  return std::get<std::vector<uint16_t>>(image.samples);
}

TEST(Font, DrawsLettersAsTheyAre) {
  std::string drawing;
  for (int row = 0; row < glyph_height; ++row) {
    for (int column = 0; column < 2 * glyph_advance; ++column)
      drawing += text_has_dot("L7", column, row) ? '#' : '.';
    drawing += '\n';
  }
  EXPECT_EQ(drawing,
            "#.....#####.\n"
            "#.........#.\n"
            "#........#..\n"
            "#.......#...\n"
            "#......#....\n"
            "#......#....\n"
            "#####..#....\n");
}

TEST(Font, IsBlankOutsideAndForUnknownCharacters) {
  EXPECT_FALSE(text_has_dot("L", -1, 0));
  EXPECT_FALSE(text_has_dot("L", 0, -1));
  EXPECT_FALSE(text_has_dot("L", 0, glyph_height));
  EXPECT_FALSE(text_has_dot("L", glyph_advance, 0));
  for (int column = 0; column < glyph_advance; ++column) EXPECT_FALSE(text_has_dot("#", column, 3));
}

TEST(Font, GlyphsDiffer) {
  std::set<std::string> seen;
  const std::string_view all = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-";
  for (size_t i = 0; i < all.size(); ++i) {
    std::string dots;
    for (int row = 0; row < glyph_height; ++row)
      for (int column = 0; column < glyph_advance; ++column)
        dots += text_has_dot(all.substr(i, 1), column, row) ? '#' : '.';
    seen.insert(dots);
  }
  EXPECT_EQ(seen.size(), all.size());
}

TEST(PaintedScene, IsTheSameEveryTime) {
  const Image scene = painted_scene(96, 64);
  EXPECT_EQ(scene.width, 96);
  EXPECT_EQ(scene.height, 64);
  EXPECT_EQ(scene.channels, 3);
  EXPECT_EQ(samples_of(scene).size(), scene.count());
  EXPECT_EQ(samples_of(scene), samples_of(painted_scene(96, 64)));
}

TEST(PaintedScene, HasTheWholeRangeOfTonesAndColours) {
  const Image scene = painted_scene(300, 200);
  std::set<int> tones;
  int red = 0, green = 0, blue = 0;
  const auto& samples = samples_of(scene);
  for (size_t i = 0; i < samples.size(); i += 3) {
    tones.insert(samples[i + 1] >> 11);
    const int r = samples[i], g = samples[i + 1], b = samples[i + 2];
    red += r > g + 12000 && r > b + 12000;
    green += g > r + 4000 && g > b + 4000;
    blue += b > r + 12000 && b > g + 8000;
  }
  EXPECT_GE(tones.size(), 26u);  // of 32
  EXPECT_GT(red, 300);
  EXPECT_GT(green, 300);
  EXPECT_GT(blue, 300);
}

TEST(PaintedScene, LooksTheSameAtEverySize) {
  // The mean of 2x2 pixels of a picture twice as large: alike but for what lies between the points.
  const Image small = painted_scene(150, 100);
  const Image large = painted_scene(300, 200);
  double squares = 0;
  for (int y = 0; y < 100; ++y)
    for (int x = 0; x < 150; ++x)
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int dy, int dx) {
          return double(samples_of(large)[size_t(((2 * y + dy) * 300 + 2 * x + dx) * 3 + c)]);
        };
        const double mean = (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4;
        const double gap = (mean - samples_of(small)[size_t((y * 150 + x) * 3 + c)]) / 65535;
        squares += gap * gap;
      }
  EXPECT_LT(std::sqrt(squares / (100 * 150 * 3)), 0.06);
}

TEST(PaintedScene, RefusesSizesItCannotDraw) {
  EXPECT_THROW(painted_scene(63, 64), Error);
  EXPECT_THROW(painted_scene(64, 0), Error);
  EXPECT_THROW(painted_scene(1 << 14, 1 << 14), Error);
}

}  // namespace
}  // namespace hyperconv
