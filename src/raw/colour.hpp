// 3x3 colour matrices: between sRGB, XYZ and a camera's own primaries.
#pragma once

#include <array>

#include "hyperconv/mosaic.hpp"

namespace hyperconv {

inline constexpr Matrix3 identity3 = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};

/// Linear sRGB to XYZ with white D65 (IEC 61966-2-1), to the seven digits of Lindbloom's tables.
inline constexpr Matrix3 srgb_to_xyz = {{{0.4124564, 0.3575761, 0.1804375},
                                         {0.2126729, 0.7151522, 0.0721750},
                                         {0.0193339, 0.1191920, 0.9503041}}};

Matrix3 multiply(const Matrix3& a, const Matrix3& b);
std::array<double, 3> transform(const Matrix3& a, const std::array<double, 3>& v);

/// Throws Error when the matrix has no inverse: a file's matrix may be anything.
Matrix3 inverse(const Matrix3& m);

/// Every row divided by its sum, so that (1,1,1) stays (1,1,1). Throws Error when a row sums to
/// nothing.
Matrix3 with_rows_summing_to_one(const Matrix3& m);

/// Linear sRGB -> camera RGB after white balance: xyz_to_camera * srgb_to_xyz with its rows scaled
/// to sum 1, as LibRaw and dcraw do.
Matrix3 srgb_to_camera(const Matrix3& xyz_to_camera);

/// The inverse of srgb_to_camera; its rows sum to 1 too.
Matrix3 camera_to_srgb(const Matrix3& xyz_to_camera);

/// White-balance multipliers, G = 1, that make the light D65 grey for a camera with this matrix.
std::array<double, 3> daylight_white_balance(const Matrix3& xyz_to_camera);

}  // namespace hyperconv
