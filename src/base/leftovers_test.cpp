#include "base/leftovers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

size_t entries_of(const fs::path& folder) {
  return size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// Begins a file and a folder there, and waits to be killed.
pid_t start_worker(const fs::path& folder) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const PendingFile file(folder / "a.jpg");
    const PendingFolder set(folder / "set");
    const TemporaryFolder workshop(folder);
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

void kill_worker(pid_t worker) {
  ::kill(worker, SIGKILL);
  int status = 0;
  ::waitpid(worker, &status, 0);
}

/// What a process of its own finds and removes: this one looks at each folder once.
void remove_in_another_process(const fs::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    remove_leftovers(folder);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Leftovers, OfAKilledProcessAreRemovedAndThoseOfALivingOneStay) {
  const TemporaryFolder folder;
  // Not by write_file(), which would look for leftovers in this process already.
  for (const char* name : {".mine.tmp", "hyperconv.tmp"}) std::ofstream(folder / name) << "kept";
  const pid_t worker = start_worker(folder.path());
  EXPECT_EQ(entries_of(folder.path()), 5u);
  remove_in_another_process(folder.path());
  EXPECT_EQ(entries_of(folder.path()), 5u) << "it works on them";
  kill_worker(worker);
  EXPECT_EQ(entries_of(folder.path()), 5u);
  remove_in_another_process(folder.path());
  EXPECT_EQ(entries_of(folder.path()), 2u);
  EXPECT_TRUE(fs::exists(folder / ".mine.tmp"));
}

TEST(Leftovers, ALinkIsNotFollowed) {
  const TemporaryFolder folder, other;
  write_file(other / "photo.jpg", std::string("kept"));
  fs::create_symlink(other.path(), folder / ".a.1.1.hyperconv.tmp");
  remove_in_another_process(folder.path());
  EXPECT_TRUE(fs::exists(other / "photo.jpg"));
}

// 255 bytes are the most that Linux allows, and the name under way is longer than the last one.
TEST(Leftovers, TheLongestNameCanBeWritten) {
  const TemporaryFolder folder;
  const std::string name(251, 'n');
  write_file(folder / (name + ".jpg"), std::string("x"));
  EXPECT_EQ(read_file(folder / (name + ".jpg")).size(), 1u);
  EXPECT_NE(temporary_beside(folder / name), temporary_beside(folder / name));
}

}  // namespace
}  // namespace hyperconv
