#include "tools/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

/// The list that execve wants.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

void volunteer_for_the_end() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t ignored = ::write(file, "1000", 4);
  ::close(file);
}

/// What the child does between fork and exec: nothing that a fork of several threads forbids, so no
/// memory is allocated.
[[noreturn]] void become(const Spawn& spawn, char* const* arguments, char* const* environment,
                         pid_t parent) {
  ::setpgid(0, 0);
  if (spawn.is_expendable) volunteer_for_the_end();
  ::prctl(PR_SET_PDEATHSIG, spawn.last_signal);
  // The parent may have ended before it was asked about.
  if (::getppid() != parent) ::_exit(exit_not_run);
  ::dup2(spawn.input, STDIN_FILENO);
  ::dup2(spawn.output, STDOUT_FILENO);
  ::dup2(spawn.errors, STDERR_FILENO);
  ::execve(spawn.program.c_str(), arguments, environment);
  ::_exit(exit_not_run);
}

}  // namespace

pid_t spawn(Spawn spawn) {
  const std::vector<char*> arguments = pointers(spawn.arguments);
  const std::vector<char*> environment = pointers(spawn.environment);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(spawn, arguments.data(), environment.data(), parent);
  if (child < 0) fail("no process is to be had ({})", std::strerror(errno));
  // Also here: a signal to the group may be sent before the child has made it.
  ::setpgid(child, child);
  return child;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

Descriptor open_for_output(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.is_open()) fail("{}: cannot be written ({})", path.string(), std::strerror(errno));
  return file;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    return "was killed: the machine may have run out of memory";
  if (WIFSIGNALED(status)) return fmt::format("ended with signal {}", WTERMSIG(status));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace hyperconv
