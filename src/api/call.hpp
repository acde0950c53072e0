// What every public call has in common: errors that are Error, a caller who watches, one call at a
// time.
#pragma once

#include <functional>
#include <mutex>

#include "hyperconv/hyperconv.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// Does the work; out-of-memory and the system's errors become Error.
void translated(const std::function<void()>& work);

/// Does work that reads a file: a bad argument in it is a bad file.
void reading(const std::function<void()>& work);

/// Does the work translated; where there is a callback on another thread, while this one tells it
/// how far the work has come.
void watched(const ProgressCallback& progress, const std::function<void()>& work);

/// The turn of one call to use an object; waits for it, and throws where that is cancelled.
class Turn {
 public:
  explicit Turn(std::timed_mutex& mutex);

 private:
  std::unique_lock<std::timed_mutex> lock_;
};

/// The model of a file; of an empty path the one that is shipped for the task.
std::shared_ptr<const Model> load(const std::filesystem::path& path, Task task);

/// Throws Error (bad_argument).
void check_options(const Options& options);

/// Throws Error (bad_argument) where both are the same file.
void check_not_same(const std::filesystem::path& in, const std::filesystem::path& out);

}  // namespace hyperconv
