// Damaged pairs: named, skipped and counted, until they are too many.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "data/pairs.hpp"

namespace hyperconv {

/// What trainer and evaluation share: a few damaged pairs of a large set must not stop a run of
/// days, but a set that is damaged is not the set that a result is about. Safe to use from several
/// threads.
class DamageLog {
 public:
  /// More than this share of a set's pairs stops the run. In a set of less than 100 the first does.
  static constexpr double most = 0.01;

  explicit DamageLog(PairSet set) : set_(std::move(set)) {}

  /// Notes that a pair cannot be used, and why; once for each pair, however often it is met. Throws
  /// Error, one line that gives the count and the first finding, when they have become too many.
  /// True when it was not known yet.
  bool note(size_t index, const std::string& why);

  bool contains(size_t index) const;
  size_t count() const;
  /// One line for each damaged pair, in the order of the set.
  std::vector<std::string> lines() const;

 private:
  const PairSet set_;
  mutable std::mutex mutex_;
  std::map<size_t, std::string> found_;
};

}  // namespace hyperconv
