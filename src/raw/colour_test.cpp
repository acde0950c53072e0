#include "raw/colour.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

// Olympus E-M10, from its DNG.
constexpr Matrix3 camera = {
    {{0.8380, -0.2630, -0.0639}, {-0.2887, 1.0725, 0.2496}, {-0.0627, 0.1427, 0.5438}}};

void expect_near(const Matrix3& a, const Matrix3& b, double tolerance) {
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      EXPECT_NEAR(a[row][column], b[row][column], tolerance) << row << ", " << column;
}

TEST(Colour, ProductIsRowsTimesColumns) {
  const Matrix3 a = {{{1, 2, 3}, {4, 5, 6}, {7, 8, 10}}};
  const Matrix3 b = {{{0, 1, 0}, {2, 0, 0}, {0, 0, 3}}};
  expect_near(multiply(a, b), {{{4, 1, 9}, {10, 4, 18}, {16, 7, 30}}}, 0);
  EXPECT_THAT(transform(a, {1, 0, -1}), testing::ElementsAre(-2, -2, -3));
}

TEST(Colour, InverseUndoes) {
  const Matrix3 m = {{{1, 2, 3}, {4, 5, 6}, {7, 8, 10}}};
  expect_near(multiply(m, inverse(m).value()), identity3, 1e-12);
  expect_near(multiply(inverse(camera).value(), camera), identity3, 1e-12);
}

TEST(Colour, ThereIsNotAlwaysAnInverse) {
  EXPECT_FALSE(inverse(Matrix3{}));
  EXPECT_FALSE(inverse({{{1, 2, 3}, {2, 4, 6}, {0, 0, 1}}}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(inverse({{{nan, 0, 0}, {0, 1, 0}, {0, 0, 1}}}));
  // Rows sum to something, but two are alike.
  EXPECT_THROW(camera_to_srgb({{{1, 0, 0}, {1, 0, 0}, {0, 0, 1}}}), Error);
}

TEST(Colour, SrgbWhiteIsD65) {
  // IEC 61966-2-1: x = 0.3127, y = 0.3290.
  const auto white = transform(xyz_from_srgb, {1, 1, 1});
  EXPECT_NEAR(white[0], 0.3127 / 0.3290, 1e-3);
  EXPECT_NEAR(white[1], 1, 1e-6);
  EXPECT_NEAR(white[2], (1 - 0.3127 - 0.3290) / 0.3290, 1e-3);
}

TEST(Colour, GreyStaysGreyBothWays) {
  for (const auto& matrix : {srgb_to_camera(camera), camera_to_srgb(camera)})
    for (const auto& row : matrix) EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-12);
  expect_near(multiply(camera_to_srgb(camera), srgb_to_camera(camera)), identity3, 1e-12);
}

TEST(Colour, RowsWithoutASumAreRefused) {
  EXPECT_THROW(with_rows_summing_to_one({{{1, -1, 0}, {0, 1, 0}, {0, 0, 1}}}), Error);
}

TEST(Colour, DaylightBalanceMakesD65Grey) {
  const auto balance = daylight_white_balance(camera);
  const auto white = transform(multiply(camera, xyz_from_srgb), {1, 1, 1});
  EXPECT_NEAR(white[0] * balance[0], white[1], 1e-12);
  EXPECT_NEAR(white[2] * balance[2], white[1], 1e-12);
  EXPECT_THROW(daylight_white_balance(Matrix3{}), Error);
}

TEST(Colour, CurveIsThatOfTheStandard) {
  EXPECT_NEAR(encode_srgb(0.18), 0.46135612, 1e-7);
  EXPECT_NEAR(encode_srgb(0.002), 0.02584, 1e-12);
  EXPECT_EQ(encode_srgb(0), 0);
  EXPECT_NEAR(encode_srgb(1), 1, 1e-12);
  for (double x = 0; x <= 1; x += 1.0 / 64) EXPECT_NEAR(decode_srgb(encode_srgb(x)), x, 1e-8);
}

TEST(Colour, PictureIsTheMatrixAndTheCurveToNearest) {
  const int count = 20000;
  Tensor rgb({1, 3, 1, count});
  for (int i = 0; i < count; ++i) {
    rgb.at(0, 0, 0, i) = float(i) / count;
    rgb.at(0, 1, 0, i) = float(i) / count / 50;  // also where the curve is steep
    rgb.at(0, 2, 0, i) = float(i % 7) - 3;
  }
  rgb.at(0, 0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  const Matrix3 swap = {{{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}};
  const Image picture = srgb_picture(rgb, swap);
  EXPECT_EQ(picture.width, count);
  const auto& samples = std::get<std::vector<uint16_t>>(picture.samples);
  for (int i = 1; i < count; ++i) {
    const double red = 65535 * encode_srgb(rgb.at(0, 1, 0, i));
    const double green = 65535 * encode_srgb(rgb.at(0, 0, 0, i));
    ASSERT_NEAR(samples[size_t(3 * i)], red, 0.52);  // half a step and the table's hundredth
    ASSERT_NEAR(samples[size_t(3 * i + 1)], green, 0.52);
    ASSERT_EQ(samples[size_t(3 * i + 2)], i % 7 > 3 ? 65535 : 0);
  }
  EXPECT_EQ(samples[0], 0);
  EXPECT_EQ(samples[1], 0);
}

TEST(Colour, MatricesOfSpacesAreThePublishedOnes) {
  expect_near(from_srgb(OutputSpace::srgb), identity3, 0);
  // CSS Color 4's sample code, lin_sRGB -> XYZ -> lin_P3.
  expect_near(from_srgb(OutputSpace::display_p3),
              {{{0.82246, 0.17754, 0}, {0.03319, 0.96681, 0}, {0.01708, 0.07240, 0.91052}}}, 2e-4);
  // ITU-R BT.2087-0, 709 -> 2020.
  expect_near(from_srgb(OutputSpace::rec2020),
              {{{0.6274, 0.3293, 0.0433}, {0.0691, 0.9195, 0.0114}, {0.0164, 0.0880, 0.8956}}},
              2e-4);
  for (const auto space : {OutputSpace::display_p3, OutputSpace::adobe_rgb, OutputSpace::prophoto,
                           OutputSpace::rec2020})
    for (const auto& row : from_srgb(space))
      EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-9) << to_string(space);
}

}  // namespace
}  // namespace hyperconv
