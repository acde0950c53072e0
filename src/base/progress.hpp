// A progress line on stderr, and only where that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hyperconv {

class Progress {
 public:
  Progress(std::string what, int64_t total);
  /// Leaves the line cleared.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Redraws at most ten times a second; `note` stands behind the count, its control characters as
  /// question marks.
  void show(int64_t done, const std::string& note = {});
  /// Clears the line, for what is printed meanwhile; the next show() draws it again.
  void clear();

 private:
  std::string what_;
  int64_t total_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace hyperconv
