#include "scoring/tiles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"
#include "engine/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

Tensor noise(const Shape& shape) {
  Random random(3);
  Tensor tensor(shape);
  for (size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = float(random.uniform());
  return tensor;
}

struct Setting {
  Graph graph;
  Engine engine;

  explicit Setting(const Graph& g)
      : graph(g),
        engine(std::make_shared<const Model>(untrained(g, {}, 1)),
               {.execution = Execution::whole}) {}
};

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, double(std::fabs(a.data()[i] - b.data()[i])));
  return largest;
}

double largest(const Tensor& tensor) { return largest_difference(tensor, Tensor(tensor.shape())); }

// Tap by tap to the bit. Winograd's groups of four rows start elsewhere in a tile than in the
// frame: there the same but for roundings, of which a network of twelve layers adds up a few units.
class TilesByKernel : public testing::TestWithParam<std::pair<const char*, double>> {};
INSTANTIATE_TEST_SUITE_P(Kernels, TilesByKernel,
                         testing::Values(std::pair{"direct", 0.0}, std::pair{"winograd", 1e-5}));

TEST_P(TilesByKernel, GiveTheSameWhereNothingLooksAtTheWholeFrame) {
  const ForcedKernel forced(GetParam().first);
  Setting s(plain_unet({8}));
  for (const auto& [height, width] : {std::pair{302, 410}, {500, 130}, {94, 702}}) {
    const Shape shape{1, 4, height, width};
    const Tensor input = noise(shape);
    Tensor whole, pieces;
    s.engine.run(input, whole);
    for (const int divisor : {2, 5, 9}) {
      const Tiling tiling =
          plan_tiles(s.engine, s.graph, shape, s.engine.arena_bytes(shape) / divisor);
      ASSERT_GT(tiling.count(), 1);
      EXPECT_LE(tiling.bytes, s.engine.arena_bytes(shape) / divisor);
      run_in_tiles(s.engine, tiling, input, pieces);
      ASSERT_EQ(pieces.shape(), whole.shape());
      EXPECT_LE(largest_difference(whole, pieces), GetParam().second * largest(whole))
          << height << "x" << width << " in " << tiling.rows << "x" << tiling.columns;
    }
  }
}

TEST(Tiles, OneWhereTheWholeFits) {
  Setting s(plain_unet({8}));
  const Shape shape{1, 4, 64, 96};
  const Tiling tiling = plan_tiles(s.engine, s.graph, shape, int64_t(1) << 30);
  EXPECT_EQ(tiling.count(), 1);
  EXPECT_EQ(tiling.height, 64);
  EXPECT_EQ(tiling.bytes, s.engine.arena_bytes(shape));
}

// Filters that follow from the tile alone: another output, though a close one.
TEST(Tiles, CoverTheFrameOfANetworkThatLooksAtAllOfIt) {
  Setting s(hyper_unet({.width = 4, .hidden = 2, .conditioning = Conditioning::layer}));
  const Shape shape{1, 4, 400, 300};
  const Tensor input = noise(shape);
  const Tiling tiling = plan_tiles(s.engine, s.graph, shape, s.engine.arena_bytes(shape) / 3);
  ASSERT_GT(tiling.count(), 1);
  Tensor whole, pieces;
  s.engine.run(input, whole);
  run_in_tiles(s.engine, tiling, input, pieces);
  double squares = 0, difference = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    squares += whole.data()[i] * whole.data()[i];
    difference += std::pow(whole.data()[i] - pieces.data()[i], 2);
  }
  // Noise has nearly the same means in every tile.
  EXPECT_LT(difference, 1e-3 * squares);
}

TEST(Tiles, SayHowMuchTheSmallestNeeds) {
  Setting s(plain_unet({8}));
  try {
    plan_tiles(s.engine, s.graph, {1, 4, 512, 512}, 1000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("needs 0.0"));
  }
}

}  // namespace
}  // namespace hyperconv
