#include "training/pair_patches.hpp"

#include <fmt/format.h>

namespace hyperconv {
namespace {

void copy_into(const Tensor& from, const torch::Tensor& batch, int64_t index) {
  const torch::Tensor to = batch[index];
  std::copy_n(from.data(), from.size(), to.data_ptr<float>());
}

}  // namespace

PairPatches::PairPatches(PairSet set, const PatchChoice& choice)
    : sampler_(std::move(set), choice), patch_(choice.patch) {}

Batch PairPatches::make(int64_t first, int64_t count) const {
  const PairSet& set = sampler_.set();
  const int64_t side = patch_;
  Batch batch;
  batch.input = set.is_mosaic() ? torch::empty({count, 4, side / 2, side / 2})
                                : torch::empty({count, 3, side, side});
  batch.target = torch::empty({count, 3, side, side});
  for (int64_t i = 0; i < count; ++i) {
    const TensorPair pair = to_tensors(sampler_.sample(first + i), set.kind());
    copy_into(pair.input, batch.input, i);
    copy_into(pair.target, batch.target, i);
  }
  return batch;
}

std::string PairPatches::description() const {
  return fmt::format("patches {0}x{0} of {1} pairs of {2}", patch_, sampler_.set().size(),
                     to_string(sampler_.set().layout()));
}

}  // namespace hyperconv
