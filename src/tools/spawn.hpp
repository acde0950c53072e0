// How other programs begin and how processes end.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace hyperconv {

/// What another program begins with.
struct Spawn {
  std::filesystem::path program;         ///< PATH is not searched
  std::vector<std::string> arguments;    ///< with the program's own name
  std::vector<std::string> environment;  ///< "NAME=value"
  int input, output, errors;             ///< open files
  int last_signal;                       ///< what it gets when this process dies
  /// Where the machine runs out of memory, the system ends it before others' work.
  bool is_expendable = false;
};

/// The exit status of a program that could not be run.
inline constexpr int exit_not_run = 127;

/// Starts a program in a process group of its own; it is the caller's to wait for. Throws Error
/// where no process is to be had.
pid_t spawn(Spawn spawn);

/// This process's environment, "NAME=value".
std::vector<std::string> own_environment();

/// Opens for writing what a program says, and empties it. Throws Error when it cannot be.
Descriptor open_for_output(const std::filesystem::path& path);

/// Such as "ended with exit code 3", from the status that waitpid gives.
std::string how_it_ended(int status);

}  // namespace hyperconv
