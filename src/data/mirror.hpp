// What lies beyond the edge of a picture.
#pragma once

namespace hyperconv {

/// Reflects an index into [0, count), count > 0, without repeating the edge, so that even stays
/// even and a CFA's phase holds: ... 2 1 | 0 1 2 ... n-1 | n-2 ...
inline int mirrored(int index, int count) {
  if (count == 1) return 0;
  const int period = 2 * (count - 1);
  const int phase = ((index % period) + period) % period;
  return phase < count ? phase : period - phase;
}

}  // namespace hyperconv
