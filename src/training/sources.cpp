#include "training/sources.hpp"

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "data/cache.hpp"
#include "training/fixed_patches.hpp"
#include "training/noisy_patches.hpp"
#include "training/pair_patches.hpp"
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
PairSet cached(const Recipe& recipe, const PairSet& set) {
  const auto& cache = std::get<PairData>(recipe.data.source).cache;
  if (cache.empty()) return set;
  Threads threads;
  return cached_pairs(set, cache.string() + "." + set.folder().filename().string(), threads);
}

Source pairs_of(const Recipe& recipe, const PairSet& set, bool augment, uint64_t seed) {
  check_pairs(recipe, set);
  return std::make_unique<PairPatches>(
      cached(recipe, set),
      PatchChoice{.patch = recipe.data.patch, .augment = augment, .seed = seed});
}

Source validation_pairs(const Recipe& recipe, const PairData& data) {
  if (!data.validation.empty())
    return pairs_of(recipe, find_pairs(data.validation, Part::test), false, validation_seed);
  const PairSet set = find_pairs(data.pairs, Part::test);
  // A set without parts is the training set itself.
  if (set.folder() == find_pairs(data.pairs, Part::train).folder()) return nullptr;
  return pairs_of(recipe, set, false, validation_seed);
}

}  // namespace

Source training_source(const Recipe& recipe) {
  const uint64_t seed = recipe.training.seed;
  return std::visit(
      Overloaded{
          [&](const SimulatedData& data) -> Source {
            check_task(recipe, network_use(recipe.network).task == Task::develop,
                       "simulated RAW patches");
            return std::make_unique<SimulatedPatches>(data.photos, data, recipe.data.patch, seed);
          },
          [&](const NoisyData& data) -> Source {
            check_task(recipe, network_use(recipe.network).task == Task::denoise, "noisy photos");
            return std::make_unique<NoisyPatches>(data.photos, data, recipe.data.patch, seed);
          },
          [&](const PairData& data) -> Source {
            const PairSet set = find_pairs(data.pairs, Part::train);
            if (data.limit == 0) return pairs_of(recipe, set, data.augment, seed);
            check_pairs(recipe, set);
            return std::make_unique<FixedPatches>(
                cached(recipe, set), FixedWindowsChoice{.patch = recipe.data.patch,
                                                        .first = data.first,
                                                        .count = data.limit,
                                                        .label_noise = data.label_noise,
                                                        .seed = seed});
          },
      },
      recipe.data.source);
}

Source validation_source(const Recipe& recipe) {
  if (recipe.training.validate_every == 0) return nullptr;
  return std::visit(
      Overloaded{
          [&](const SimulatedData& data) -> Source {
            if (data.validation.empty()) return nullptr;
            return std::make_unique<SimulatedPatches>(data.validation, data, recipe.data.patch,
                                                      validation_seed);
          },
          [&](const NoisyData& data) -> Source {
            if (data.validation.empty()) return nullptr;
            return std::make_unique<NoisyPatches>(data.validation, data, recipe.data.patch,
                                                  validation_seed);
          },
          [&](const PairData& data) -> Source { return validation_pairs(recipe, data); },
      },
      recipe.data.source);
}

}  // namespace hyperconv
