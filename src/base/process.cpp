#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

/// The lists that execve wants, made before the fork: the child of a process with threads must not
/// allocate.
class Strings {
 public:
  explicit Strings(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char** data() { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

/// Ours, without what the given ones set anew.
std::vector<std::string> environment_with(std::vector<std::string> given) {
  const size_t count = given.size();
  for (char** ours = environ; *ours != nullptr; ++ours) {
    const std::string entry = *ours;
    const std::string name = entry.substr(0, entry.find('=') + 1);
    bool is_given = false;
    for (size_t i = 0; i < count; ++i) is_given = is_given || given[i].starts_with(name);
    if (!is_given) given.push_back(entry);
  }
  return given;
}

/// Both ends of a connection. A socket and not a pipe: writing to a program that has ended is then
/// an error and no signal.
std::array<int, 2> connection() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail("no connection to another process is to be had ({})", std::strerror(errno));
  return ends;
}

constexpr int exit_not_started = 127;

/// Where memory is short, the system ends this one before others' work.
void volunteer_for_the_end() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  const ssize_t ignored = ::write(file, "1000", 4);
  static_cast<void>(ignored);
  ::close(file);
}

[[noreturn]] void become(char** arguments, char** environment, int lines, int messages,
                         pid_t parent) {
  ::setpgid(0, 0);
  volunteer_for_the_end();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before it was asked about.
  if (::getppid() != parent) ::_exit(exit_not_started);
  ::dup2(lines, STDIN_FILENO);
  ::dup2(lines, STDOUT_FILENO);
  ::dup2(messages, STDERR_FILENO);
  ::execve(arguments[0], arguments, environment);
  ::_exit(exit_not_started);
}

}  // namespace

Process::Process(const ProcessStart& start) : name_(start.name), messages_(start.messages) {
  if (::access(start.arguments.at(0).c_str(), X_OK) != 0)
    fail("{}: {} cannot be run ({})", name_, start.arguments[0], std::strerror(errno));
  Strings arguments(start.arguments), environment(environment_with(start.environment));
  const int messages = ::open(messages_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (messages < 0) fail("{}: cannot be written ({})", messages_.string(), std::strerror(errno));
  const auto [ours, its] = connection();
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ == 0) become(arguments.data(), environment.data(), its, messages, parent);
  ::close(its);
  ::close(messages);
  socket_ = ours;
  if (id_ < 0) {
    ::close(ours);
    fail("{}: no process is to be had ({})", name_, std::strerror(errno));
  }
  // Also here: a signal to the group may be sent before the child has made it.
  ::setpgid(id_, id_);
}

Process::~Process() { end(); }

Process::Process(Process&& other) noexcept
    : name_(std::move(other.name_)),
      messages_(std::move(other.messages_)),
      id_(std::exchange(other.id_, -1)),
      socket_(std::exchange(other.socket_, -1)),
      unread_(std::move(other.unread_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(messages_, other.messages_);
  std::swap(id_, other.id_);
  std::swap(socket_, other.socket_);
  std::swap(unread_, other.unread_);
  return *this;
}

void Process::end() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  if (id_ <= 0) return;
  ::kill(-id_, SIGKILL);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

std::string Process::ask(const std::string& line) {
  const std::string text = line + '\n';
  for (size_t done = 0; done < text.size();) {
    const ssize_t sent = ::send(socket_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw Error(ending());
    done += size_t(sent);
  }
  return read_line();
}

std::string Process::read_line() {
  constexpr int patience_ms = 100;  // between two looks at the user's wish
  std::array<char, 4096> buffer;
  for (;;) {
    if (const size_t end_of_line = unread_.find('\n'); end_of_line != std::string::npos) {
      const std::string line = unread_.substr(0, end_of_line);
      unread_.erase(0, end_of_line + 1);
      return line;
    }
    throw_if_interrupted();
    pollfd wanted{socket_, POLLIN, 0};
    if (::poll(&wanted, 1, patience_ms) <= 0) continue;
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Error(ending());
    unread_.append(buffer.data(), size_t(got));
  }
}

void Process::pause() { ::kill(-id_, SIGSTOP); }
void Process::resume() { ::kill(-id_, SIGCONT); }

/// It has closed its end: it has ended, or is about to.
std::string Process::ending() {
  constexpr int tries = 50, pause_us = 20'000;
  int status = 0;
  pid_t ended = 0;
  for (int i = 0; i < tries && ended == 0; ++i) {
    ended = ::waitpid(id_, &status, WNOHANG);
    if (ended == 0) ::usleep(pause_us);
  }
  if (ended == 0) return fmt::format("{} stopped answering", name_);
  ::kill(-id_, SIGKILL);  // what it has started
  id_ = -1;
  const std::string said = last_line(messages_);
  const std::string how = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                              ? "was killed: the machine may have run out of memory"
                          : WIFSIGNALED(status)
                              ? fmt::format("ended with signal {}", WTERMSIG(status))
                              : fmt::format("ended with exit code {}", WEXITSTATUS(status));
  return fmt::format("{} {}{}{}", name_, how, said.empty() ? "" : ": ", said);
}

std::string last_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last;
}

}  // namespace hyperconv
