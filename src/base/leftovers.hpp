// Names for files and folders under way, and the removal of those that a killed process has left.
// Whoever works on one holds a lock (flock) on it, so that one without a lock is nobody's.
#pragma once

#include <filesystem>

#include "base/descriptor.hpp"

namespace hyperconv {

/// A hidden name beside `path` that no other file under way has: ".NAME.PID.COUNT.hyperconv.tmp",
/// NAME cut where the system would refuse the whole.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/// Marks a file or folder that was just made as this process's, as long as the descriptor is open.
/// False where another process has taken it for a leftover in between: it is gone, make another.
/// On file systems without locks it marks nothing, and nothing is removed there either.
[[nodiscard]] bool lock_as_ours(int descriptor);

/// A folder of this name in another, made and locked. Throws Error where it cannot be made.
FileDescriptor make_locked_folder(const std::filesystem::path& folder);

/// Removes what nobody works on any more, at the first call of this process for a folder. Never
/// fails: what cannot be removed stays.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace hyperconv
