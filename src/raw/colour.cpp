#include "raw/colour.hpp"

#include <cmath>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

// A camera's matrix has entries around 1; what is smaller than this is no matrix but damage.
constexpr double smallest_divisor = 1e-9;

// Also false for NaN.
bool can_divide_by(double value) {
  return std::isfinite(value) && std::abs(value) > smallest_divisor;
}

double cofactor(const Matrix3& m, int row, int column) {
  const int r1 = (row + 1) % 3, r2 = (row + 2) % 3;
  const int c1 = (column + 1) % 3, c2 = (column + 2) % 3;
  return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
}

}  // namespace

Matrix3 multiply(const Matrix3& a, const Matrix3& b) {
  Matrix3 product{};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      for (int k = 0; k < 3; ++k) product[row][column] += a[row][k] * b[k][column];
  return product;
}

std::array<double, 3> transform(const Matrix3& a, const std::array<double, 3>& v) {
  std::array<double, 3> product{};
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < 3; ++k) product[row] += a[row][k] * v[k];
  return product;
}

Matrix3 inverse(const Matrix3& m) {
  double determinant = 0;
  for (int k = 0; k < 3; ++k) determinant += m[0][k] * cofactor(m, 0, k);
  if (!can_divide_by(determinant)) fail("colour matrix has no inverse");
  Matrix3 result{};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      result[row][column] = cofactor(m, column, row) / determinant;
  return result;
}

Matrix3 with_rows_summing_to_one(const Matrix3& m) {
  Matrix3 result = m;
  for (auto& row : result) {
    const double sum = row[0] + row[1] + row[2];
    if (!can_divide_by(sum)) fail("colour matrix sees no white: a row sums to {}", sum);
    for (double& value : row) value /= sum;
  }
  return result;
}

Matrix3 srgb_to_camera(const Matrix3& xyz_to_camera) {
  return with_rows_summing_to_one(multiply(xyz_to_camera, srgb_to_xyz));
}

Matrix3 camera_to_srgb(const Matrix3& xyz_to_camera) {
  return inverse(srgb_to_camera(xyz_to_camera));
}

std::array<double, 3> daylight_white_balance(const Matrix3& xyz_to_camera) {
  const auto white = transform(multiply(xyz_to_camera, srgb_to_xyz), {1, 1, 1});
  if (!can_divide_by(white[0]) || !can_divide_by(white[2]))
    fail("colour matrix sees no white: ({}, {}, {})", white[0], white[1], white[2]);
  return {white[1] / white[0], 1, white[1] / white[2]};
}

}  // namespace hyperconv
