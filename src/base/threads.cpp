#include "base/threads.hpp"

#include <sched.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

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

class Threads::Impl {
 public:
  explicit Impl(int threads)
      : count(threads),
        arena(threads),
        limit(tbb::global_control::max_allowed_parallelism,
              size_t(std::max(threads, available_cores()))) {}

  const int count;
  tbb::task_arena arena;
  // oneTBB keeps to the number of cores unless told otherwise; a test wants seven threads on two.
  tbb::global_control limit;
};

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
  impl_->arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<int64_t>(0, tasks, 1),
        [&](const auto& range) {
          const WatchedThread watched(watch);
          for (int64_t i = range.begin(); i != range.end(); ++i) body(i);
        },
        tbb::simple_partitioner());
  });
}

}  // namespace hyperconv
