#include "base/leftovers.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* ending = ".hyperconv.tmp";

/// As temporary_beside() names them.
bool is_temporary(const std::string& name) {
  return name.starts_with(".") && name.ends_with(ending);
}

FileDescriptor opened(const fs::path& path) {
  return FileDescriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

void remove_where_nobodys(const fs::path& path) {
  const FileDescriptor file = opened(path);
  if (!file.is_open() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

/// True at the first call for a folder.
bool is_new(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> known;
  const std::scoped_lock lock(mutex);
  return known.insert(folder).second;
}

}  // namespace

fs::path temporary_beside(const fs::path& path) {
  static std::atomic<uint64_t> count = 0;
  constexpr size_t longest = 150;  // of 255 that a name may have
  return path.parent_path() / fmt::format(".{}.{}.{}{}",
                                          path.filename().string().substr(0, longest), ::getpid(),
                                          ++count, ending);
}

bool lock_as_ours(int descriptor) {
  // Waits where a process that removes leftovers holds it: for the length of that removal.
  while (::flock(descriptor, LOCK_EX) != 0)
    if (errno != EINTR) return true;
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

FileDescriptor make_locked_folder(const fs::path& folder) {
  for (;;) {
    if (::mkdir(folder.c_str(), 0777) != 0)
      fail_as(ErrorCode::io, "{}: cannot be made ({})", folder.string(), std::strerror(errno));
    FileDescriptor made = opened(folder);
    // Taken for a leftover before it could be opened.
    if (!made.is_open() && errno == ENOENT) continue;
    if (!made.is_open() || lock_as_ours(made.get())) return made;
  }
}

void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  const fs::path place = fs::weakly_canonical(folder, error);
  if (error || !is_new(place)) return;
  for (fs::directory_iterator entries(place, error), end; !error && entries != end;
       entries.increment(error))
    if (is_temporary(entries->path().filename().string())) remove_where_nobodys(entries->path());
}

}  // namespace hyperconv
