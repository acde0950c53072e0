// What tests of several rooms need. Not part of the library.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "hyperconv/error.hpp"

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

/// The line that `action` fails with; a test failure where it does not.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

inline std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// Every file below a folder by its path in there, with its bytes.
inline std::map<std::string, std::vector<uint8_t>> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::vector<uint8_t>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  return files;
}

}  // namespace hyperconv
