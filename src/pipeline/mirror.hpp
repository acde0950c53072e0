// A frame beyond its edges.
#pragma once

#include <cstdint>

namespace hyperconv {

/// Reflects an index into [0, count) without repeating the edge: ... 2 1 | 0 1 2 ... n-1 | n-2 ...
inline int64_t mirrored(int64_t index, int64_t count) {
  if (count == 1) return 0;
  const int64_t period = 2 * (count - 1);
  const int64_t phase = ((index % period) + period) % period;
  return phase < count ? phase : period - phase;
}

inline int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace hyperconv
