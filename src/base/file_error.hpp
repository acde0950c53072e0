// What the standard library's functions of files throw, as a line of ours.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

namespace hyperconv {

/// The file and why: "photos/a.dng: Too many levels of symbolic links".
inline std::string line_of(const std::filesystem::filesystem_error& error) {
  return fmt::format("{}: {}", error.path1().string(), error.code().message());
}

}  // namespace hyperconv
