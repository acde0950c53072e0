#include "tools/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hyperconv {
namespace {

// Checkpoints and caches hold these numbers: another function would refuse them all. The values are
// those of xxhsum 0.8.1 (xxhsum -H3).
TEST(Hash, IsXxh3) {
  EXPECT_EQ(to_hex(hash_of("")), "2d06800538d394c2");
  EXPECT_EQ(to_hex(hash_of("hyperconv")), "ada40f61213fce71");
}

TEST(Hash, IsTheSameInPieces) {
  std::vector<std::byte> bytes(3001);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * i % 251);
  Hash pieces;
  for (size_t at = 0; at < bytes.size(); at += 700)
    pieces.add(std::span(bytes).subspan(at, std::min<size_t>(700, bytes.size() - at)));
  EXPECT_EQ(pieces.value(), hash_of(bytes));
  bytes[2000] ^= std::byte(1);
  EXPECT_NE(pieces.value(), hash_of(bytes));
}

}  // namespace
}  // namespace hyperconv
