// A set's decoded samples in one file, mapped into memory: for frames that are decoded again and
// again, and for sets that would have to be held.
#pragma once

#include <filesystem>

#include "base/threads.hpp"
#include "data/pairs.hpp"

namespace hyperconv {

/// The same pairs, read from the cache `file`, which is made first where it is not there, or
/// remade where it is stale: it knows the name, size and time of change of every file that the set
/// was made from, the layout and its own version. Names, order, samples and damaged pairs are the
/// set's own, so nothing but the speed depends on a cache.
///
/// Samples are stored as they are, mosaics in 8 bits where their values allow it: about 1 MB for a
/// pair of Zurich RAW-to-DSLR, 24 bytes for each 4 pixels of SIDD. The file appears whole or not at
/// all, and Ctrl-C leaves the old one. Throws Error when it cannot be written, when `file` is there
/// and is no cache, or when more pairs are damaged than DamageLog allows.
PairSet cached_pairs(const PairSet& set, const std::filesystem::path& file, Threads& threads);

}  // namespace hyperconv
