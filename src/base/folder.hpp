// Folders that are written into.
#pragma once

#include <filesystem>

namespace hyperconv {

/// Makes the folder and those above it where they are not there. Throws Error that names it.
void make_folder(const std::filesystem::path& folder);

}  // namespace hyperconv
