// The photos that a batch failed on, as they become known.
#pragma once

#include <filesystem>
#include <vector>

#include "cli/batch.hpp"

namespace hyperconv::cli {

/// Says every failure at once on stderr, and keeps a file of them up to date: below a line that
/// says what it is, one line a photo, its file and the reason with a tab between them.
class FailureList {
 public:
  /// An empty path keeps no file. Throws Error where one is there that is no such list, or it
  /// cannot be written.
  explicit FailureList(std::filesystem::path file);

  void add(Failure failure);
  size_t count() const { return failures_.size(); }
  const std::vector<Failure>& all() const { return failures_; }

  /// All of them once more on stderr, where much was printed since.
  void say_all() const;

 private:
  void write() const;

  std::filesystem::path file_;
  std::vector<Failure> failures_;
};

}  // namespace hyperconv::cli
