#include "training/sources.hpp"

#include "base/overloaded.hpp"
#include "training/simulated_patches.hpp"

namespace hyperconv {

std::unique_ptr<SampleSource> training_source(const Recipe& recipe) {
  return std::visit(Overloaded{
                        [&](const SimulatedData& data) -> std::unique_ptr<SampleSource> {
                          return std::make_unique<SimulatedPatches>(
                              data.photos, data, recipe.data.patch, recipe.training.seed);
                        },
                        [&](const PairData&) -> std::unique_ptr<SampleSource> { return nullptr; },
                    },
                    recipe.data.source);
}

std::unique_ptr<SampleSource> validation_source(const Recipe&) { return nullptr; }

}  // namespace hyperconv
