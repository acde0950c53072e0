// Folders that are watched for photos that arrive.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "cli/enhancer.hpp"

namespace hyperconv::cli {

/// Knows by inotify when something happens in folders, and which files are whole.
class HotFolder {
 public:
  /// Watches the folders that were named, with `a.recursive` those below them, too, but for hidden
  /// ones and the output folder. Throws Error where one is none or cannot be watched.
  explicit HotFolder(const EnhanceArguments& a);

  /// Of the jobs those whose file is whole, as far as one can know: not empty, nobody has written
  /// to it for a second, and who began to since we watch has closed it. Each file once, and once
  /// more when it has changed since.
  std::vector<Job> due(const std::vector<Job>& jobs);

  /// Waits until something has happened, or a file that was not whole may be. Returns at Ctrl-C.
  /// Throws Error where a folder that was named is gone.
  void wait();

 private:
  /// When a file was last changed, and its size.
  using Stamp = std::pair<int64_t, int64_t>;

  void watch(const std::filesystem::path& folder);
  /// True when there were any.
  bool take_events();

  const EnhanceArguments& arguments_;
  FileDescriptor events_;
  std::map<int, std::filesystem::path> folders_;  ///< by inotify's number
  std::set<std::filesystem::path> being_written_;
  std::map<std::filesystem::path, Stamp> taken_;
  /// Since when a file looks as it does, by the clock here: a share's may go wrong.
  std::map<std::filesystem::path, std::pair<Stamp, int64_t>> seen_;
  bool has_unsettled_ = false;
};

}  // namespace hyperconv::cli
