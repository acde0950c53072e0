// Progress of a long call and its cancellation, from another thread.
//
// A thread-local pointer leads work to its watch: on the thread that a WatchedThread was made on,
// and on those of Threads while they work for it. Without a watch, the cost is reading that
// pointer.
#pragma once

#include <atomic>
#include <cstdint>

namespace hyperconv {

class Watch {
 public:
  /// The next throw_if_interrupted() of the watched work throws, and every one after it.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

  /// The share of the work that is done, 0 to 1; never decreases.
  double done() const { return done_; }

  /// The watch of this thread's work; null without one.
  static Watch* current();

 private:
  friend class WatchStage;
  friend void tell_done(int64_t done, int64_t total);

  void tell(double share_of_stage);

  std::atomic<bool> cancelled_ = false;
  std::atomic<double> done_ = 0;
  // The current stage, within [0,1]. Only changed while a single thread works.
  double from_ = 0, to_ = 1;
};

/// Sets this thread's watch for as long as the object lives; null: none.
class WatchedThread {
 public:
  explicit WatchedThread(Watch* watch);
  ~WatchedThread();
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;

 private:
  Watch* before_;
};

/// For as long as it lives, tell_done() covers `from` to `to` of the enclosing stage. Not within
/// Threads::parallel_for.
class WatchStage {
 public:
  WatchStage(double from, double to);
  /// One of `count` equal ones.
  WatchStage(int64_t index, int64_t count);
  ~WatchStage();
  WatchStage(const WatchStage&) = delete;
  WatchStage& operator=(const WatchStage&) = delete;

 private:
  Watch* watch_;
  double from_ = 0, to_ = 1;  // of the enclosing stage
};

/// Reports that `done` of `total` of the current stage are done. From any thread.
void tell_done(int64_t done, int64_t total);

}  // namespace hyperconv
