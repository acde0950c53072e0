// Folders of pictures.
#pragma once

#include <filesystem>
#include <vector>

namespace hyperconv {

/// The pictures of a folder (by ending, not below it), in the order of their names.
/// Throws Error when it is no folder or holds none.
std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& folder);

}  // namespace hyperconv
