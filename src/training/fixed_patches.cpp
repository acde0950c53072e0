#include "training/fixed_patches.hpp"

#include <fmt/format.h>

#include "data/sampler.hpp"

namespace hyperconv {
namespace {

torch::Tensor batch_like(const Tensor& sample, int64_t count) {
  const Shape& s = sample.shape();
  return torch::empty({count, s.c, s.h, s.w});
}

void copy_into(const Tensor& from, const torch::Tensor& batch, int64_t index) {
  std::copy_n(from.data(), from.size(), batch[index].data_ptr<float>());
}

}  // namespace

FixedPatches::FixedPatches(const PairSet& set, const FixedWindowsChoice& choice)
    : choice_(choice), windows_(set, choice) {}

Batch FixedPatches::make(int64_t first, int64_t count) const {
  Batch batch;
  batch.input = batch_like(windows_[0].input, count);
  batch.target = batch_like(windows_[0].target, count);
  const auto size = int64_t(windows_.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t sample = first + i;
    const size_t window =
        shuffled(size_t(sample % size), windows_.size(), choice_.seed, uint64_t(sample / size));
    copy_into(windows_[window].input, batch.input, i);
    copy_into(windows_[window].target, batch.target, i);
  }
  return batch;
}

std::string FixedPatches::description() const {
  std::string text = fmt::format("patches {0}x{0}, the same {1}", choice_.patch, windows_.size());
  if (choice_.label_noise > 0) text += fmt::format(", label noise {:g}", choice_.label_noise);
  return text;
}

}  // namespace hyperconv
