// Simulated RAW patches: what the task `develop` learns from.
#pragma once

#include <vector>

#include "base/random.hpp"
#include "hyperconv/tensor.hpp"
#include "training/recipe.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// The photos of a folder in linear light, in memory.
class PhotoPool {
 public:
  /// Reads every JPEG, PNG and TIFF of the folder, in the order of their names. Throws Error when
  /// there is none, or one is smaller than a patch.
  PhotoPool(const std::filesystem::path& folder, int shrink, int patch);

  size_t size() const { return photos_.size(); }
  /// A random crop [1,3,side,side], turned and mirrored in one of eight ways; photos weigh by area.
  Tensor crop(int side, Random& random) const;

 private:
  std::vector<Tensor> photos_;
  std::vector<double> cumulative_area_;
};

/// Crops of photos seen by random cameras: input [N,4,patch/2,patch/2] as pack_mosaic makes it,
/// target [N,3,patch,patch] camera RGB after white balance in [0,1], and each camera's colours.
class SimulatedPatches : public SampleSource {
 public:
  /// Reads `photos` (the recipe's own or its validation ones). Throws Error as PhotoPool does.
  SimulatedPatches(const std::filesystem::path& photos, const SimulatedData& recipe, int patch,
                   uint64_t seed);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  SimulatedData recipe_;
  int patch_;
  uint64_t seed_;
  PhotoPool photos_;
};

}  // namespace hyperconv
