#include "training/photo_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "image/image.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

/// Left half even, right half with fine detail; other values in each channel.
Image half_and_half(int width, int height) {
  Image photo{width, height, 3, std::vector<uint8_t>(size_t(3 * width * height)), {}};
  auto& samples = std::get<std::vector<uint8_t>>(photo.samples);
  Random random(8);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        samples[size_t(3 * (y * width + x) + c)] =
            x < width / 2 ? uint8_t(60 + 50 * c) : uint8_t(random.below(256));
  return photo;
}

class PhotoPoolTest : public testing::Test {
 protected:
  void SetUp() override { write_image(folder_ / "a.png", photo_); }

  Image photo_ = half_and_half(192, 96);
  TemporaryFolder folder_;
};

// All eight views, each of a place in the photo, to the rounding that the header promises.
TEST_F(PhotoPoolTest, ACropIsAPartOfAPhotoTurnedOrMirrored) {
  const PhotoPool pool(folder_.path(), 1, 32);
  const Tensor linear = linear_srgb(photo_);
  std::set<int> seen;
  for (uint64_t i = 0; i < 100; ++i) {
    Random random(1, i), again(1, i);
    const Tensor crop = pool.crop(32, random);
    again.uniform();  // the photo
    const int64_t top = again.below(96 - 32 + 1), left = again.below(192 - 32 + 1);
    const auto turn = again.below(8);
    seen.insert(int(turn));
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < 32; ++y)
        for (int64_t x = 0; x < 32; ++x) {
          int64_t v = (turn & 1) != 0 ? 31 - y : y;
          int64_t u = (turn & 2) != 0 ? 31 - x : x;
          if ((turn & 4) != 0) std::swap(u, v);
          const float expected = linear.at(0, c, top + v, left + u);
          ASSERT_NEAR(crop.at(0, c, y, x), expected, 1.6e-5 * std::sqrt(expected) + 1e-9);
        }
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST_F(PhotoPoolTest, DetailIsTheMeanLaplacianOfTheRoot) {
  // A bright pixel among dark ones: 4 there, 1 at each neighbour.
  std::vector<uint16_t> roots(49, 0);
  roots[24] = 65535;
  EXPECT_NEAR(fine_detail({roots.data(), 7, 7}, {0, 0, 7, 7}), 8.0 / 49, 1e-12);
  EXPECT_NEAR(fine_detail({roots.data(), 7, 7}, {3, 3, 1, 1}), 4, 1e-12);
  EXPECT_NEAR(fine_detail({roots.data(), 7, 7}, {2, 3, 1, 1}), 1, 1e-12);
  const std::vector<uint16_t> even(49, 40000);
  EXPECT_EQ(fine_detail({even.data(), 7, 7}, {0, 0, 7, 7}), 0);
}

// Even places weigh 0.008, detailed ones 0.12: of the places (of 32x32 in steps of 8, 9 rows of
// them) the left 9 a row lie in the even half alone and are drawn 9 * 0.008 / sum of all, which is
// 21: 4.4 % if none of the others weighed less than 0.12; a crop may begin 7 pixels further right.
TEST_F(PhotoPoolTest, DrawnByDetailEvenPlacesAreRare) {
  const auto even_crops = [&](PatchDraw places) {
    const PhotoPool pool({folder_.path()}, {.shrink = {1}, .shrink_share = {1}, .places = places},
                         32);
    int even = 0;
    for (uint64_t i = 0; i < 2000; ++i) {
      Random random(2, i);
      const Tensor crop = pool.crop(32, random);
      const auto [least, most] =
          std::minmax_element(crop.row(0, 1, 0), crop.row(0, 1, 0) + crop.shape().plane());
      even += *least == *most ? 1 : 0;
    }
    return even / 2000.0;
  };
  EXPECT_NEAR(even_crops(PatchDraw::even), 65 / 161.0, 0.06);
  EXPECT_LT(even_crops(PatchDraw::detail), 0.06);
  EXPECT_GT(even_crops(PatchDraw::detail), 0.01);
}

TEST_F(PhotoPoolTest, DrawnByDetailAllPlacesCanBeReached) {
  const PhotoPool pool({folder_.path()},
                       {.shrink = {1}, .shrink_share = {1}, .places = PatchDraw::detail}, 36);
  const Tensor linear = linear_srgb(photo_);
  const float corner = linear.at(0, 0, 95, 191);
  bool reached = false;
  for (uint64_t i = 0; i < 20000 && !reached; ++i) {
    Random random(3, i);
    const Tensor crop = pool.crop(36, random);
    for (const int64_t y : {0, 35})
      for (const int64_t x : {0, 35}) reached |= std::abs(crop.at(0, 0, y, x) - corner) < 2e-5f;
  }
  EXPECT_TRUE(reached);
}

// Shrunk by two the detailed half is smoother: three quarters of the crops are of that kind.
TEST_F(PhotoPoolTest, EachShrinkHasItsShare) {
  TemporaryFolder grey;
  Image photo{128, 128, 1, std::vector<uint8_t>(128 * 128), {}};
  auto& samples = std::get<std::vector<uint8_t>>(photo.samples);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = (i + i / 128) % 2 == 0 ? 255 : 0;
  write_image(grey / "a.png", photo);
  const PhotoPool pool({grey.path()}, {.shrink = {1, 2}, .shrink_share = {1, 3}}, 32);
  int shrunk = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    Random random(4, i);
    const float value = pool.crop(32, random).at(0, 0, 0, 0);
    shrunk += std::abs(value - 0.5f) < 1e-3f ? 1 : 0;
  }
  EXPECT_NEAR(shrunk / 2000.0, 0.75, 0.05);
  EXPECT_EQ(pool.size(), 1u);
}

TEST_F(PhotoPoolTest, SeveralFoldersAreOnePool) {
  TemporaryFolder other;
  write_image(other / "b.png", photo_);
  write_image(other / "c.png", photo_);
  EXPECT_EQ(PhotoPool({folder_.path(), other.path()}, {.shrink = {1}}, 32).size(), 3u);
  EXPECT_THROW(PhotoPool({folder_.path(), other / "none"}, {.shrink = {1}}, 32), Error);
  EXPECT_THROW(PhotoPool({folder_.path()}, {.shrink = {1, 4}, .shrink_share = {1, 1}}, 32), Error);
}

}  // namespace
}  // namespace hyperconv
