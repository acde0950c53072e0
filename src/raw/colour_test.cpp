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
  expect_near(multiply(m, inverse(m)), identity3, 1e-12);
  expect_near(multiply(inverse(camera), camera), identity3, 1e-12);
}

TEST(Colour, InverseRefusesWhatHasNone) {
  EXPECT_THROW(inverse(Matrix3{}), Error);
  EXPECT_THROW(inverse({{{1, 2, 3}, {2, 4, 6}, {0, 0, 1}}}), Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(inverse({{{nan, 0, 0}, {0, 1, 0}, {0, 0, 1}}}), Error);
}

TEST(Colour, SrgbWhiteIsD65) {
  // IEC 61966-2-1: x = 0.3127, y = 0.3290.
  const auto white = transform(srgb_to_xyz, {1, 1, 1});
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
  const auto white = transform(multiply(camera, srgb_to_xyz), {1, 1, 1});
  EXPECT_NEAR(white[0] * balance[0], white[1], 1e-12);
  EXPECT_NEAR(white[2] * balance[2], white[1], 1e-12);
  EXPECT_THROW(daylight_white_balance(Matrix3{}), Error);
}

}  // namespace
}  // namespace hyperconv
