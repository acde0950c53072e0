#include "training/pair_patches.hpp"

#include <fmt/format.h>

#include "image/grain.hpp"
#include "training/told_grain.hpp"

namespace hyperconv {
namespace {

/// An estimate's errors must not follow from the same numbers as the patch's place.
constexpr uint64_t error_stream = 0xd1b54a32d192ed03;

void copy_into(const Tensor& from, const torch::Tensor& batch, int64_t index) {
  const torch::Tensor to = batch[index];
  std::copy_n(from.data(), from.size(), to.data_ptr<float>());
}

}  // namespace

PairPatches::PairPatches(PairSet set, const PatchChoice& choice)
    : sampler_(std::move(set), choice), patch_(choice.patch), seed_(choice.seed) {}

Batch PairPatches::make(int64_t first, int64_t count) const {
  const PairSet& set = sampler_.set();
  const int64_t side = patch_;
  Batch batch;
  batch.input = set.is_mosaic() ? torch::empty({count, 4, side / 2, side / 2})
                                : torch::empty({count, 3, side, side});
  batch.target = torch::empty({count, 3, side, side});
  if (!set.is_mosaic()) batch.noise = torch::empty({count, grain_condition_size});
  for (int64_t i = 0; i < count; ++i) {
    const TensorPair pair = to_tensors(sampler_.sample(first + i), set.kind());
    copy_into(pair.input, batch.input, i);
    copy_into(pair.target, batch.target, i);
    if (set.is_mosaic()) continue;
    Random random(seed_ ^ error_stream, uint64_t(first + i));
    tell_grain(batch, i, random);
  }
  return batch;
}

std::string PairPatches::description() const {
  return fmt::format("patches {0}x{0} of {1} pairs of {2}", patch_, sampler_.set().size(),
                     to_string(sampler_.set().layout()));
}

}  // namespace hyperconv
