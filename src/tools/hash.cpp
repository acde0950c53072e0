#include "tools/hash.hpp"

// Inlined, so that no program of ours loads the library.
#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

namespace hyperconv {

uint64_t hash_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::string to_hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

struct Hash::State {
  XXH3_state_t xxh;
};

Hash::Hash() : state_(std::make_unique<State>()) {
  XXH3_INITSTATE(&state_->xxh);
  XXH3_64bits_reset(&state_->xxh);
}

Hash::~Hash() = default;

void Hash::add(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size());
}

void Hash::add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }

uint64_t Hash::value() const { return XXH3_64bits_digest(&state_->xxh); }

}  // namespace hyperconv
