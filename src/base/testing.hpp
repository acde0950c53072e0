// What tests of several rooms need. Not part of the library.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.hpp"

namespace hyperconv {

/// The folder of test images that is not in git: $HYPERCONV_DATA, or ../shared/data beside the
/// checkout. Nothing where neither exists: the test then skips and says so.
inline std::optional<std::filesystem::path> shared_data() {
  const char* named = std::getenv("HYPERCONV_DATA");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named)
                       : std::filesystem::path(HYPERCONV_SOURCE_DIR) / ".." / "shared" / "data";
  if (!std::filesystem::is_directory(folder)) return std::nullopt;
  return folder;
}

}  // namespace hyperconv
