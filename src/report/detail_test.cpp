#include "report/detail.hpp"

#include <gtest/gtest.h>

namespace hyperconv {
namespace {

/// Even, but for stripes in a square.
Image striped(int width, int height, int channels, const Region& where) {
  Image picture{width, height, channels, {}, {}};
  std::vector<uint8_t> samples(picture.count(), 90);
  for (int64_t y = where.top; y < where.top + where.height; ++y)
    for (int64_t x = where.left; x < where.left + where.width; ++x)
      for (int c = 0; c < channels; ++c)
        samples[size_t((y * width + x) * channels + c)] = x % 2 == 0 ? 70 : 110;
  picture.samples = std::move(samples);
  return picture;
}

TEST(PlaceOfDetail, IsWhereThePictureChangesMost) {
  for (const int channels : {1, 3, 4})
    for (const bool deep : {false, true}) {
      Image picture = striped(100, 70, channels, {32, 48, 16, 16});
      if (deep) picture = to_u16(picture);
      const Region place = place_of_detail(picture, 16);
      EXPECT_EQ(place.top, 32) << channels;
      EXPECT_EQ(place.left, 48) << channels;
      EXPECT_EQ(place.height, 16);
      EXPECT_EQ(place.width, 16);
    }
}

TEST(PlaceOfDetail, MayBeAtThePicturesEnd) {
  const Region place = place_of_detail(striped(101, 75, 3, {59, 85, 16, 16}), 16);
  EXPECT_EQ(place.top, 59);
  EXPECT_EQ(place.left, 85);
}

TEST(PlaceOfDetail, IsAllOfASmallPicture) {
  const Region place = place_of_detail(striped(20, 9, 3, {0, 0, 4, 4}), 64);
  EXPECT_EQ(place.top, 0);
  EXPECT_EQ(place.left, 0);
  EXPECT_EQ(place.height, 9);
  EXPECT_EQ(place.width, 20);
}

}  // namespace
}  // namespace hyperconv
