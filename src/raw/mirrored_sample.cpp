#include "raw/mirrored_sample.hpp"

#include "base/integers.hpp"

namespace hyperconv {

int64_t mirrored_sample(int64_t at, int64_t length, const ColourFilters& filters, int phase) {
  if (filters.bayer() != nullptr) return mirrored(at, length);
  // X-Trans is symmetric about places that are 2 more than a multiple of 3.
  const int64_t first = (5 - phase % 3) % 3, last = length - 1 - (length - 1 - first) % 3;
  while (at < 0 || at >= length) at = 2 * (at < 0 ? first : last) - at;
  return at;
}

}  // namespace hyperconv
