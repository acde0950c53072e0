#include "data/fixed_windows.hpp"

#include "base/fail.hpp"
#include "base/random.hpp"
#include "data/sampler.hpp"

namespace hyperconv {
namespace {

/// No stream that a sampler draws from.
constexpr uint64_t noise_stream = 0x6c6162656c73;

void add_noise(Tensor& target, const FixedWindowsChoice& choice, size_t window) {
  Random random(choice.seed ^ noise_stream, uint64_t(window));
  for (size_t i = 0; i < target.size(); ++i)
    target.data()[i] += float(choice.label_noise) * random.normal();
}

}  // namespace

FixedWindows::FixedWindows(const PairSet& set, const FixedWindowsChoice& choice) {
  if (choice.count < 1 || choice.first < 0 || choice.first + choice.count > int64_t(set.size()))
    fail("{}: holds {} pairs, of which {} from the {}th on cannot be taken", set.folder().string(),
         set.size(), choice.count, choice.first + 1);
  const PairSampler sampler(set, {.patch = choice.patch, .augment = false, .seed = 0});
  size_t next = size_t(choice.first);
  while (windows_.size() < size_t(choice.count)) {
    size_t taken = 0;
    TensorPair window = to_tensors(sampler.sample(int64_t(next), &taken), set.kind());
    // Past the end the sampler begins again.
    if (next >= set.size() || taken < next)
      fail("{}: holds fewer than {} sound pairs from the {}th on", set.folder().string(),
           choice.count, choice.first + 1);
    if (choice.label_noise > 0) add_noise(window.target, choice, windows_.size());
    windows_.push_back(std::move(window));
    next = taken + 1;
  }
}

}  // namespace hyperconv
