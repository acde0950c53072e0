#include "base/memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "base/fail.hpp"

namespace hyperconv {

namespace {

constexpr size_t huge_page = size_t(2) << 20;

/// The number that follows `word` in a system file; its first number where the word is empty.
std::optional<int64_t> number_after(const std::string& word, const char* path) {
  std::ifstream file(path);
  std::string found;
  int64_t number = 0;
  if (word.empty()) return file >> number ? std::optional(number) : std::nullopt;
  while (file >> found)
    if (found == word && file >> number) return number;
  return std::nullopt;
}

}  // namespace

Arena::Arena(size_t bytes) : size_((bytes + huge_page - 1) / huge_page * huge_page) {
  if (size_ == 0) return;
  // One page more than needed, so that the start can be moved to a huge page's border.
  void* raw = ::mmap(nullptr, size_ + huge_page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    fail_as(ErrorCode::out_of_memory, "{} MB of memory are not to be had",
            (size_ + 999'999) / 1'000'000);
  auto* first = static_cast<std::byte*>(raw);
  const size_t misfit = reinterpret_cast<size_t>(first) % huge_page;
  const size_t skip = misfit == 0 ? 0 : huge_page - misfit;
  if (skip != 0) ::munmap(first, skip);
  data_ = first + skip;
  if (skip != huge_page) ::munmap(data_ + size_, huge_page - skip);
  ::madvise(data_, size_, MADV_HUGEPAGE);
}

Arena::~Arena() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void wish_for_huge_pages(void* memory, size_t bytes) {
  if (bytes < 2 * huge_page) return;
  // madvise takes whole pages only: those inside.
  constexpr size_t page = 4096;
  const size_t misfit = reinterpret_cast<size_t>(memory) % page;
  const size_t skip = misfit == 0 ? 0 : page - misfit;
  ::madvise(static_cast<std::byte*>(memory) + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
}

void bring_in(const void* memory, size_t bytes) {
  constexpr size_t page = 4096;
  const size_t misfit = reinterpret_cast<size_t>(memory) % page;
  auto* first = const_cast<std::byte*>(static_cast<const std::byte*>(memory)) - misfit;
  // Linux 5.14 and later; elsewhere pages are loaded as they are touched.
  constexpr int populate_read = 22;  // MADV_POPULATE_READ, which Debian 12's headers may lack
  ::madvise(first, bytes + misfit, populate_read);
}

size_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return size_t(usage.ru_maxrss) * 1024;
}

int64_t available_memory_bytes() {
  const auto told = number_after("MemAvailable:", "/proc/meminfo");
  // Without /proc: what is free, and not what could be freed.
  int64_t available =
      told ? 1024 * *told : int64_t(::sysconf(_SC_AVPHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  // Version 2 of control groups; the group's own file is where the container mounts it.
  const auto limit = number_after("", "/sys/fs/cgroup/memory.max");
  const auto used = number_after("", "/sys/fs/cgroup/memory.current");
  if (limit && used) available = std::min(available, std::max<int64_t>(0, *limit - *used));
  return available;
}

}  // namespace hyperconv
