// The models that come with the program.
#pragma once

#include <filesystem>
#include <optional>

#include "network/model.hpp"

namespace hyperconv {

/// The model for a task, of `develop` for mosaics of a packing, that the user did not name: in
/// $HYPERCONV_MODELS, else in share/hyperconv/models in one of the folders that the program lies
/// in, or libhyperconv.so (the three next above it at most), as they are installed or built. Throws
/// Error that lists the places.
std::filesystem::path shipped_model(Task task, Packing packing = Packing::bayer);

/// The same; nothing where there is none.
std::optional<std::filesystem::path> find_shipped_model(Task task,
                                                        Packing packing = Packing::bayer);

/// The model that a user named: the file of that path; where there is none (or a folder) and the
/// name has no folder, such as "develop-best", the shipped model of that name. The path as it is
/// where there is neither.
std::filesystem::path named_model(const std::filesystem::path& name);

}  // namespace hyperconv
