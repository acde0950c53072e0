// Integer arithmetic with indices and sizes.
#pragma once

#include <cstdint>

namespace hyperconv {

/// For value >= 0 and divisor > 0.
constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

/// The smallest multiple that is not below value.
constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return ceil_div(value, multiple) * multiple;
}

/// Reflection padding: the place in a row of `count` > 0 that stands at `index`, without repeating
/// the edge, so that even stays even and a CFA keeps its phase: ... 2 1 | 0 1 2 ... n-1 | n-2 ...
constexpr int64_t mirrored(int64_t index, int64_t count) {
  if (count == 1) return 0;
  const int64_t period = 2 * (count - 1);
  const int64_t phase = ((index % period) + period) % period;
  return phase < count ? phase : period - phase;
}

}  // namespace hyperconv
