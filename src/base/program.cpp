#include "base/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(20);
constexpr int cannot_start = 127;

std::vector<std::string> environment_of(const ProgramCall& call) {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!call.withheld || !call.withheld(text.substr(0, text.find('=')))) kept.push_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

int opened(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("{}: cannot be written ({})", path.string(), std::strerror(errno));
  return file;
}

/// What the child does between fork and exec: nothing that a fork of several threads forbids.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment,
                         int output, int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execve(program, arguments, environment);
  ::_exit(cannot_start);
}

pid_t start(const ProgramCall& call) {
  std::vector<std::string> arguments{"hyperconv"};
  arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
  std::vector<std::string> environment = environment_of(call);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  const int output = opened(call.output), errors = opened(call.errors);
  const pid_t child = ::fork();
  if (child == 0) become(call.program.c_str(), argv.data(), envp.data(), output, errors);
  ::close(output);
  ::close(errors);
  if (child < 0) fail("no process is to be had ({})", std::strerror(errno));
  return child;
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
      if (code == cannot_start) fail("{}: cannot be run", call.program.string());
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
