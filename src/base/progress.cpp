#include "base/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/say.hpp"

namespace hyperconv {
namespace {

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

double seconds_between(std::chrono::steady_clock::time_point a,
                       std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

/// A file may be called anything, and the terminal would obey.
std::string printable(std::string text) {
  for (char& c : text)
    if (uint8_t(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace

Progress::Progress(std::string what, int64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(::isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (!drawn_) return;
  say("\r\033[K");
  drawn_ = false;
}

void Progress::show(int64_t done, const std::string& note) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && done < total_ && seconds_between(last_, now) < 0.1) return;
  last_ = now;
  drawn_ = true;
  const double elapsed = seconds_between(start_, now);
  const std::string left =
      done > 0 ? fmt::format(" {} left", duration(elapsed / double(done) * double(total_ - done)))
               : "";
  say("\r\033[K{} {}/{}{} {}", what_, done, total_, left, printable(note));
}

}  // namespace hyperconv
