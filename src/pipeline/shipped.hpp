// The models that come with the program.
#pragma once

#include <filesystem>

#include "hyperconv/model.hpp"

namespace hyperconv {

/// The model for a task that the user did not name: in $HYPERCONV_MODELS, else beside the program
/// as it is installed (../share/hyperconv/models) or built (../../models). Throws Error that lists
/// the places.
std::filesystem::path shipped_model(Task task);

}  // namespace hyperconv
