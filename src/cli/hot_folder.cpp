#include "cli/hot_folder.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t second = 1000000000;
constexpr int64_t settled_after = second;
constexpr int look_again_milliseconds = 200;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * second + time.tv_nsec; }

int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

bool is_same_folder(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

}  // namespace

HotFolder::HotFolder(const EnhanceArguments& a)
    : arguments_(a), events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!events_.is_open()) fail("folders cannot be watched ({})", std::strerror(errno));
  for (const fs::path named : a.inputs) {
    if (!fs::is_directory(named)) fail("{}: is no folder; --watch is for folders", named.string());
    if (is_same_folder(named, a.output))
      fail("{}: is where the pictures go, too; --watch would take them for photos", named.string());
    watch(named);
  }
}

void HotFolder::watch(const fs::path& folder) {
  constexpr uint32_t what =
      IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK;
  const int number = ::inotify_add_watch(events_.get(), folder.c_str(), what);
  if (number < 0)
    fail("{}: cannot be watched ({})", folder.string(),
         errno == ENOSPC ? "more folders than fs.inotify.max_user_watches allows"
                         : std::strerror(errno));
  folders_[number] = folder;
  if (!arguments_.recursive) return;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error); !error && entries != fs::directory_iterator();
       entries.increment(error)) {
    std::error_code ignored;
    const bool is_folder = entries->symlink_status(ignored).type() == fs::file_type::directory;
    if (is_folder && !entries->path().filename().string().starts_with(".") &&
        !is_same_folder(entries->path(), arguments_.output))
      watch(entries->path());
  }
}

bool HotFolder::take_events() {
  alignas(inotify_event) std::array<char, 1 << 16> buffer;
  bool any = false;
  for (;;) {
    const ssize_t size = ::read(events_.get(), buffer.data(), buffer.size());
    if (size <= 0) return any;
    any = true;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += ssize_t(sizeof(inotify_event) + event->len);
      // What was lost is found by looking; who writes, is no longer known.
      if ((event->mask & IN_Q_OVERFLOW) != 0) being_written_.clear();
      const auto folder = folders_.find(event->wd);
      if (folder == folders_.end() || event->len == 0) continue;
      const fs::path path = folder->second / event->name;
      const bool is_folder = (event->mask & IN_ISDIR) != 0;
      if (is_folder && arguments_.recursive && fs::is_directory(path) &&
          !path.filename().string().starts_with("."))
        watch(path);
      if ((event->mask & IN_MODIFY) != 0) being_written_.insert(path);
      if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) being_written_.erase(path);
    }
  }
}

std::vector<Job> HotFolder::due(const std::vector<Job>& jobs) {
  has_unsettled_ = false;
  std::vector<Job> ready;
  for (const Job& job : jobs) {
    struct stat facts {};
    if (::stat(job.input.c_str(), &facts) != 0) continue;
    const Stamp stamp = {std::max(nanoseconds(facts.st_mtim), nanoseconds(facts.st_ctim)),
                         int64_t(facts.st_size)};
    const auto taken = taken_.find(job.input);
    if (taken != taken_.end() && taken->second == stamp) continue;
    if (facts.st_size == 0 || being_written_.contains(job.input)) continue;
    const auto seen = seen_.try_emplace(job.input, stamp, now()).first;
    if (seen->second.first != stamp) seen->second = {stamp, now()};
    const int64_t age = now() - stamp.first, looked_for = now() - seen->second.second;
    if (looked_for < settled_after && !(age >= settled_after)) {
      has_unsettled_ = true;
      continue;
    }
    seen_.erase(seen);
    taken_[job.input] = stamp;
    ready.push_back(job);
  }
  return ready;
}

void HotFolder::wait() {
  const auto began = now();
  while (!interrupted()) {
    for (const fs::path named : arguments_.inputs)
      if (!fs::is_directory(named)) fail("{}: is gone", named.string());
    pollfd waiting{events_.get(), POLLIN, 0};
    ::poll(&waiting, 1, look_again_milliseconds);
    if (take_events() || (has_unsettled_ && now() - began > settled_after / 4)) return;
  }
}

}  // namespace hyperconv::cli
