#include "tools/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "tools/spawn.hpp"

namespace hyperconv {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(20);

std::vector<std::string> environment_of(const ProgramCall& call) {
  std::vector<std::string> entries = own_environment();
  if (call.withheld)
    std::erase_if(entries, [&](const std::string& entry) {
      return call.withheld(entry.substr(0, entry.find('=')));
    });
  return entries;
}

pid_t start(const ProgramCall& call) {
  std::vector<std::string> arguments{"hyperconv"};
  arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor output = open_for_output(call.output), errors = open_for_output(call.errors);
  return spawn({.program = call.program,
                .arguments = std::move(arguments),
                .environment = environment_of(call),
                .input = nothing.get(),
                .output = output.get(),
                .errors = errors.get(),
                .last_signal = SIGTERM});
}

}  // namespace

int run_program(const ProgramCall& call) {
  const pid_t child = start(call);
  bool told = false;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) {
      const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (code == exit_not_run) fail("{}: cannot be run", call.program.string());
      return code;
    }
    if (ended < 0 && errno != EINTR) fail("a process is lost ({})", std::strerror(errno));
    if (interrupted() && !told) {
      ::kill(child, SIGTERM);
      told = true;
    }
    std::this_thread::sleep_for(poll_interval);
  }
}

}  // namespace hyperconv
