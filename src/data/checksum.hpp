// Tells contents apart; no protection against anyone who means harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hyperconv {

/// FNV-1a, 64 bits; goes on from `start`.
inline uint64_t checksum(std::span<const std::byte> bytes, uint64_t start = 0xcbf29ce484222325) {
  for (const std::byte byte : bytes) start = (start ^ uint64_t(byte)) * 0x100000001b3;
  return start;
}

inline uint64_t checksum(std::string_view text, uint64_t start = 0xcbf29ce484222325) {
  return checksum(std::as_bytes(std::span(text.data(), text.size())), start);
}

}  // namespace hyperconv
