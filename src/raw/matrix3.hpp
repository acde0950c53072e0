// 3x3 matrices, for colours.
#pragma once

#include <cmath>
#include <optional>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// Linear sRGB -> XYZ (D65), the digits that LibRaw and dcraw use.
inline constexpr Matrix3 xyz_from_srgb = {{{0.4124564, 0.3575761, 0.1804375},
                                           {0.2126729, 0.7151522, 0.0721750},
                                           {0.0193339, 0.1191920, 0.9503041}}};

inline Matrix3 multiply(const Matrix3& a, const Matrix3& b) {
  Matrix3 product{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j)
      product[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
  return product;
}

/// Nothing where the matrix is singular or not finite.
inline std::optional<Matrix3> inverse(const Matrix3& m) {
  // Cofactors by cyclic indices come with their signs.
  const auto cofactor = [&m](size_t i, size_t j) {
    const size_t r = (i + 1) % 3, s = (i + 2) % 3, p = (j + 1) % 3, q = (j + 2) % 3;
    return m[r][p] * m[s][q] - m[r][q] * m[s][p];
  };
  const double determinant =
      m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  if (!std::isfinite(determinant) || std::abs(determinant) < 1e-9) return std::nullopt;
  Matrix3 result{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) result[i][j] = cofactor(j, i) / determinant;
  return result;
}

}  // namespace hyperconv
