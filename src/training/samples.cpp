#include "training/samples.hpp"

namespace hyperconv {

BatchStream::BatchStream(const SampleSource& source, std::function<SampleRange(int64_t)> range,
                         int64_t first, int workers)
    : source_(source),
      range_(std::move(range)),
      ahead_(size_t(2 * workers + 2)),
      to_make_(first),
      to_take_(first) {
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
}

BatchStream::~BatchStream() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void BatchStream::work() {
  for (;;) {
    int64_t index = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || to_make_ < to_take_ + int64_t(ahead_); });
      if (stopping_) return;
      index = to_make_++;
    }
    try {
      const SampleRange range = range_(index);
      // A batch may have fewer samples than ranks that share it.
      Batch batch = range.count > 0 ? source_.make(range.first, range.count)
                                    : Batch{torch::empty({0}), torch::empty({0}), {}};
      const std::scoped_lock lock(mutex_);
      ready_.emplace(index, std::move(batch));
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      error_ = std::current_exception();
    }
    changed_.notify_all();
  }
}

Batch BatchStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return error_ || ready_.contains(to_take_); });
  if (error_) std::rethrow_exception(error_);
  Batch batch = std::move(ready_.extract(to_take_++).mapped());
  lock.unlock();
  changed_.notify_all();
  return batch;
}

}  // namespace hyperconv
