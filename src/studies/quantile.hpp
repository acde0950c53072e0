#pragma once

#include <algorithm>
#include <vector>

namespace hyperconv {

/// The value below which a share of the values lie, to the nearest of them; of at least one value.
/// share: 0 to 1 (0.5: the median).
inline double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[size_t(share * double(values.size() - 1) + 0.5)];
}

}  // namespace hyperconv
