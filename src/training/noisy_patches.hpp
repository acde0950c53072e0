// Photos with Gaussian noise whose strength is another at each place (not identically distributed):
// VDN's synthetic setting.
#pragma once

#include <memory>

#include "training/recipe.hpp"
#include "training/samples.hpp"
#include "training/simulated_patches.hpp"

namespace hyperconv {

/// Crops of photos, sRGB in [0,1], turned and mirrored: target [N,3,patch,patch]; input the same
/// with noise, not cut to [0,1]; variance what the noise was drawn with. The deviation's map is a
/// Gaussian bump around a random place, of width patch/4 to 3/4 patch, stretched to reach from
/// `down` to `up`
/// + 5/255, both drawn from 0 to most_sigma/255 (SimulateTrain in github.com/zsyOAOA/VDNet).
class NoisyPatches : public SampleSource {
 public:
  /// The pool's photos are no smaller than a patch.
  NoisyPatches(std::shared_ptr<const PhotoPool> photos, const NoisyData& recipe, int patch,
               uint64_t seed);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  std::shared_ptr<const PhotoPool> photos_;
  NoisyData recipe_;
  int patch_;
  uint64_t seed_;
};

/// A map of deviations [side * side], as above.
std::vector<float> deviation_map(int side, double most_sigma, Random& random);

}  // namespace hyperconv
