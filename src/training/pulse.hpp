// Signs of life among processes that train together, and one story of how they ended.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace hyperconv {

/// Why a run of several ranks ended; the first that is told is the one for all.
struct Verdict {
  int rank = -1;     ///< the one that failed and prints its own line; -1: all print this one
  std::string line;  ///< what happened
};

/// "rank 1", "ranks 1, 2 and 5".
std::string listed(const std::vector<int>& ranks);

/// Every rank writes a count into the store twice a second, and rank 0 watches them. When an
/// exchange breaks, a rank knows no more than that a connection closed, and often that of another
/// one that closed for the same reason: who is missing is read from the counts.
///
/// All talk with the store is a thread's of its own: where rank 0's machine does not answer, that
/// thread hangs, and not the training.
class Pulse {
 public:
  /// The store is used by nobody else. `timeout`: a rank that is silent for so long is gone.
  Pulse(c10::intrusive_ptr<c10d::Store> store, int rank, int size, std::chrono::seconds timeout);
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  /// Another exchange begins: all ranks count alike, so the count tells who has not come.
  void count_exchange();

  /// The reason, as soon as there is one.
  std::optional<Verdict> verdict() const;

  /// An exchange failed on this rank with the library's words. Finds out why, in a few seconds.
  Verdict explain(const std::string& words);

  /// This rank ends for a reason of its own. The answer is the reason that all ranks hear: this
  /// one, or that of a rank which failed before.
  Verdict report(const std::string& line);

  /// The last word of this rank. Rank 0 waits until it has the others' (or they are gone), since
  /// the store that they ask goes with it.
  void farewell();

 private:
  class Body;
  const std::shared_ptr<Body> body_;
  std::thread thread_;
};

}  // namespace hyperconv
