#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.hpp"
#include "hyperconv/error.hpp"
#include "pipeline/develop.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

/// A mosaic whose sample values tell their place: 1000 * colour + 10 * y + x + black.
Mosaic telling_mosaic(int width, int height, const ColourFilters& cfa) {
  Mosaic mosaic{.width = width, .height = height, .cfa = cfa, .black = {1, 2, 3, 4}, .white = 5000};
  if (cfa.x_trans()) mosaic.black.fill(1);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      mosaic.samples.push_back(uint16_t(1000 * cfa_colour(cfa, y, x) + 10 * y + x +
                                        int(mosaic.black[size_t(2 * (y % 2) + x % 2)])));
  return mosaic;
}

/// The oracle: what stands at padded sample (y, x), by walking back and forth from the edges.
int reflected(int index, int count) {
  while (index < 0 || index >= count) index = index < 0 ? -index : 2 * (count - 1) - index;
  return index;
}

class Pack : public testing::TestWithParam<Cfa> {};

TEST_P(Pack, EverySampleStandsWhereItsColourSays) {
  constexpr int colours[4] = {0, 1, 1, 2};
  for (const auto& [width, height, margin, multiple] :
       {std::array{6, 4, 0, 1}, std::array{5, 7, 3, 4}, std::array{2, 2, 11, 4},
        std::array{3, 2, 0, 1}, std::array{9, 2, 8, 2}}) {
    const Mosaic mosaic = telling_mosaic(width, height, GetParam());
    const PackedMosaic packed = pack_mosaic(mosaic, margin, multiple);
    EXPECT_EQ(packed.cells.shape(), packed_frame(mosaic, margin, multiple).cells);
    const Shape shape = packed.cells.shape();
    EXPECT_EQ(shape.h % multiple, 0);
    EXPECT_EQ(shape.w % multiple, 0);
    EXPECT_GE(packed.top, margin);
    EXPECT_GE(2 * shape.h, packed.top + height + margin);
    for (int64_t place = 0; place < 4; ++place)
      for (int64_t y = 0; y < shape.h; ++y)
        for (int64_t x = 0; x < shape.w; ++x) {
          const int sy = reflected(int(2 * y + place / 2) - packed.top, height);
          const int sx = reflected(int(2 * x + place % 2) - packed.left, width);
          const int expected = 1000 * colours[place] + 10 * sy + sx;
          // White less the smallest black.
          ASSERT_NEAR(packed.cells.at(0, place, y, x), expected / 4999.0, 1e-6)
              << width << "x" << height << " place " << place << " at " << y << "," << x;
        }
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, Pack, testing::Values(Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg),
                         [](const auto& p) { return to_string(p.param); });

/// As reflected(), but about the outermost axis of the pattern's symmetry instead of the edge.
int x_trans_reflected(int index, int count, int phase) {
  const auto is_axis = [&](int at) { return ((at + phase) % 3 + 3) % 3 == 2; };
  while (index < 0 || index >= count) {
    int axis = index < 0 ? 0 : count - 1;
    while (!is_axis(axis)) axis += index < 0 ? 1 : -1;
    index = axis + (axis - index);
  }
  return index;
}

TEST(Pack, OfXTransEverySampleStandsAtItsPlaceOfThePattern) {
  for (int phase = 0; phase < 36; ++phase) {
    const XTrans pattern{phase / 6, phase % 6};
    for (const auto& [width, height, margin, multiple] :
         {std::array{12, 6, 0, 1}, std::array{17, 13, 7, 4}, std::array{6, 7, 20, 2}}) {
      const Mosaic mosaic = telling_mosaic(width, height, pattern);
      const PackedMosaic packed = pack_mosaic(mosaic, margin, multiple);
      const Shape shape = packed.cells.shape();
      ASSERT_EQ(shape.c, 36);
      EXPECT_EQ(shape.h % multiple, 0);
      EXPECT_EQ(shape.w % multiple, 0);
      EXPECT_GE(packed.top, margin);
      EXPECT_GE(6 * shape.h, packed.top + height + margin);
      EXPECT_GE(6 * shape.w, packed.left + width + margin);
      for (int64_t place = 0; place < 36; ++place)
        for (int64_t y = 0; y < shape.h; ++y)
          for (int64_t x = 0; x < shape.w; ++x) {
            const int sy =
                x_trans_reflected(int(6 * y + place / 6) - packed.top, height, pattern.row);
            const int sx =
                x_trans_reflected(int(6 * x + place % 6) - packed.left, width, pattern.column);
            const int colour = XTrans{}.colour(place / 6, place % 6);
            ASSERT_NEAR(packed.cells.at(0, place, y, x), (1000 * colour + 10 * sy + sx) / 4999.0,
                        1e-6)
                << phase << " place " << place << " at " << y << "," << x;
          }
    }
  }
}

/// As telling_mosaic, of three colours at every pixel or of brightness alone.
LinearFrame telling_frame(int width, int height, int channels) {
  LinearFrame frame;
  frame.facts.width = width;
  frame.facts.height = height;
  frame.light = Tensor({1, channels, height, width});
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        frame.light.row(0, c, y)[x] = 0.1f * float(c) + 0.01f * float(y) + 0.001f * float(x);
  return frame;
}

TEST(Pack, OfThreeColoursEveryPixelStandsAtItsPlaces) {
  for (const int channels : {3, 1})
    for (const auto& [width, height, margin, multiple] :
         {std::array{6, 4, 0, 1}, std::array{5, 7, 3, 4}, std::array{2, 2, 11, 4},
          std::array{9, 2, 8, 2}}) {
      const LinearFrame frame = telling_frame(width, height, channels);
      EXPECT_EQ(packing_of(frame), Packing::three_colours);
      const PackedMosaic packed = pack_mosaic(frame, margin, multiple);
      const Shape shape = packed.cells.shape();
      ASSERT_EQ(shape.c, 12);
      EXPECT_EQ(shape.h % multiple, 0);
      EXPECT_GE(packed.left, margin);
      EXPECT_GE(2 * shape.w, packed.left + width + margin);
      // A row and a column of each colour, and each colour in one place of Bayer's first.
      for (int64_t channel = 0; channel < 12; ++channel) {
        const auto [colour, row, column] = three_colour_places[size_t(channel)];
        for (int64_t y = 0; y < shape.h; ++y)
          for (int64_t x = 0; x < shape.w; ++x) {
            const int sy = reflected(int(2 * y + row) - packed.top, height);
            const int sx = reflected(int(2 * x + column) - packed.left, width);
            const float wanted =
                0.1f * float(channels == 3 ? colour : 0) + 0.01f * float(sy) + 0.001f * float(sx);
            ASSERT_NEAR(packed.cells.at(0, channel, y, x), wanted, 1e-6) << channel;
          }
      }
    }
}

TEST(Pack, ThreeColourPlacesBeginAsBayersAndHoldEachOnce) {
  for (size_t place = 0; place < 4; ++place) {
    const auto [colour, row, column] = three_colour_places[place];
    EXPECT_EQ(size_t(2 * row + column), place);
    EXPECT_EQ(colour, cfa_colour(Cfa::rggb, row, column));
  }
  auto sorted = three_colour_places;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < 12; ++i)
    EXPECT_EQ(sorted[i], (std::array{int(i / 4), int(i % 4 / 2), int(i % 2)}));
}

TEST(Pack, ThreeColoursBeginWhereTheSensorsRedIs) {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(96, 80)), camera);
  for (const std::array<int, 2>& lost : {std::array{0, 0}, std::array{1, 0}, std::array{1, 1}}) {
    const LinearShot shot{.demosaicking = Demosaicking::bilinear, .lost = lost};
    const SensorSettings sensor{.noise = {1e-3, 1e-6}};
    Random random(1), same(1);
    const LinearTake take =
        take_linear(scene, camera, sensor, shot, NormalNumbers::one_by_one, random);
    const PackedMosaic packed = pack_mosaic(linear_frame(take, camera, sensor, shot), 0, 1);
    EXPECT_EQ(packed.top, lost[0]);
    EXPECT_EQ(packed.left, lost[1]);
    // The first four channels are the mosaic's own cells.
    const PackedMosaic own = pack_mosaic(expose(scene, camera, sensor, same), 0, 1);
    for (int64_t channel = 0; channel < 4; ++channel)
      for (int64_t y = 2; y < 38; ++y)
        for (int64_t x = 2; x < 46; ++x)
          ASSERT_NEAR(packed.cells.at(0, channel, y, x), own.cells.at(0, channel, y, x), 1e-6);
  }
}

TEST(Pack, BalancesWhiteAndCutsAtOneFromAboveOnly) {
  Mosaic mosaic{.width = 2,
                .height = 2,
                .samples = {90, 100, 200, 1100},
                .black = {100, 100, 100, 100},
                .white = 1100,
                .white_balance = {2, 1, 0.5}};
  const PackedMosaic packed = pack_mosaic(mosaic, 0, 1);
  // Blue is amplified least; at its saturation everything is 1.
  EXPECT_FLOAT_EQ(packed.cells.at(0, 0, 0, 0), -10.0f / 1000 * 4);
  EXPECT_FLOAT_EQ(packed.cells.at(0, 1, 0, 0), 0);
  EXPECT_FLOAT_EQ(packed.cells.at(0, 2, 0, 0), 100.0f / 1000 * 2);
  EXPECT_FLOAT_EQ(packed.cells.at(0, 3, 0, 0), 1);
  mosaic.samples[0] = 1000;
  EXPECT_FLOAT_EQ(pack_mosaic(mosaic, 0, 1).cells.at(0, 0, 0, 0), 1);
}

// The trainer makes its cells without a mosaic; they must be what the product sees.
TEST(Pack, EqualsWhatTheTrainerSees) {
  constexpr int side = 24;
  Random scene_random(4);
  Tensor scene({1, 3, side, side});
  for (size_t i = 0; i < scene.size(); ++i) scene.data()[i] = float(scene_random.uniform());
  const SimulatedCamera camera = standard_camera();
  for (const Packing packing : {Packing::bayer, Packing::x_trans}) {
    const SensorSettings sensor{.cfa = *filters_of(packing), .bits = 10, .noise = {0.01, 0.0001}};
    const int cell = cell_side(packing);
    Tensor cells({1, cell * cell, side / cell, side / cell}), clean({1, 3, side, side});
    Random one(9), two(9);
    expose_patch({scene.data(), scene.size()}, side, side, camera, sensor,
                 draw_noise(sensor, side, side, NormalNumbers::one_by_one, one),
                 {cells.data(), cells.size()}, {clean.data(), clean.size()});
    const Mosaic mosaic = expose(scene, camera, sensor, two);
    EXPECT_EQ(packing_of(mosaic), packing);
    const PackedMosaic packed = pack_mosaic(mosaic, 0, 1);
    ASSERT_EQ(packed.cells.shape(), cells.shape());
    for (size_t i = 0; i < cells.size(); ++i)
      ASSERT_NEAR(cells.data()[i], packed.cells.data()[i], 1e-5) << i;
  }
}

TEST(Pack, RefusesWhatMakesNoSense) {
  Mosaic mosaic = telling_mosaic(4, 4, Cfa::rggb);
  mosaic.white = 2;
  EXPECT_THROW(pack_mosaic(mosaic, 0, 1), Error);
  EXPECT_THROW(pack_mosaic(telling_mosaic(1, 8, Cfa::rggb), 0, 1), Error);
  EXPECT_THROW(pack_mosaic(telling_mosaic(5, 8, XTrans{}), 0, 1), Error);
  mosaic.white = 5000;
  mosaic.white_balance[1] = 0;
  EXPECT_THROW(pack_mosaic(mosaic, 0, 1), Error);
  EXPECT_THROW(pack_mosaic(telling_frame(1, 8, 3), 0, 1), Error);
}

}  // namespace
}  // namespace hyperconv
