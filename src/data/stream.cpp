#include "data/stream.hpp"

#include <numeric>

#include "base/fail.hpp"
#include "base/random.hpp"
#include "data/source.hpp"
#include "data/window.hpp"

namespace hyperconv {
namespace {

/// Streams of random numbers for the orders, far from those of the samples.
constexpr uint64_t first_order_stream = uint64_t(1) << 62;

}  // namespace

PairSampler::PairSampler(PairSet set, const PatchChoice& choice, DamageLog& damage)
    : set_(std::move(set)), choice_(choice), damage_(damage) {
  if (choice.patch < 1) fail("a patch of {} pixels cannot be", choice.patch);
  if (choice.batch < 1) fail("a batch of {} patches cannot be", choice.batch);
  if (set_.is_mosaic() && choice.patch % 2 != 0)
    fail("{}: holds mosaics, of which a patch has an even side, not {}", set_.folder().string(),
         choice.patch);
}

std::shared_ptr<const PairSampler::Order> PairSampler::order_of(int64_t epoch) const {
  const std::scoped_lock lock(mutex_);
  auto& order = orders_[epoch];
  if (order) return order;
  Order made(set_.size());
  std::iota(made.begin(), made.end(), uint32_t(0));
  Random random(choice_.seed, first_order_stream + uint64_t(epoch));
  for (size_t i = made.size() - 1; i > 0; --i)
    std::swap(made[i], made[size_t(random.below(int64_t(i) + 1))]);
  order = std::make_shared<const Order>(std::move(made));
  const auto result = order;
  // Workers are never more than a few batches apart: the epoch before may still be wanted.
  while (orders_.size() > 3) orders_.erase(orders_.begin());
  return result;
}

Pair PairSampler::sample(int64_t index, size_t* pair) const {
  const auto count = int64_t(set_.size());
  const auto order = order_of(index / count);
  for (int64_t step = 0; step < count; ++step) {
    const size_t candidate = (*order)[size_t((index + step) % count)];
    if (damage_.contains(candidate)) continue;
    Random random(choice_.seed, uint64_t(index));
    const auto choose = [&](int height, int width) {
      return random_window(height, width, choice_.patch, set_.is_mosaic(), choice_.turned, random);
    };
    try {
      Pair found = set_.source()->decode_window(candidate, choose);
      if (pair != nullptr) *pair = candidate;
      return found;
    } catch (const Error& error) {
      damage_.note(candidate, error.what());
    }
  }
  fail("{}: holds no sound pair", set_.folder().string());
}

PairBatch PairSampler::batch(int64_t index) const {
  const int64_t n = choice_.batch, side = choice_.patch;
  PairBatch batch{
      set_.is_mosaic() ? Tensor({n, 4, side / 2, side / 2}) : Tensor({n, 3, side, side}),
      Tensor({n, 3, side, side}), std::vector<size_t>(size_t(n), 0)};
  const auto sample_of = [](Tensor& tensor, int64_t i) {
    const Shape& shape = tensor.shape();
    return std::span(tensor.row(i, 0, 0), size_t(shape.c * shape.plane()));
  };
  for (int64_t i = 0; i < n; ++i) {
    const Pair pair = sample(index * n + i, &batch.pairs[size_t(i)]);
    fill_input(pair, set_.kind(), sample_of(batch.input, i));
    fill_target(pair, sample_of(batch.target, i));
  }
  return batch;
}

}  // namespace hyperconv
