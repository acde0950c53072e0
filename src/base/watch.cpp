#include "base/watch.hpp"

#include <utility>

namespace hyperconv {
namespace {

thread_local Watch* current_watch = nullptr;

}  // namespace

Watch* Watch::current() { return current_watch; }

void Watch::tell(double share_of_stage) {
  const double done = from_ + (to_ - from_) * share_of_stage;
  double before = done_;
  while (before < done && !done_.compare_exchange_weak(before, done)) {
  }
}

WatchedThread::WatchedThread(Watch* watch) : before_(std::exchange(current_watch, watch)) {}
WatchedThread::~WatchedThread() { current_watch = before_; }

WatchStage::WatchStage(double from, double to) : watch_(current_watch) {
  if (watch_ == nullptr) return;
  from_ = watch_->from_;
  to_ = watch_->to_;
  watch_->from_ = from_ + (to_ - from_) * from;
  watch_->to_ = from_ + (to_ - from_) * to;
}

WatchStage::WatchStage(int64_t index, int64_t count)
    : WatchStage(double(index) / double(count), double(index + 1) / double(count)) {}

WatchStage::~WatchStage() {
  if (watch_ == nullptr) return;
  watch_->tell(1);
  watch_->from_ = from_;
  watch_->to_ = to_;
}

void tell_done(int64_t done, int64_t total) {
  if (current_watch != nullptr) current_watch->tell(double(done) / double(total));
}

}  // namespace hyperconv
