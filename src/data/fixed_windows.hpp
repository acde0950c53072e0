// A training set of a known size, in memory: the same few windows, again and again.
#pragma once

#include <vector>

#include "data/pairs.hpp"

namespace hyperconv {

struct FixedWindowsChoice {
  int patch = 0;           ///< side in the photo's pixels
  int64_t first = 0;       ///< pair that it begins with
  int64_t count = 0;       ///< of pairs
  double label_noise = 0;  ///< standard deviation of Gaussian noise on every value of a target
  uint64_t seed = 0;       ///< of that noise
};

/// The middle of each of `count` pairs, from pair `first` on; damaged pairs are left out and those
/// behind them taken. The noise of a window is drawn once: whoever sees it again sees the same
/// wrong label.
class FixedWindows {
 public:
  /// Throws Error when the set has fewer pairs or a patch cannot be.
  FixedWindows(const PairSet& set, const FixedWindowsChoice& choice);

  size_t size() const { return windows_.size(); }
  const TensorPair& operator[](size_t index) const { return windows_[index]; }

 private:
  std::vector<TensorPair> windows_;
};

}  // namespace hyperconv
