// The folder of a run, which one training at a time works in.
#pragma once

#include <filesystem>

#include "base/descriptor.hpp"

namespace hyperconv {

/// Holds a run's folder for as long as it lives, and no longer than its process: by a lock (flock)
/// on FOLDER/.lock, which says who holds it. On file systems without locks it holds nothing.
class RunFolder {
 public:
  /// Makes the folder where it is not there. Throws Error where it cannot be made or written, and
  /// one that names the process where another training holds it.
  explicit RunFolder(const std::filesystem::path& folder);

 private:
  FileDescriptor lock_;
};

}  // namespace hyperconv
