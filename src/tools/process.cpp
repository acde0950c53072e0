#include "tools/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <thread>
#include <utility>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

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

/// Starts a program in a process group of its own; it is the caller's to wait for. Throws Error
/// where no process is to be had.
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

/// This process's environment, "NAME=value".
std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

/// Opens for writing what a program says, and empties it. Throws Error when it cannot be.
FileDescriptor open_for_output(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.is_open()) fail("{}: cannot be written ({})", path.string(), std::strerror(errno));
  return file;
}

/// Such as "ended with exit code 3", from the status that waitpid gives.
std::string how_it_ended(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    return "was killed: the machine may have run out of memory";
  if (WIFSIGNALED(status)) return fmt::format("ended with signal {}", WTERMSIG(status));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

/// Ours, without what the given ones set anew.
std::vector<std::string> environment_with(std::vector<std::string> given) {
  const size_t count = given.size();
  for (const std::string& entry : own_environment()) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    bool is_given = false;
    for (size_t i = 0; i < count; ++i) is_given = is_given || given[i].starts_with(name);
    if (!is_given) given.push_back(entry);
  }
  return given;
}

/// Both ends of a connection. A socket and not a pipe: writing to a program that has ended is then
/// an error and no signal.
std::array<FileDescriptor, 2> connection() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail("no connection to another process is to be had ({})", std::strerror(errno));
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

Process::Process(const ProcessStart& start) : name_(start.name), messages_(start.messages) {
  if (::access(start.arguments.at(0).c_str(), X_OK) != 0)
    fail("{}: {} cannot be run ({})", name_, start.arguments[0], std::strerror(errno));
  const FileDescriptor messages = open_for_output(messages_);
  auto [ours, its] = connection();
  id_ = spawn({.program = start.arguments[0],
               .arguments = start.arguments,
               .environment = environment_with(start.environment),
               .input = its.get(),
               .output = its.get(),
               .errors = messages.get(),
               .last_signal = SIGKILL,
               .is_expendable = true});
  socket_ = std::move(ours);
}

Process::~Process() { end(); }

Process::Process(Process&& other) noexcept
    : name_(std::move(other.name_)),
      messages_(std::move(other.messages_)),
      id_(std::exchange(other.id_, -1)),
      socket_(std::move(other.socket_)),
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
  socket_.close();
  if (id_ <= 0) return;
  ::kill(-id_, SIGKILL);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

std::string Process::ask(const std::string& line) {
  const std::string text = line + '\n';
  for (size_t done = 0; done < text.size();) {
    const ssize_t sent =
        ::send(socket_.get(), text.data() + done, text.size() - done, MSG_NOSIGNAL);
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
    pollfd wanted{socket_.get(), POLLIN, 0};
    if (::poll(&wanted, 1, patience_ms) <= 0) continue;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
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
  return fmt::format("{} {}{}{}", name_, how_it_ended(status), said.empty() ? "" : ": ", said);
}

std::string last_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last;
}

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
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor output = open_for_output(call.output), errors = open_for_output(call.errors);
  return spawn({.program = call.program,
                .arguments = std::move(arguments),
                .environment = environment_of(call),
                .input = nothing.get(),
                .output = output.get(),
                .errors = errors.get(),
                .last_signal = SIGTERM});
}

}  // namespace

int run_and_wait(const ProgramCall& call) {
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

namespace {

// The first byte of what a child says.
constexpr char returned = 'r', threw = 't';

void write_all(int pipe, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(pipe, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the parent is gone
    done += size_t(written);
  }
}

std::string read_all(int pipe) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(pipe, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), size_t(got));
  }
}

[[noreturn]] void be_the_child(int pipe, const std::function<std::string()>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string said;
  try {
    said = returned + work();
  } catch (const std::bad_alloc&) {
    said = std::string(1, threw) + "out of memory";
  } catch (const std::exception& error) {
    said = threw + std::string(error.what());
  }
  write_all(pipe, said);
  // Not exit(): what the parent has buffered or registered is the parent's.
  ::_exit(0);
}

}  // namespace

ChildOutcome run_in_child(const std::function<std::string()>& work) {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) fail("no pipe is to be had ({})", std::strerror(errno));
  FileDescriptor ours(ends[0]), its(ends[1]);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail("no process is to be had ({})", std::strerror(errno));
  if (child == 0) {
    ours.close();
    be_the_child(its.get(), work);
  }
  its.close();
  const std::string said = read_all(ours.get());
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  throw_if_interrupted();
  if (said.empty()) fail("a child process {}", how_it_ended(status));
  if (said[0] == threw) throw Error(said.substr(1));
  return {said.substr(1), size_t(usage.ru_maxrss) * 1024};
}

}  // namespace hyperconv
