#include "base/threads.hpp"

#include <sched.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/watch.hpp"

namespace hyperconv {

int available_cores() {
  int cores = int(std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  if (const char* wish = std::getenv("OMP_NUM_THREADS")) {
    const int count = std::atoi(wish);
    if (count > 0) cores = std::min(cores, count);
  }
  return std::max(cores, 1);
}

#ifdef __SANITIZE_THREAD__

// The thread sanitizer does not see what orders the threads of oneTBB, whose library is not
// compiled for it: here they are the standard library's, new ones for every loop.
class Threads::Impl {
 public:
  explicit Impl(int threads) : count(threads) {}

  void run(int64_t tasks, const std::function<void(int64_t)>& body) const {
    std::atomic<int64_t> next = 0;
    std::atomic<bool> failed = false;
    std::exception_ptr error;
    const auto work = [&] {
      try {
        for (int64_t i = next++; i < tasks && !failed; i = next++) body(i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    };
    {
      std::vector<std::jthread> others;
      for (int64_t i = 1; i < std::min<int64_t>(count, tasks); ++i) others.emplace_back(work);
      work();
    }
    if (error) std::rethrow_exception(error);
  }

  const int count;
};

#else

/// oneTBB's arenas, kept and used again: 2021.8 does not give back all memory of an arena that is
/// destroyed, and a batch needs some for each photo. Lives as long as the process.
class TaskArenas {
 public:
  using Pointer = std::unique_ptr<tbb::task_arena>;

  static TaskArenas& all() {
    static TaskArenas& arenas = *new TaskArenas;
    return arenas;
  }

  Pointer borrow(int threads) {
    const std::lock_guard lock(mutex_);
    Free& free = free_[threads];
    if (free.arenas.empty()) {
      free.arenas.reserve(++free.made);
      return std::make_unique<tbb::task_arena>(threads);
    }
    Pointer arena = std::move(free.arenas.back());
    free.arenas.pop_back();
    return arena;
  }

  void give_back(int threads, Pointer arena) noexcept {
    const std::lock_guard lock(mutex_);
    free_.find(threads)->second.arenas.push_back(std::move(arena));
  }

 private:
  struct Free {
    std::vector<Pointer> arenas;  ///< has room for all that were made
    size_t made = 0;
  };
  std::mutex mutex_;
  std::map<int, Free> free_;  ///< by the number of threads
};

class Threads::Impl {
 public:
  explicit Impl(int threads)
      : count(threads),
        limit_(tbb::global_control::max_allowed_parallelism,
               size_t(std::max(threads, available_cores()))) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { TaskArenas::all().give_back(count, std::move(arena_)); }

  void run(int64_t tasks, const std::function<void(int64_t)>& body) {
    arena_->execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<int64_t>(0, tasks, 1),
          [&](const auto& range) {
            for (int64_t i = range.begin(); i != range.end(); ++i) body(i);
          },
          tbb::simple_partitioner());
    });
  }

  const int count;

 private:
  // oneTBB keeps to the number of cores unless told otherwise; a test wants seven threads on two.
  tbb::global_control limit_;
  TaskArenas::Pointer arena_ = TaskArenas::all().borrow(count);
};

#endif

Threads::Threads(int count)
    : impl_(std::make_unique<Impl>(count > 0 ? count : available_cores())) {}
Threads::~Threads() = default;

int Threads::count() const { return impl_->count; }

void Threads::parallel_for(int64_t tasks, const std::function<void(int64_t)>& body) {
  if (impl_->count == 1 || tasks <= 1) {
    for (int64_t i = 0; i < tasks; ++i) body(i);
    return;
  }
  Watch* const watch = Watch::current();
  impl_->run(tasks, [&](int64_t i) {
    const WatchedThread watched(watch);
    body(i);
  });
}

}  // namespace hyperconv
