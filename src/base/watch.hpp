// Somebody who watches a long call from another thread: sees how far it has come, and may end it.
//
// The work knows its watch by its thread: the one that a WatchedThread was made on, and those of
// Threads while they work for it. Work that nobody watches pays for one look at a thread-local
// pointer.
#pragma once

#include <atomic>
#include <cstdint>

namespace hyperconv {

class Watch {
 public:
  /// From the next throw_if_interrupted() of the watched work on, that throws.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

  /// The share of the work that is done, 0 to 1; never falls.
  double done() const { return done_; }

  /// What this thread works for; null where nobody watches.
  static Watch* current();

 private:
  friend class WatchStage;
  friend void tell_done(int64_t done, int64_t total);

  void tell(double share_of_stage);

  std::atomic<bool> cancelled_ = false;
  std::atomic<double> done_ = 0;
  // The stage at work, within [0,1]. Only changed where one thread is at work.
  double from_ = 0, to_ = 1;
};

/// This thread's work is watched for as long as it lives; null: by nobody.
class WatchedThread {
 public:
  explicit WatchedThread(Watch* watch);
  ~WatchedThread();
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;

 private:
  Watch* before_;
};

/// For as long as it lives, what is told as done counts from `from` to `to` of the stage around it.
/// Not within Threads::parallel_for.
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
  double from_ = 0, to_ = 1;  // of the stage around it
};

/// Of the stage at work `done` of `total` are done. From any thread.
void tell_done(int64_t done, int64_t total);

}  // namespace hyperconv
