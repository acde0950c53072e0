// Patches of photos for the task `denoise`: with a camera's noise, or as they are.
#pragma once

#include <memory>

#include "training/recipe.hpp"
#include "training/samples.hpp"
#include "training/simulated_patches.hpp"

namespace hyperconv {

/// Crops of photos, turned and mirrored, seen by random cameras (simulation/photo_noise.hpp).
class CameraNoisePatches : public SampleSource {
 public:
  /// The pool's photos are no smaller than a patch; patches are even.
  CameraNoisePatches(std::shared_ptr<const PhotoPool> photos, const CameraNoiseData& recipe,
                     int patch, uint64_t seed);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  std::shared_ptr<const PhotoPool> photos_;
  CameraNoiseData recipe_;
  int patch_;
  uint64_t seed_;
};

/// Crops of photos, sRGB, as input and target: there is nothing to remove.
class CleanPatches : public SampleSource {
 public:
  CleanPatches(std::shared_ptr<const PhotoPool> photos, const CleanData& recipe, int patch,
               uint64_t seed);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  std::shared_ptr<const PhotoPool> photos_;
  CleanData recipe_;
  int patch_;
  uint64_t seed_;
};

/// Samples of several sources: sample i is sample i of one of them, drawn by their shares. All give
/// batches of the same shapes; what not all of them know (the noise's variance) is left out, but
/// for what a network is told of the noise.
class MixedPatches : public SampleSource {
 public:
  struct Part {
    double share = 1;
    std::unique_ptr<SampleSource> source;
  };
  /// At least one part.
  MixedPatches(std::vector<Part> parts, uint64_t seed);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

  /// The part that sample i is of.
  size_t part_of(int64_t index) const;

 private:
  std::vector<Part> parts_;
  double sum_ = 0;  ///< of the shares
  uint64_t seed_;
};

}  // namespace hyperconv
