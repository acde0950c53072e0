#include "base/interrupt.hpp"

#include <csignal>

#include "base/fail.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

volatile std::sig_atomic_t flag = 0;

void on_signal(int signal) {
  if (flag != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  flag = 1;
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() { return flag != 0; }

bool should_stop() {
  const Watch* watch = Watch::current();
  return interrupted() || (watch != nullptr && watch->cancelled());
}

void throw_if_interrupted() {
  if (interrupted()) throw Error("interrupted", ErrorCode::cancelled);
  if (should_stop()) throw Error("cancelled", ErrorCode::cancelled);
}

void set_interrupted(bool value) { flag = value ? 1 : 0; }

}  // namespace hyperconv
