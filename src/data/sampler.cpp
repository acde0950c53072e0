#include "data/sampler.hpp"

#include <bit>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/say.hpp"
#include "data/source.hpp"
#include "data/window.hpp"

namespace hyperconv {
namespace {

constexpr int feistel_rounds = 6;

/// One pass over numbers of 2 * half bits.
uint64_t feistel(uint64_t value, int half, uint64_t key) {
  const uint64_t mask = (uint64_t(1) << half) - 1;
  uint64_t left = value >> half, right = value & mask;
  for (int i = 0; i < feistel_rounds; ++i) {
    const uint64_t next = left ^ (mixed_bits(right + mixed_bits(key + uint64_t(i))) & mask);
    left = right;
    right = next;
  }
  return left << half | right;
}

/// The middle of a pair, on an even place: a mosaic stays one.
Window middle(int height, int width, int side) {
  if (std::min(height, width) < side)
    fail("is {}x{} pixels, smaller than a patch of {}", width, height, side);
  return {(height - side) / 4 * 2, (width - side) / 4 * 2, side, {}};
}

}  // namespace

size_t shuffled(size_t position, size_t count, uint64_t seed, uint64_t round) {
  const int half = std::max(1, (int(std::bit_width(count - 1)) + 1) / 2);
  const uint64_t key = mixed_bits(seed) ^ mixed_bits(round + 0x9e3779b97f4a7c15);
  uint64_t value = position;
  do {
    value = feistel(value, half, key);
  } while (value >= count);
  return value;
}

PairSampler::PairSampler(PairSet set, const PatchChoice& choice)
    : set_(std::move(set)), choice_(choice), damage_(set_) {
  if (choice.patch < 1) fail("a patch of {} pixels cannot be", choice.patch);
  if (set_.is_mosaic() && choice.patch % 2 != 0)
    fail("{}: holds mosaics, of which a patch has an even side, not {}", set_.folder().string(),
         choice.patch);
}

size_t PairSampler::candidate(int64_t epoch, int64_t position) const {
  const size_t count = set_.size(), place = size_t(position) % count;
  return choice_.augment ? shuffled(place, count, choice_.seed, uint64_t(epoch)) : place;
}

Pair PairSampler::window_of(size_t pair, Random& random) const {
  return set_.source()->decode_window(pair, [&](int height, int width) {
    return choice_.augment
               ? random_window(height, width, choice_.patch, set_.is_mosaic(), true, random)
               : middle(height, width, choice_.patch);
  });
}

Pair PairSampler::sample(int64_t index, size_t* pair) const {
  const auto count = int64_t(set_.size());
  for (int64_t step = 0; step < count; ++step) {
    throw_if_interrupted();
    const size_t found = candidate(index / count, index % count + step);
    if (damage_.contains(found)) continue;
    Random random(choice_.seed, uint64_t(index));
    try {
      Pair window = window_of(found, random);
      if (pair != nullptr) *pair = found;
      return window;
    } catch (const Error& error) {
      throw_if_interrupted();  // which is no damage
      if (damage_.note(found, error.what())) say("hyperconv: skipped: {}\n", error.what());
    }
  }
  fail("{}: holds no sound pair", set_.folder().string());
}

}  // namespace hyperconv
