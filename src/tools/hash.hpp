// The one hash of contents: XXH3 of xxHash, 64 bits. It tells contents apart and finds accidents;
// it is no protection against anyone who means harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hyperconv {

uint64_t hash_of(std::span<const std::byte> bytes);
uint64_t hash_of(std::string_view text);

/// 16 hexadecimal digits.
std::string to_hex(uint64_t hash);

/// The hash of contents that come piece by piece: the same as of all of them at once.
class Hash {
 public:
  Hash();
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hyperconv
