#include "tools/child.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "tools/spawn.hpp"

namespace hyperconv {
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
  Descriptor ours(ends[0]), its(ends[1]);
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
