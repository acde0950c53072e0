// Small sums with indices and sizes.
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

/// What stands at `index` once a line of `count` > 0 is mirrored at its ends for ever, without
/// repeating them, so that even stays even and a CFA's phase holds: ... 2 1 | 0 1 2 ... n-1 | n-2
/// ...
constexpr int64_t mirrored(int64_t index, int64_t count) {
  if (count == 1) return 0;
  const int64_t period = 2 * (count - 1);
  const int64_t phase = ((index % period) + period) % period;
  return phase < count ? phase : period - phase;
}

}  // namespace hyperconv
