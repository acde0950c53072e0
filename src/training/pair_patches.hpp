// Patches of the pairs of a data set: what the tasks `isp` and `denoise` learn from.
#pragma once

#include "base/random.hpp"
#include "data/damage.hpp"
#include "data/pairs.hpp"
#include "training/samples.hpp"

namespace hyperconv {

struct PairPatchOptions {
  int patch = 448;      ///< side in the photo's samples
  bool augment = true;  ///< a random place, turned and mirrored; else the middle of each pair
  uint64_t seed = 1;
};

/// Sample n is a patch of pair p(n): every pair once, in an order drawn anew for each round, or the
/// order of the set without augmentation. A damaged pair is named on stderr, and the next sound one
/// stands in for it; more than DamageLog allows end the run.
class PairPatches : public SampleSource {
 public:
  PairPatches(PairSet set, const PairPatchOptions& options);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;
  const PairSet& set() const { return set_; }

 private:
  Pair patch_of(size_t index, Random& random) const;
  TensorPair sample(int64_t number) const;

  PairSet set_;
  PairPatchOptions options_;
  mutable DamageLog damage_;
};

/// Place of `position` in the `round`-th random order of `count` things: a permutation for each
/// round, found without making it whole (a Feistel network that walks until it is below count).
size_t shuffled(size_t position, size_t count, uint64_t seed, uint64_t round);

}  // namespace hyperconv
