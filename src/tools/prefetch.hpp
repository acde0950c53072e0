// Work that is done in background threads before it is asked for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

namespace hyperconv {

/// Makes items first, first + 1, ... in any order and hands them out in order, a bounded number
/// ahead. What goes wrong with an item is thrown where that item would have been handed out, and
/// again from then on: what is seen does not depend on the number of threads. The destructor waits
/// for the items under way and for nothing else.
template <class T>
class Prefetcher {
 public:
  using Make = std::function<T(int64_t)>;

  /// `make` is called from `workers` (at least 1) threads at once; at most `ahead` (at least 1)
  /// items are held or under way. Throws std::system_error where a thread cannot be started.
  Prefetcher(Make make, int64_t first, int workers, int ahead)
      : make_(std::move(make)), ahead_(ahead), to_make_(first), to_take_(first) {
    try {
      for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {
      end();
      throw;
    }
  }

  ~Prefetcher() { end(); }

  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item; waits for it.
  T next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.contains(to_take_); });
    if (const auto* error = std::get_if<std::exception_ptr>(&ready_.at(to_take_)))
      std::rethrow_exception(*error);
    T item = std::get<T>(std::move(ready_.extract(to_take_++).mapped()));
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  using Outcome = std::variant<std::exception_ptr, T>;

  void end() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  Outcome outcome_of(int64_t index) const {
    try {
      return Outcome(std::in_place_index<1>, make_(index));
    } catch (...) {
      return Outcome(std::in_place_index<0>, std::current_exception());
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || to_make_ < to_take_ + ahead_; });
      if (stopping_) return;
      const int64_t index = to_make_++;
      lock.unlock();
      Outcome outcome = outcome_of(index);
      lock.lock();
      ready_.emplace(index, std::move(outcome));
      changed_.notify_all();
    }
  }

  const Make make_;
  const int64_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Outcome> ready_;
  int64_t to_make_, to_take_;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace hyperconv
