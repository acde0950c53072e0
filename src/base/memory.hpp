// One large piece of memory, on huge pages where the system has them: first touch of fresh 4 KiB
// pages costs more than a convolution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperconv {

class Arena {
 public:
  Arena() = default;
  /// Zeroed, aligned to 2 MiB. Throws Error with the figure when it cannot be had.
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

/// Asks for huge pages under memory that has not been touched yet; a wish, nothing more.
void wish_for_huge_pages(void* memory, size_t bytes);

/// Brings mapped memory in at once, where the system can: a fault for each of its pages, one after
/// the other, would take longer than reading it.
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

/// Bytes that can be had now without swapping: what the system has free or can free, and what the
/// control group of this process leaves, whichever is less.
int64_t available_memory_bytes();

}  // namespace hyperconv
