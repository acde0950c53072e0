#include "image/image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hyperconv {
namespace {

using testing::ElementsAre;

template <class Sample>
Image row(std::vector<Sample> samples) {
  const int width = int(samples.size());
  return {width, 1, 1, std::move(samples), {}};
}

const std::vector<uint8_t>& u8(const Image& image) {
  return std::get<std::vector<uint8_t>>(image.samples);
}
const std::vector<uint16_t>& u16(const Image& image) {
  return std::get<std::vector<uint16_t>>(image.samples);
}

TEST(Conversion, ToFloatCoversTheRange) {
  EXPECT_THAT(to_float(row<uint8_t>({0, 51, 255})), ElementsAre(0.0f, 0.2f, 1.0f));
  EXPECT_THAT(to_float(row<uint16_t>({0, 13107, 65535})), ElementsAre(0.0f, 0.2f, 1.0f));
  EXPECT_THAT(to_float(row<float>({-1.0f, 0.3f, 7.0f})), ElementsAre(-1.0f, 0.3f, 7.0f));
}

TEST(Conversion, FloatsAreClampedAndRounded) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Image image =
      row<float>({-INFINITY, -0.1f, 0, 0.49f / 255, 0.51f / 255, 1, 1.1f, INFINITY, nan});
  EXPECT_THAT(u8(to_u8(image)), ElementsAre(0, 0, 0, 0, 1, 255, 255, 255, 0));
  const Image fine = row<float>({-0.1f, 0.49f / 65535, 0.51f / 65535, 1, 2, nan});
  EXPECT_THAT(u16(to_u16(fine)), ElementsAre(0, 0, 1, 65535, 65535, 0));
}

TEST(Conversion, EightBitsSurviveEveryOtherKind) {
  std::vector<uint8_t> all(256);
  for (int i = 0; i < 256; ++i) all[size_t(i)] = uint8_t(i);
  const Image image = row(all);
  EXPECT_EQ(u8(to_u8(to_u16(image))), all);
  Image floats = image;
  floats.samples = to_float(image);
  EXPECT_EQ(u8(to_u8(floats)), all);
  for (int i = 0; i < 256; ++i) ASSERT_EQ(u16(to_u16(image))[size_t(i)], 257 * i);
}

TEST(Conversion, SixteenBitsSurviveFloatAndRoundToEight) {
  std::vector<uint16_t> all(65536);
  for (int i = 0; i < 65536; ++i) all[size_t(i)] = uint16_t(i);
  const Image image = row(all);
  Image floats = image;
  floats.samples = to_float(image);
  EXPECT_EQ(u16(to_u16(floats)), all);
  const Image narrow = to_u8(image);
  for (int i = 0; i < 65536; ++i) ASSERT_EQ(u8(narrow)[size_t(i)], (i + 128) / 257) << i;
}

TEST(Conversion, KeepsMetadata) {
  Image image = row<uint8_t>({1});
  image.metadata = {{1, 2}, {3}, 6};
  EXPECT_EQ(to_u16(image).metadata.icc, image.metadata.icc);
  EXPECT_EQ(to_u16(image).metadata.exif, image.metadata.exif);
  EXPECT_EQ(to_u16(image).metadata.orientation, 6);
}

/// Where EXIF says the stored rows and columns begin in the visible picture.
struct Sides {
  bool rows_are_rows;    ///< row 0 is a visible row (top or bottom), not a column
  bool row_from_end;     ///< row 0 is at the bottom or on the right
  bool column_from_end;  ///< column 0 is on the right or at the bottom
};

// EXIF 2.32, 4.6.4: "1: the 0th row is at the visual top, the 0th column is the visual left-hand
// side", 2: top, right; 3: bottom, right; 4: bottom, left; 5: left, top; 6: right, top; 7: right,
// bottom; 8: left, bottom.
constexpr Sides sides[9] = {{},
                            {true, false, false},
                            {true, false, true},
                            {true, true, true},
                            {true, true, false},
                            {false, false, false},
                            {false, true, false},
                            {false, true, true},
                            {false, false, true}};

template <class Sample>
void expect_turned_as_the_standard_says(int orientation, int width, int height, int channels) {
  Image stored{width, height, channels, {}, {}};
  std::vector<Sample> samples(stored.count());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = Sample(i);
  stored.samples = samples;
  stored.metadata.orientation = orientation;

  const Image seen = upright(stored);
  const Sides& side = sides[orientation];
  ASSERT_EQ(seen.width, side.rows_are_rows ? width : height);
  ASSERT_EQ(seen.height, side.rows_are_rows ? height : width);
  ASSERT_EQ(seen.channels, channels);
  EXPECT_EQ(seen.metadata.orientation, 1);
  const auto& turned = std::get<std::vector<Sample>>(seen.samples);
  for (int r = 0; r < height; ++r)
    for (int c = 0; c < width; ++c)
      for (int k = 0; k < channels; ++k) {
        const int across = side.row_from_end ? height - 1 - r : r;
        const int along = side.column_from_end ? width - 1 - c : c;
        const int x = side.rows_are_rows ? along : across;
        const int y = side.rows_are_rows ? across : along;
        ASSERT_EQ(turned[size_t((y * seen.width + x) * channels + k)],
                  samples[size_t((r * width + c) * channels + k)])
            << "orientation " << orientation << " row " << r << " column " << c;
      }
}

TEST(Upright, FollowsTheStandard) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (int channels = 1; channels <= 4; ++channels) {
      expect_turned_as_the_standard_says<uint8_t>(orientation, 5, 3, channels);
      expect_turned_as_the_standard_says<uint16_t>(orientation, 2, 7, channels);
      expect_turned_as_the_standard_says<float>(orientation, 1, 4, channels);
    }
}

TEST(Upright, OfAPhoneHeldUprightTurnsClockwise) {
  // 1 2 3     4 1
  // 4 5 6 ->  5 2
  //           6 3
  const Image stored{3, 2, 1, std::vector<uint8_t>{1, 2, 3, 4, 5, 6}, {{}, {}, 6}};
  EXPECT_THAT(u8(upright(stored)), ElementsAre(4, 1, 5, 2, 6, 3));
}

}  // namespace
}  // namespace hyperconv
