#include "cli/at_once.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "base/fail.hpp"
#include "base/file_error.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/threads.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

/// Ctrl-C wakes nobody who waits.
constexpr auto look_again = std::chrono::milliseconds(50);

void make_folder_of(const Job& job) {
  std::error_code error;
  fs::create_directories(job.output.parent_path(), error);
  if (error)
    fail("{}: the folder {} cannot be made ({})", job.input.string(),
         job.output.parent_path().string(), error.message());
}

/// As much as one photo may take by itself (PartRunner).
int64_t memory_for_photos() { return available_memory_bytes() / 4 * 3; }

}  // namespace

std::shared_ptr<void> MemoryGate::enter(int64_t bytes) {
  std::unique_lock lock(mutex_);
  while (within_ > 0 && taken_ + bytes > room_) {
    throw_if_interrupted();
    left_.wait_for(lock, look_again);
  }
  ++within_;
  taken_ += bytes;
  return {nullptr, [this, bytes](void*) {
            const std::lock_guard guard(mutex_);
            --within_;
            taken_ -= bytes;
            left_.notify_all();
          }};
}

int usual_at_once() {
  const int cores = available_cores();
  constexpr int fewest = 3, most = 8;  // docs/performance.md
  return cores == 1 ? 1 : std::clamp(cores / 4, fewest, most);
}

/// The state that the threads of one run share.
class AtOnce::Run {
 public:
  /// Of jobs that follow `before` others.
  Run(const EnhanceArguments& arguments, const std::vector<Job>& jobs, size_t before,
      const Listener& listener)
      : arguments_(arguments),
        jobs_(jobs),
        before_(before),
        listener_(listener),
        done_(jobs.size()) {}

  /// One photo after the other, by this thread.
  void alone(Enhancer& enhancer) {
    for (size_t i = 0; i < jobs_.size(); ++i) {
      listener_.begins(before_ + i, jobs_[i]);
      listener_.ends(jobs_[i], done_by(enhancer, jobs_[i]));
    }
  }

  void together(const std::vector<std::unique_ptr<Enhancer>>& enhancers) {
    std::vector<std::jthread> threads;
    try {
      for (const auto& enhancer : enhancers)
        threads.emplace_back([this, &enhancer] { work(*enhancer); });
    } catch (const std::system_error&) {
      // Fewer than wanted do as well.
      if (threads.empty()) throw;
    }
    listen(int(threads.size()));
    threads.clear();
    tell_the_rest();
    if (error_) std::rethrow_exception(error_);
    throw_if_interrupted();
  }

 private:
  /// Throws where the process is to end.
  Done done_by(Enhancer& enhancer, const Job& job) const {
    Done done;
    enhancer.on_warning([&done](std::string line) { done.warnings.push_back(std::move(line)); });
    try {
      if (arguments_.recursive) make_folder_of(job);
      done.outcome = enhancer.enhance(job, true);
    } catch (const std::exception& error) {
      if (interrupted()) throw;
      done.failure = line_about(job, error);
    }
    enhancer.on_warning({});
    return done;
  }

  void work(Enhancer& enhancer) {
    try {
      for (size_t i = 0; !interrupted() && (i = next_++) < jobs_.size();) {
        change([&] { latest_ = i; });
        Done done = done_by(enhancer, jobs_[i]);
        change([&] { done_[i] = std::move(done); });
      }
    } catch (...) {
      next_ = jobs_.size();
      change([&] {
        if (!error_) error_ = std::current_exception();
      });
    }
    change([&] { ++ended_threads_; });
  }

  template <class Change>
  void change(const Change& make) {
    {
      const std::lock_guard lock(mutex_);
      make();
    }
    changed_.notify_all();
  }

  /// Until all threads have ended.
  void listen(int threads) {
    std::unique_lock lock(mutex_);
    while (ended_threads_ < threads) {
      changed_.wait_for(lock, look_again);
      tell_ready(lock);
      if (latest_) {
        const size_t latest = *std::exchange(latest_, std::nullopt);
        const size_t told = before_ + told_;
        lock.unlock();
        listener_.begins(told, jobs_[latest]);
        lock.lock();
      }
    }
  }

  /// Those that are done and have nothing undone before them.
  void tell_ready(std::unique_lock<std::mutex>& lock) {
    while (told_ < jobs_.size() && done_[told_]) {
      Done done = std::move(*done_[told_]);
      const Job& job = jobs_[told_++];
      lock.unlock();
      listener_.ends(job, std::move(done));
      lock.lock();
    }
  }

  /// After Ctrl-C one may be done before another that is not.
  void tell_the_rest() {
    for (; told_ < jobs_.size(); ++told_)
      if (done_[told_]) listener_.ends(jobs_[told_], std::move(*done_[told_]));
  }

  const EnhanceArguments& arguments_;
  const std::vector<Job>& jobs_;
  size_t before_;
  const Listener& listener_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  // All under the mutex.
  std::vector<std::optional<Done>> done_;
  std::optional<size_t> latest_;
  std::exception_ptr error_;
  size_t told_ = 0;
  int ended_threads_ = 0;
};

AtOnce::AtOnce(const EnhanceArguments& arguments, Enhancer& alone, int count)
    : arguments_(arguments), with_share_(arguments), gate_(memory_for_photos()), alone_(alone) {
  if (count == 1) return;
  const int threads = arguments.engine.threads > 0 ? arguments.engine.threads : available_cores();
  with_share_.engine.threads = with_share_.write.threads = std::max(1, threads / count);
  for (int i = 0; i < count; ++i) {
    together_.push_back(std::make_unique<Enhancer>(with_share_));
    together_.back()->on_memory([this](int64_t bytes) { return gate_.enter(bytes); });
  }
}

void AtOnce::run(const std::vector<Job>& jobs, const Listener& listener) {
  const size_t left = together_.empty() ? jobs.size() : jobs.size() % together_.size();
  const auto begin_left = jobs.end() - std::ptrdiff_t(left);
  const std::vector<Job> many(jobs.begin(), begin_left), few(begin_left, jobs.end());
  if (!many.empty()) Run(arguments_, many, 0, listener).together(together_);
  Run(arguments_, few, many.size(), listener).alone(alone_);
}

std::string line_about(const Job& job, const std::exception& error) {
  if (dynamic_cast<const Error*>(&error) != nullptr) return error.what();
  if (const auto* file = dynamic_cast<const fs::filesystem_error*>(&error))
    return file->path1() == job.input ? line_of(*file)
                                      : fmt::format("{}: {}", job.input.string(), line_of(*file));
  const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  return fmt::format("{}: {}", job.input.string(),
                     memory ? "there is not memory enough" : error.what());
}

}  // namespace hyperconv::cli
