// Fujifilm's X-Trans pattern, which frames have and networks are built for.
#pragma once

#include <array>
#include <cstdint>

namespace hyperconv {

/// A colour filter array of 6x6, which begins here at
///     G G R G G B
///     G G B G G R
///     B R G R B G
///     G G B G G R
///     G G R G G B
///     R B G B R G
/// and is symmetric about every row and column that is 2 more than a multiple of 3.
struct XTrans {
  static constexpr int side = 6;
  int row = 0, column = 0;  ///< where the first sample stands in it, 0..5

  /// 0 red, 1 green, 2 blue of the sample at row y, column x; from 0 on.
  constexpr int colour(int64_t y, int64_t x) const {
    constexpr std::array<std::array<int8_t, side>, side> colours = {{
        {1, 1, 0, 1, 1, 2},
        {1, 1, 2, 1, 1, 0},
        {2, 0, 1, 0, 2, 1},
        {1, 1, 2, 1, 1, 0},
        {1, 1, 0, 1, 1, 2},
        {0, 2, 1, 2, 0, 1},
    }};
    return colours[size_t((y + row) % side)][size_t((x + column) % side)];
  }

  /// Three rows and three columns further the pattern is the same.
  constexpr bool operator==(const XTrans& other) const {
    const int down = row - other.row, right = column - other.column;
    return down % 3 == 0 && right % 3 == 0 && (down + right) % 2 == 0;
  }
};

}  // namespace hyperconv
