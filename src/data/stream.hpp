// An endless stream of patches cut from a set of pairs, decoded in background threads.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/prefetch.hpp"
#include "data/damage.hpp"
#include "data/pairs.hpp"

namespace hyperconv {

struct PatchChoice {
  int patch = 0;       ///< side in pixels; even where the input is a mosaic
  int batch = 1;       ///< patches in a batch
  bool turned = true;  ///< each in one of the eight ways a square lies on itself, else upright
  uint64_t seed = 0;
};

struct PairBatch {
  Tensor input;               ///< [N,4,patch/2,patch/2] or [N,3,patch,patch], as InputKind says
  Tensor target;              ///< [N,3,patch,patch]
  std::vector<size_t> pairs;  ///< which pair of the set each patch is from
};

/// Says which patch is the i-th: each epoch is a permutation of the pairs of its own, and each pair
/// gives one random window (Bayer-safe, see Window). Sample i depends on the set, the seed and i
/// alone, so a run that was stopped goes on with what it would have seen. In place of a damaged
/// pair comes the next of the epoch. Safe to use from several threads.
///
/// What is not cached is decoded whole for one window: right for sets of patches like Zurich
/// RAW-to-DSLR; sets of whole frames (SIDD-Medium) want cached_pairs().
class PairSampler {
 public:
  /// `damage` must outlive it. Throws Error when the patch cannot be.
  PairSampler(PairSet set, const PatchChoice& choice, DamageLog& damage);

  const PairSet& set() const { return set_; }

  /// `pair` receives the index of the pair that was taken, if it is not null. Throws Error when too
  /// many pairs are damaged or smaller than a patch.
  Pair sample(int64_t index, size_t* pair = nullptr) const;
  /// Samples index * batch and on.
  PairBatch batch(int64_t index) const;

 private:
  using Order = std::vector<uint32_t>;
  std::shared_ptr<const Order> order_of(int64_t epoch) const;

  PairSet set_;
  PatchChoice choice_;
  DamageLog& damage_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::shared_ptr<const Order>> orders_;
};

/// Batches first, first + 1, ...; the sampler must outlive it.
class PairStream {
 public:
  PairStream(const PairSampler& sampler, int64_t first, int workers)
      : batches_([&sampler](int64_t index) { return sampler.batch(index); }, first, workers,
                 workers + 2) {}

  /// The next batch, in order. Throws what went wrong with it in the background.
  PairBatch next() { return batches_.next(); }

 private:
  Prefetcher<PairBatch> batches_;
};

}  // namespace hyperconv
