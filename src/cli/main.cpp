// The program: parses, dispatches, and turns errors into one line and an exit code.
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "cli/commands.hpp"
#include "hyperconv/error.hpp"

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int run(int argc, char** argv) {
  CLI::App program(
      "hyperconv: camera RAW in, clean photo out, with networks whose filters are predicted from "
      "the "
      "photo");
  program.set_version_flag("--version", std::string("hyperconv ") + HYPERCONV_VERSION);
  program.require_subcommand(1);
  using namespace hyperconv::cli;
  add_convert(program);
  add_enhance(program);
  add_evaluate(program);
  add_export(program);
  if constexpr (HYPERCONV_HAS_TRAINING) add_train(program);
  add_profile(program);
  add_bench(program);
  add_study(program);
  add_compare(program);
  add_simulate(program);
  add_info(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version arrive here too, with exit code 0.
    return program.exit(error) == 0 ? 0 : exit_usage;
  }
  // Only now does a full disk show, or a closed pipe.
  if (std::fflush(stdout) != 0)
    hyperconv::fail("standard output cannot be written ({})", std::strerror(errno));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  hyperconv::catch_interrupts();
  // A file that would grow beyond the shell's limit is a disk that is full: an error, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hyperconv: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "hyperconv: {}\n", error.what());
  }
  return exit_failed;
}
