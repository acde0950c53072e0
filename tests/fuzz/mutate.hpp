// Damages bytes as strangers, transfers and fuzzers do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace hyperconv::fuzz {

using Bytes = std::vector<uint8_t>;

/// One to eight changes of `bytes`: bits, bytes, numbers of all widths set to what lies at the edge
/// of their range, pieces cut out, doubled, moved or taken from `other`, a word of the format, a
/// number written in digits replaced, the end cut off. Never empty for ever: an empty input gets a
/// byte. At most `longest` bytes long.
Bytes mutated(Bytes bytes, const Bytes& other, const std::vector<std::string>& words,
              Random& random, size_t longest = 1 << 20);

}  // namespace hyperconv::fuzz
