// Simulated RAW patches: what the task `develop` learns from.
#pragma once

#include <vector>

#include "training/photo_pool.hpp"
#include "training/recipe.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// Crops of photos seen by random cameras: input [N,4,patch/2,patch/2], or of X-Trans
/// [N,36,patch/6,patch/6], of frames of three colours [N,12,patch/2,patch/2], as pack_mosaic makes
/// it, in the domain asked for, target
/// [N,3,patch,patch] camera RGB after white balance in [0,1], linear, each camera's colours, and
/// what a network is told of the noise.
class SimulatedPatches : public SampleSource {
 public:
  /// Reads `photos` (the recipe's own or its validation ones). Throws Error as PhotoPool does.
  SimulatedPatches(const std::vector<std::filesystem::path>& photos, const SimulatedData& recipe,
                   int patch, uint64_t seed, Domain domain, Packing packing);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  SimulatedData recipe_;
  int patch_;
  uint64_t seed_;
  Domain domain_;
  Packing packing_;
  PhotoPool photos_;
};

}  // namespace hyperconv
