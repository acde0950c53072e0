// Feeds damaged inputs to every reader: hyperconv_fuzz [--seconds N | --runs N] [NAME ...]
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "targets.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace hyperconv::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// The input under way, for whoever reports its crash.
const Bytes* current = nullptr;
char crash_file[512] = "";

/// Safe in a signal handler.
void save_current() {
  if (current == nullptr) return;
  const int file = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  (void)!::write(file, current->data(), current->size());
  ::close(file);
  const char line[] = "\nfuzz: a fault; its input is in ";
  (void)!::write(STDERR_FILENO, line, sizeof line - 1);
  (void)!::write(STDERR_FILENO, crash_file, std::strlen(crash_file));
  (void)!::write(STDERR_FILENO, "\n", 1);
  current = nullptr;
}

void on_signal(int signal) {
  save_current();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Seconds of this process's work after which a signal ends it, and of the clock, which on a busy
/// machine are many more; 0: none.
void limit_time(unsigned seconds) {
  constexpr unsigned waits = 30;
  itimerval work{};
  work.it_value.tv_sec = seconds;
  ::setitimer(ITIMER_PROF, &work, nullptr);
  ::alarm(seconds * waits);
}

struct Tally {
  int64_t inputs = 0, accepted = 0;
};

/// False where something else is thrown than a reader may.
bool is_answered(const Target& target, const Bytes& bytes, Tally& tally) {
  current = &bytes;
  limit_time(seconds_allowed);
  bool right = true;
  try {
    ++tally.inputs;
    target.run(bytes);
    ++tally.accepted;
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  } catch (const std::exception& error) {
    fmt::print(stderr, "\nfuzz: {}: threw {}\n", target.name, error.what());
    save_current();
    right = false;
  }
  limit_time(0);
  current = nullptr;
  return right;
}

struct Arguments {
  std::vector<std::string> names, replay;
  int64_t seconds = 10, runs = 0;
  uint64_t seed = 1;
  std::string crashes = ".";
  bool list = false;
};

/// Sound inputs must be taken; then damaged ones.
bool fuzz(const Target& target, const Arguments& a) {
  std::snprintf(crash_file, sizeof crash_file, "%s/%s.crash", a.crashes.c_str(),
                target.name.c_str());
  Random random(a.seed);
  Tally tally;
  for (const Bytes& seed : target.seeds)
    if (!is_answered(target, seed, tally)) return false;
  if (target.seeds_are_sound && tally.accepted < tally.inputs) {
    fmt::print(stderr, "fuzz: {}: a sound input was refused\n", target.name);
    return false;
  }
  const auto start = Clock::now();
  const auto goes_on = [&] {
    if (a.runs > 0) return tally.inputs < a.runs;
    return Clock::now() - start < std::chrono::seconds(a.seconds);
  };
  const auto any = [&]() -> const Bytes& {
    return target.seeds[size_t(random.below(int64_t(target.seeds.size())))];
  };
  while (goes_on())
    if (!is_answered(target, mutated(any(), any(), target.words, random), tally)) return false;
  fmt::print("{:<12} {:>9} inputs, {:>8} taken, seed {}: no fault\n", target.name, tally.inputs,
             tally.accepted, a.seed);
  std::fflush(stdout);
  return true;
}

/// Files whose names begin with a target's, like "png-1.bin".
bool replay(const std::vector<Target>& targets, const fs::path& path) {
  const std::string name = path.filename().string();
  Tally tally;
  for (const Target& target : targets)
    if (name.starts_with(target.name + "-")) {
      std::snprintf(crash_file, sizeof crash_file, "%s.again", path.c_str());
      return is_answered(target, read_file(path), tally);
    }
  fail("{}: its name begins with no target's, as in png-1.bin", path.string());
}

int run(const Arguments& a) {
  const std::vector<Target> targets = all_targets();
  if (a.list) {
    for (const Target& target : targets) fmt::print("{:<12} {}\n", target.name, target.summary);
    return 0;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGPROF})
    std::signal(signal, on_signal);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(save_current);
#endif
  bool sound = true;
  for (const std::string& path : a.replay) sound &= replay(targets, path);
  if (!a.replay.empty()) return sound ? 0 : 1;
  for (const std::string& name : a.names)
    if (std::ranges::none_of(targets, [&](const Target& t) { return t.name == name; }))
      fail("{}: no target is called so; --list shows all", name);
  for (const Target& target : targets)
    if (a.names.empty() || std::ranges::find(a.names, target.name) != a.names.end())
      sound &= fuzz(target, a);
  return sound ? 0 : 1;
}

}  // namespace
}  // namespace hyperconv::fuzz

int main(int argc, char** argv) {
  hyperconv::fuzz::Arguments a;
  CLI::App program(
      "Feeds damaged inputs to hyperconv's readers; exit code 1 where one is not stood");
  program.add_option("NAME", a.names, "Targets (default: all)");
  program.add_option("--seconds", a.seconds, "For each target (default 10)");
  program.add_option("--runs", a.runs, "Inputs for each target, instead of seconds");
  program.add_option("--seed", a.seed, "Of the damage (default 1)");
  program.add_option("--crashes", a.crashes, "Folder for the input of a fault (default: this one)");
  program.add_option("--replay", a.replay, "Files, NAME-*: these instead");
  program.add_flag("--list", a.list, "Say what the targets are");
  CLI11_PARSE(program, argc, argv);
  try {
    return hyperconv::fuzz::run(a);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fuzz: {}\n", error.what());
    return 1;
  }
}
