#include "studies/grain_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"
#include "base/testing.hpp"
#include "image/image.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// Noise of this deviation in each colour, each value of which fills `grain` x `grain` pixels, on
/// a dark and on a bright half; below, both have stripes, and more noise than is to be seen.
struct Pictures {
  Tensor noisy{{1, 3, 192, 192}}, clean{{1, 3, 192, 192}};

  Pictures(float dark, float bright, int grain, bool is_grey) {
    Random random(2);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 192; ++y)
        for (int x = 0; x < 192; ++x) {
          const bool is_dark = x < 96, has_stripes = y >= 96;
          const int64_t from_y = y - y % grain, from_x = x - x % grain;
          clean.at(0, c, y, x) = (is_dark ? 0.2f : 0.7f) + (has_stripes && y % 4 < 2 ? 0.1f : 0);
          float& value = noisy.at(0, c, y, x);
          if (y != from_y || x != from_x)
            value = noisy.at(0, c, from_y, from_x);
          else if (is_grey && c > 0)
            value = noisy.at(0, 0, y, x);
          else
            value = clean.at(0, c, y, x) +
                    (has_stripes ? 2 : 1) * (is_dark ? dark : bright) * random.normal();
        }
  }
};

// Luma's deviation is 0.7496 of a colour's, colours' 1.1301 (image/grain_test.cpp).
TEST(NoiseLook, WhiteNoise) {
  const Pictures pictures(0.02f, 0.04f, 1, false);
  const auto look = noise_look(pictures.noisy, pictures.clean);
  ASSERT_TRUE(look);
  EXPECT_NEAR(*look->deviation[0], 255 * 0.02 * 0.7496, 0.1);
  EXPECT_NEAR(*look->deviation[2], 255 * 0.04 * 0.7496, 0.2);
  EXPECT_FALSE(look->deviation[1]);
  EXPECT_FALSE(look->deviation[3]);
  EXPECT_NEAR(look->colour, 1.1301 / 0.7496, 0.03);
  EXPECT_EQ(look->luma_correlation[0], 1);
  for (int i = 1; i < NoiseLook::distances; ++i) {
    EXPECT_NEAR(look->luma_correlation[size_t(i)], 0, 0.03) << i;
    EXPECT_NEAR(look->colour_correlation[size_t(i)], 0, 0.03) << i;
  }
  // Variance: the mean of the quarters'.
  EXPECT_NEAR(look->psnr, -10 * std::log10(5 * (0.02 * 0.02 + 0.04 * 0.04) / 4), 0.1);
}

// Squares of two pixels: neighbours are in the same one half of the time.
TEST(NoiseLook, CoarseGreyNoise) {
  const Pictures pictures(0.02f, 0.02f, 2, true);
  const auto look = noise_look(pictures.noisy, pictures.clean);
  ASSERT_TRUE(look);
  EXPECT_NEAR(look->luma_correlation[1], 0.5, 0.05);
  EXPECT_NEAR(look->luma_correlation[2], 0, 0.05);
  EXPECT_NEAR(look->colour, 0, 1e-3);
}

TEST(NoiseLook, NothingToSee) {
  const Pictures pictures(0, 0, 1, false);
  EXPECT_FALSE(noise_look(pictures.noisy, pictures.clean));
  EXPECT_FALSE(noise_look(Tensor({1, 3, 8, 8}), Tensor({1, 3, 8, 8})));
}

TEST(GrainTable, OfPhotosThatGetNoise) {
  const TemporaryFolder folder;
  write_image(folder / "a.png",
              Image{64, 64, 3, std::vector<uint8_t>(size_t(64) * 64 * 3, 100), {}});
  const std::vector<PictureSet> sets = {
      set_of_photos(folder.path(), synthetic_noise_from_string("10"), 1)};
  const GrainTable table = grain_table(sets, 0);
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0].pictures, 1);
  EXPECT_NEAR(*table.rows[0].middle.deviation[1], 7.5, 0.5);
  EXPECT_THAT(to_markdown(table), HasSubstr("| 10 | 1 | 28."));
  for (const std::filesystem::path& stem : draw(table, folder / "figure"))
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(stem) += ".png")) << stem;
  EXPECT_TRUE(std::filesystem::exists(folder / "figure-deviation.csv"));
  EXPECT_THAT(error_of([&] {
                grain_table({set_of_photos(folder.path(), synthetic_noise_from_string("0"), 1)}, 0);
              }),
              HasSubstr("no picture with noise"));
}

}  // namespace
}  // namespace hyperconv
