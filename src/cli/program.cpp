#include "cli/program.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv::cli {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int parse(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version arrive here too, with exit code 0.
    return program.exit(error) == 0 ? 0 : exit_usage;
  }
  // Only now does a full disk show, or a closed pipe.
  if (std::fflush(stdout) != 0)
    fail("standard output cannot be written ({})", std::strerror(errno));
  return 0;
}

}  // namespace

void set_up(CLI::App& program) {
  program.description(
      "hyperconv: camera RAW in, clean photo out, with networks whose filters are predicted from "
      "the photo");
  program.set_version_flag("--version", std::string("hyperconv ") + HYPERCONV_VERSION);
  program.require_subcommand(1);
}

int run_commands(int argc, char** argv, const std::function<void(CLI::App&)>& add_commands) {
  catch_interrupts();
  // A file that would grow beyond the shell's limit is a disk that is full: an error, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  return guarded([&] {
    CLI::App program;
    set_up(program);
    add_commands(program);
    return parse(program, argc, argv);
  });
}

void leave(int code) {
  std::cout.flush();
  std::fflush(nullptr);
#ifdef __SANITIZE_ADDRESS__
  std::exit(code);  // where leaks are looked for
#else
  std::_Exit(code);
#endif
}

int guarded(const std::function<int()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hyperconv: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "hyperconv: {}\n", error.what());
  }
  return exit_failed;
}

}  // namespace hyperconv::cli
