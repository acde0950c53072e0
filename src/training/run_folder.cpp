#include "training/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/folder.hpp"
#include "training/interfaces.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

bool is_held_by_another(int file) {
  while (::flock(file, LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR) return errno == EWOULDBLOCK;
  return false;
}

/// " (process 12 on HOST)"; nothing where the holder has not said so yet.
std::string holder(const fs::path& lock) {
  constexpr uint64_t longest = 400;
  const std::vector<uint8_t> said = read_file(lock, longest);
  return said.empty() ? "" : " (" + std::string(said.begin(), said.end()) + ")";
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder) {
  make_folder(folder);
  const fs::path path = folder / ".lock";
  lock_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock_.is_open())
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path.string(), std::strerror(errno));
  if (is_held_by_another(lock_.get()))
    fail("{}: another training{} works in this folder; wait for its end, or name another --output",
         folder.string(), holder(path));
  // For people: where it cannot be said, it is held all the same.
  const std::string name = fmt::format("process {} on {}", ::getpid(), host_name());
  if (::ftruncate(lock_.get(), 0) == 0) (void)!::pwrite(lock_.get(), name.data(), name.size(), 0);
}

}  // namespace hyperconv
