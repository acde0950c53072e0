// An endless stream of simulated RAW patches, made in background threads.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "hyperconv/tensor.hpp"
#include "training/recipe.hpp"

namespace hyperconv {

struct PatchBatch {
  torch::Tensor cells;           ///< [N,4,patch/2,patch/2], as pack_mosaic makes them
  torch::Tensor clean;           ///< [N,3,patch,patch], camera RGB after white balance, in [0,1]
  torch::Tensor camera_to_srgb;  ///< [N,3,3]
};

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

/// Batch `index` of a recipe: depends on the seed and the index alone, so that a resumed run sees
/// what it would have seen.
PatchBatch make_batch(const PhotoPool& photos, const PatchRecipe& recipe, uint64_t seed,
                      int64_t index);

/// Keeps a few batches ahead of the trainer.
class PatchStream {
 public:
  PatchStream(const PhotoPool& photos, const PatchRecipe& recipe, uint64_t seed, int64_t first,
              int workers);
  ~PatchStream();

  /// The next batch, in order. Throws what went wrong in the background.
  PatchBatch next();

 private:
  void work();

  const PhotoPool& photos_;
  const PatchRecipe& recipe_;
  const uint64_t seed_;
  const size_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, PatchBatch> ready_;
  int64_t to_make_, to_take_;
  bool stopping_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> workers_;
};

}  // namespace hyperconv
