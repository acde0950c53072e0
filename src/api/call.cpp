#include "api/call.hpp"

#include <chrono>
#include <filesystem>
#include <future>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/fail.hpp"
#include "base/file_error.hpp"
#include "base/interrupt.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

using namespace std::chrono_literals;

// How often a callback is asked, and who waits for a turn looks up.
constexpr auto interval = 20ms;

/// Tells the callback until the work is done.
void tell(const ProgressCallback& progress, Watch& watch, std::future<void>& work) {
  while (work.wait_for(interval) != std::future_status::ready)
    if (!progress(watch.done())) watch.cancel();
}

std::future<void> started(Watch& watch, const std::function<void()>& work) {
  try {
    return std::async(std::launch::async, [&] {
      const WatchedThread watched(&watch);
      translated(work);
    });
  } catch (const std::system_error& error) {
    fail_as(ErrorCode::out_of_memory, "no thread can be started ({})", error.what());
  }
}

}  // namespace

void translated(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    fail_as(ErrorCode::out_of_memory, "out of memory");
  } catch (const std::length_error&) {
    fail_as(ErrorCode::out_of_memory, "more memory is needed than there is");
  } catch (const std::filesystem::filesystem_error& error) {
    fail_as(ErrorCode::io, "{}", line_of(error));
  } catch (const std::system_error& error) {
    fail_as(ErrorCode::io, "{}", error.what());
  }
}

void reading(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_argument) throw;
    throw Error(error.what(), ErrorCode::bad_file);
  }
}

void watched(const ProgressCallback& progress, const std::function<void()>& work) {
  if (!progress) {
    translated(work);
    return;
  }
  if (!progress(0)) throw Error("cancelled", ErrorCode::cancelled);
  Watch watch;
  auto done = started(watch, work);
  try {
    tell(progress, watch, done);
  } catch (...) {
    watch.cancel();
    done.wait();
    throw;
  }
  done.get();
  progress(1);
}

Turn::Turn(std::timed_mutex& mutex) : lock_(mutex, std::defer_lock) {
  while (!lock_.try_lock_for(interval)) throw_if_interrupted();
}

void check_options(const Options& options) {
  if (options.threads < 0 || options.threads > 1024)
    fail("{} threads cannot be; 1 to 1024 can, and 0 for all cores", options.threads);
  if (options.memory && *options.memory <= 0)
    fail("{} bytes of memory cannot be; more than 0 can", *options.memory);
}

void check_not_same(const std::filesystem::path& in, const std::filesystem::path& out) {
  std::error_code ignored;
  if (std::filesystem::equivalent(in, out, ignored))
    fail("{}: is read and would be written; name another output", out.string());
}

}  // namespace hyperconv
