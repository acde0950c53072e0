// One large block of memory, on huge pages where the system has them: page faults on fresh 4 KiB
// pages cost more time than a convolution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperconv {

class Arena {
 public:
  Arena() = default;
  /// Zeroed, aligned to 2 MiB. Throws Error with the size when it cannot be allocated.
  explicit Arena(size_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Asks for huge pages under memory that has not been touched yet; the system may decline.
void wish_for_huge_pages(void* memory, size_t bytes);

/// Loads all pages of mapped memory at once, where the system can: a page fault for each would take
/// longer than reading it.
void bring_in(const void* memory, size_t bytes);

/// `count` zeros; on huge pages where they are many.
template <class Value>
std::vector<Value> large_vector(size_t count) {
  std::vector<Value> values;
  values.reserve(count);
  wish_for_huge_pages(values.data(), count * sizeof(Value));
  values.resize(count);
  return values;
}

/// Highest resident memory of this process so far, in bytes.
size_t peak_resident_bytes();

/// Bytes that can be allocated now without swapping: what the system has free or can free, and what
/// the control group of this process leaves, whichever is less.
int64_t available_memory_bytes();

}  // namespace hyperconv
