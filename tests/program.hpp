// Runs the program as a user would.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/testing.hpp"

namespace hyperconv {

struct Outcome {
  int status = 0;
  std::string output, errors;
};

/// `hyperconv` with these arguments, which hold no single quotes.
inline Outcome run_program(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  std::string command = HYPERCONV_PROGRAM;
  for (const auto& argument : arguments) command += " '" + argument + "'";
  const auto out = folder / "out", err = folder / "err";
  const int status =
      std::system((command + " </dev/null >" + out.string() + " 2>" + err.string()).c_str());
  const auto text = [](const std::filesystem::path& path) {
    const auto bytes = read_file(path);
    return std::string(bytes.begin(), bytes.end());
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
}

}  // namespace hyperconv
