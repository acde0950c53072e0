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

/// What the program finds itself in, beside its arguments.
struct Circumstances {
  std::string shell;   ///< what the shell does before, like "ulimit -f 1"
  std::string output;  ///< the file that stdout goes to, instead of Outcome::output
  std::string program = HYPERCONV_PROGRAM;
};

/// `hyperconv` with these arguments, which hold no single quotes.
inline Outcome run_program(const std::vector<std::string>& arguments,
                           const Circumstances& circumstances = {}) {
  const TemporaryFolder folder;
  std::string command = circumstances.shell.empty() ? "" : circumstances.shell + "; ";
  command += circumstances.program;
  for (const auto& argument : arguments) command += " '" + argument + "'";
  const auto out = folder / "out", err = folder / "err";
  write_file(out, std::string());
  const int status = std::system(
      (command + " </dev/null >" +
       (circumstances.output.empty() ? out.string() : circumstances.output) + " 2>" + err.string())
          .c_str());
  const auto text = [](const std::filesystem::path& path) {
    const auto bytes = read_file(path);
    return std::string(bytes.begin(), bytes.end());
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
}

}  // namespace hyperconv
