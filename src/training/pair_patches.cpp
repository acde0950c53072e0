#include "training/pair_patches.hpp"

#include <bit>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "data/source.hpp"
#include "data/window.hpp"

namespace hyperconv {
namespace {

constexpr int feistel_rounds = 6;

uint64_t mixed(uint64_t value) {
  // The finaliser of SplitMix64 (Steele et al. 2014).
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// One pass over numbers of 2 * half bits.
uint64_t feistel(uint64_t value, int half, uint64_t key) {
  const uint64_t mask = (uint64_t(1) << half) - 1;
  uint64_t left = value >> half, right = value & mask;
  for (int i = 0; i < feistel_rounds; ++i) {
    const uint64_t next = left ^ (mixed(right + mixed(key + uint64_t(i))) & mask);
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

void copy_into(const Tensor& from, const torch::Tensor& batch, int64_t index) {
  const torch::Tensor to = batch[index];
  std::copy_n(from.data(), from.size(), to.data_ptr<float>());
}

torch::Tensor room_for(const Shape& shape, int64_t count) {
  return torch::empty({count, shape.c, shape.h, shape.w});
}

}  // namespace

size_t shuffled(size_t position, size_t count, uint64_t seed, uint64_t round) {
  const int half = std::max(1, (int(std::bit_width(count - 1)) + 1) / 2);
  const uint64_t key = mixed(seed) ^ mixed(round + 0x9e3779b97f4a7c15);
  uint64_t value = position;
  do {
    value = feistel(value, half, key);
  } while (value >= count);
  return value;
}

PairPatches::PairPatches(PairSet set, const PairPatchOptions& options)
    : set_(std::move(set)), options_(options), damage_(set_) {}

Pair PairPatches::patch_of(size_t index, Random& random) const {
  return set_.source()->decode_window(index, [&](int height, int width) {
    return options_.augment
               ? random_window(height, width, options_.patch, set_.is_mosaic(), true, random)
               : middle(height, width, options_.patch);
  });
}

TensorPair PairPatches::sample(int64_t number) const {
  const size_t count = set_.size(), round = size_t(number) / count;
  size_t position = size_t(number) % count;
  // The log throws before all pairs were found damaged.
  for (;; position = (position + 1) % count) {
    throw_if_interrupted();
    const size_t index =
        options_.augment ? shuffled(position, count, options_.seed, round) : position;
    Random random(options_.seed, uint64_t(number));
    try {
      return to_tensors(patch_of(index, random), set_.kind());
    } catch (const Error& error) {
      if (damage_.note(index, error.what()))
        fmt::print(stderr, "hyperconv: skipped: {}\n", error.what());
    }
  }
}

Batch PairPatches::make(int64_t first, int64_t count) const {
  Batch batch;
  for (int64_t i = 0; i < count; ++i) {
    const TensorPair pair = sample(first + i);
    if (i == 0) {
      batch.input = room_for(pair.input.shape(), count);
      batch.target = room_for(pair.target.shape(), count);
    }
    copy_into(pair.input, batch.input, i);
    copy_into(pair.target, batch.target, i);
  }
  return batch;
}

std::string PairPatches::description() const {
  return fmt::format("patches {0}x{0} of {1} pairs of {2}", options_.patch, set_.size(),
                     to_string(set_.layout()));
}

}  // namespace hyperconv
