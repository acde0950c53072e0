#include "training/sources.hpp"

#include <map>

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "data/cache.hpp"
#include "training/fixed_patches.hpp"
#include "training/noisy_patches.hpp"
#include "training/pair_patches.hpp"
#include "training/photo_patches.hpp"
#include "training/simulated_patches.hpp"

namespace hyperconv {
namespace {

using Source = std::unique_ptr<SampleSource>;

/// Validation always sees the same samples, whatever the run's seed.
constexpr uint64_t validation_seed = 1'000'003;

void check_task(const Recipe& recipe, bool fits, const char* data) {
  if (!fits)
    fail("{} is for the task {}: it cannot learn from {}", recipe.network,
         to_string(network_use(recipe.network).task), data);
}

void check_pairs(const Recipe& recipe, const PairSet& set) {
  const Task wanted = set.is_mosaic() ? Task::isp : Task::denoise;
  check_task(recipe, network_use(recipe.network).task == wanted,
             set.is_mosaic() ? "pairs of a mosaic and a photo" : "pairs of photos");
}

/// The set itself, or read from the recipe's cache, a file for each part.
PairSet cached(const PairData& data, const PairSet& set) {
  if (data.cache.empty()) return set;
  std::error_code ignored;  // writing the cache says what is wrong
  std::filesystem::create_directories(data.cache.parent_path(), ignored);
  Threads threads;
  return cached_pairs(set, data.cache.string() + "." + set.folder().filename().string(), threads);
}

Source pairs_of(const Recipe& recipe, const PairData& data, const PairSet& set, bool augment,
                uint64_t seed) {
  check_pairs(recipe, set);
  return std::make_unique<PairPatches>(
      cached(data, set), PatchChoice{.patch = recipe.data.patch, .augment = augment, .seed = seed});
}

Source validation_pairs(const Recipe& recipe, const PairData& data) {
  if (!data.validation.empty())
    return pairs_of(recipe, data, find_pairs(data.validation, Split::test), false, validation_seed);
  const PairSet set = find_pairs(data.pairs, Split::test);
  // A set without parts is the training set itself.
  if (set.folder() == find_pairs(data.pairs, Split::train).folder()) return nullptr;
  return pairs_of(recipe, data, set, false, validation_seed);
}

/// Photos in memory, read once however many sources take patches of them.
class Pools {
 public:
  explicit Pools(int patch) : patch_(patch) {}

  std::shared_ptr<const PhotoPool> get(const std::filesystem::path& folder, const PhotoDraw& draw) {
    auto& pool = pools_[{folder.string(), draw}];
    if (!pool)
      pool = std::make_shared<const PhotoPool>(std::vector<std::filesystem::path>{folder}, draw,
                                               patch_);
    return pool;
  }

 private:
  int patch_;
  std::map<std::pair<std::string, PhotoDraw>, std::shared_ptr<const PhotoPool>> pools_;
};

/// Makes the sources of a recipe, for training or for validation.
class SourceMaker {
 public:
  SourceMaker(const Recipe& recipe, bool trains)
      : recipe_(recipe),
        trains_(trains),
        seed_(trains ? recipe.training.seed : validation_seed),
        pools_(recipe.data.patch) {}

  Source make() {
    return std::visit(Overloaded{[&](const MixedData& mix) { return mixed(mix); },
                                 [&](const auto& data) { return make(data, seed_); }},
                      recipe_.data.source);
  }

 private:
  Source make(const SimulatedData& data, uint64_t seed) {
    check_task(recipe_, task() == Task::develop, "simulated RAW patches");
    const auto& folders = trains_ ? data.photos : data.validation;
    if (folders.empty()) return nullptr;
    return std::make_unique<SimulatedPatches>(folders, data, patch(), seed, network_domain(recipe_),
                                              network_use(recipe_.network).packing);
  }
  Source make(const NoisyData& data, uint64_t seed) {
    check_denoises();
    if (folder_of(data).empty()) return nullptr;
    return std::make_unique<NoisyPatches>(
        pools_.get(folder_of(data), {.shrink = {data.shrink}, .shrink_share = {1}}), data, patch(),
        seed);
  }
  Source make(const CameraNoiseData& data, uint64_t seed) {
    check_denoises();
    if (folder_of(data).empty()) return nullptr;
    return std::make_unique<CameraNoisePatches>(pool_of(data), data, patch(), seed);
  }
  Source make(const CleanData& data, uint64_t seed) {
    check_denoises();
    if (folder_of(data).empty()) return nullptr;
    return std::make_unique<CleanPatches>(pool_of(data), data, patch(), seed);
  }
  Source make(const PairData& data, uint64_t seed) {
    if (!trains_) return validation_pairs(recipe_, data);
    const PairSet set = find_pairs(data.pairs, Split::train);
    if (data.limit == 0) return pairs_of(recipe_, data, set, data.augment, seed);
    check_pairs(recipe_, set);
    return std::make_unique<FixedPatches>(cached(data, set),
                                          FixedWindowsChoice{.patch = patch(),
                                                             .first = data.first,
                                                             .count = data.limit,
                                                             .label_noise = data.label_noise,
                                                             .seed = seed});
  }

  /// What has no validation part is left out of the mixture's.
  Source mixed(const MixedData& mix) {
    std::vector<MixedPatches::Part> parts;
    for (size_t i = 0; i < mix.parts.size(); ++i) {
      const uint64_t seed = seed_ + i;
      Source source =
          std::visit([&](const auto& data) { return make(data, seed); }, mix.parts[i].source);
      if (source) parts.push_back({mix.parts[i].share, std::move(source)});
    }
    if (parts.empty()) return nullptr;
    return std::make_unique<MixedPatches>(std::move(parts), seed_);
  }

  template <class Data>
  const std::filesystem::path& folder_of(const Data& data) const {
    return trains_ ? data.photos : data.validation;
  }
  template <class Data>
  std::shared_ptr<const PhotoPool> pool_of(const Data& data) {
    return pools_.get(folder_of(data), data.draw);
  }
  Task task() const { return network_use(recipe_.network).task; }
  void check_denoises() const { check_task(recipe_, task() == Task::denoise, "noisy photos"); }
  int patch() const { return recipe_.data.patch; }

  const Recipe& recipe_;
  bool trains_;
  uint64_t seed_;
  Pools pools_;
};

}  // namespace

Source training_source(const Recipe& recipe) { return SourceMaker(recipe, true).make(); }

Source validation_source(const Recipe& recipe) {
  if (recipe.training.validate_every == 0) return nullptr;
  return SourceMaker(recipe, false).make();
}

}  // namespace hyperconv
