#include "tools/process.hpp"

#include <poll.h>
#include <signal.h>
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
#include "tools/spawn.hpp"

namespace hyperconv {
namespace {

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
std::array<Descriptor, 2> connection() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail("no connection to another process is to be had ({})", std::strerror(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

Process::Process(const ProcessStart& start) : name_(start.name), messages_(start.messages) {
  if (::access(start.arguments.at(0).c_str(), X_OK) != 0)
    fail("{}: {} cannot be run ({})", name_, start.arguments[0], std::strerror(errno));
  const Descriptor messages = open_for_output(messages_);
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

}  // namespace hyperconv
