// Runs the program as a shell would.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "base/file.hpp"
#include "base/testing.hpp"

namespace hyperconv {

/// What became of a run.
struct Outcome {
  int code = 0;
  std::string output;  ///< stdout
  std::string errors;  ///< stderr
};

/// `arguments` go through the shell.
inline Outcome run_program(const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string command = std::string(HYPERCONV_PROGRAM) + " " + arguments + " >" +
                              (folder / "output").string() + " 2>" + (folder / "errors").string();
  const int status = std::system(command.c_str());
  const auto text = [&](const char* name) {
    const auto bytes = read_file(folder / name);
    return std::string(bytes.begin(), bytes.end());
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("output"), text("errors")};
}

}  // namespace hyperconv
