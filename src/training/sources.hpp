// Where a recipe's samples come from.
#pragma once

#include <memory>

#include "training/recipe.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// Throws Error when the recipe's folder is missing, empty or of the wrong kind for its network.
std::unique_ptr<SampleSource> training_source(const Recipe& recipe);

/// What training does not see, always the same samples; nothing where the recipe never validates or
/// its data have no such part.
std::unique_ptr<SampleSource> validation_source(const Recipe& recipe);

}  // namespace hyperconv
