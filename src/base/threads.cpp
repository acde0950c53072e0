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
#include <thread>
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

class Threads::Impl {
 public:
  explicit Impl(int threads)
      : count(threads),
        arena(threads),
        limit(tbb::global_control::max_allowed_parallelism,
              size_t(std::max(threads, available_cores()))) {}

  void run(int64_t tasks, const std::function<void(int64_t)>& body) {
    arena.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<int64_t>(0, tasks, 1),
          [&](const auto& range) {
            for (int64_t i = range.begin(); i != range.end(); ++i) body(i);
          },
          tbb::simple_partitioner());
    });
  }

  const int count;
  tbb::task_arena arena;
  // oneTBB keeps to the number of cores unless told otherwise; a test wants seven threads on two.
  tbb::global_control limit;
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
