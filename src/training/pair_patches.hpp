// Patches of the pairs of a data set: what the tasks `isp` and `denoise` learn from.
#pragma once

#include "data/sampler.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// Sample n is the sampler's.
class PairPatches : public SampleSource {
 public:
  PairPatches(PairSet set, const PatchChoice& choice);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  PairSampler sampler_;
  int patch_;
  uint64_t seed_;
};

}  // namespace hyperconv
