// Other programs, and this one again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hyperconv {

struct ProgramCall {
  std::filesystem::path program;
  std::vector<std::string> arguments;    ///< without the program's own name
  std::filesystem::path output, errors;  ///< where its stdout and stderr go
  /// Variables of the environment, by name, that it does not get; none where empty.
  std::function<bool(const std::string& name)> withheld;
};

/// Runs it and waits; may be called from several threads. A Ctrl-C does not reach it directly: it
/// gets one SIGTERM when this process is interrupted, and is waited for. It gets SIGTERM too when
/// this process dies. Its exit status; 128 + n where signal n ended it. Throws Error when it cannot
/// be started.
int run_program(const ProgramCall& call);

/// The path by which a child of this process starts the same program, even where its file has been
/// replaced since.
inline constexpr const char* this_program = "/proc/self/exe";

}  // namespace hyperconv
