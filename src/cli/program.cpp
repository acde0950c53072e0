#include "cli/program.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "base/fail.hpp"
#include "base/file_error.hpp"
#include "base/interrupt.hpp"
#include "base/say.hpp"

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
  } catch (const std::system_error&) {
    // Of fmt::print, which does not say what it could not write to.
    if (std::ferror(stdout) == 0) throw;
  }
  // Mostly a full disk shows only now, or a closed pipe.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    fail("standard output cannot be written ({})", std::strerror(errno));
  return 0;
}

/// What cannot be thrown on ends the program here, as a failure like others: destructors of
/// libraries that need memory where there is none.
[[noreturn]] void end_as_failed() {
  guarded([]() -> int {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
    fail("ended by a library");
  });
  std::_Exit(exit_failed);
}

/// What others throw may go on with a list of calls (libtorch); one line is promised.
std::string first_line_of(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
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
  silence_libraries();
  catch_interrupts();
  std::set_terminate(end_as_failed);
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
    say("hyperconv: out of memory\n");
  } catch (const std::filesystem::filesystem_error& error) {
    say("hyperconv: {}\n", line_of(error));
  } catch (const std::system_error& error) {
    const bool threads = error.code() == std::errc::resource_unavailable_try_again;
    say("hyperconv: {}{}\n", threads ? "no thread can be started: " : "", error.what());
  } catch (const Error& error) {
    say("hyperconv: {}\n", error.what());
  } catch (const std::exception& error) {
    say("hyperconv: {}\n", first_line_of(error));
  } catch (...) {
    say("hyperconv: a library failed without saying why\n");
  }
  return exit_failed;
}

}  // namespace hyperconv::cli
