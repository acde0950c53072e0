// Which patch of a set of pairs is the i-th.
#pragma once

#include "base/random.hpp"
#include "data/damage.hpp"
#include "data/pairs.hpp"

namespace hyperconv {

struct PatchChoice {
  int patch = 0;        ///< side in the photo's pixels; even where the input is a mosaic
  bool augment = true;  ///< a random place, in one of the eight ways a square lies on itself; the
                        ///< pairs in an order drawn anew for each epoch. Else the middle of each
                        ///< pair, upright, in the order of the set
  uint64_t seed = 0;
};

/// Each epoch shows every pair once, a window of it (Bayer-safe, see Window). Sample i depends on
/// the set, the seed and i alone, so a run that was stopped goes on with what it would have seen.
/// In place of a damaged pair comes the next of the epoch. Safe to use from several threads.
///
/// What is not cached is decoded whole for one window: right for sets of patches like Zurich
/// RAW-to-DSLR; sets of whole frames (SIDD-Medium) want cached_pairs().
class PairSampler {
 public:
  /// Throws Error when the patch cannot be.
  PairSampler(PairSet set, const PatchChoice& choice);

  const PairSet& set() const { return set_; }
  const DamageLog& damage() const { return damage_; }

  /// `pair` receives the index of the pair that was taken, if it is not null. A pair that is found
  /// damaged is named on stderr, once. Throws Error when too many are damaged or smaller than a
  /// patch.
  Pair sample(int64_t index, size_t* pair = nullptr) const;

 private:
  size_t candidate(int64_t epoch, int64_t position) const;
  Pair window_of(size_t pair, Random& random) const;

  PairSet set_;
  PatchChoice choice_;
  mutable DamageLog damage_;
};

/// Place of `position` in the `round`-th random order of `count` things: a permutation for each
/// round, found without making it whole (a Feistel network that walks until it is below count).
size_t shuffled(size_t position, size_t count, uint64_t seed, uint64_t round);

}  // namespace hyperconv
