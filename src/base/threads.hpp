// A thread pool for loops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace hyperconv {

/// Cores this process may use: its affinity mask, and OMP_NUM_THREADS where that is smaller.
int available_cores();

/// A fixed number of threads (the caller is one of them) that share loops.
class Threads {
 public:
  /// 0: available_cores().
  explicit Threads(int count = 0);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const;

  /// Calls body(i) once for every i in [0, tasks), in any order and on any thread; returns when all
  /// are done. The first exception is thrown again here. The threads work under the caller's watch
  /// (base/watch.hpp).
  void parallel_for(int64_t tasks, const std::function<void(int64_t)>& body);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
