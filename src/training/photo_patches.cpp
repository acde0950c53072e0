#include "training/photo_patches.hpp"

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "image/grain.hpp"
#include "raw/colour.hpp"
#include "training/told_grain.hpp"

namespace hyperconv {
namespace {

/// Which part a sample is of must not follow from the same numbers as what it shows.
constexpr uint64_t choice_stream = 0x9e3779b97f4a7c15;

void copy_into(const Tensor& from, const torch::Tensor& batch, int64_t index) {
  const torch::Tensor to = batch[index];
  std::copy_n(from.data(), from.size(), to.data_ptr<float>());
}

Batch empty_batch(int64_t count, int64_t side) {
  Batch batch;
  batch.input = torch::empty({count, 3, side, side});
  batch.target = torch::empty_like(batch.input);
  batch.noise = torch::empty({count, grain_condition_size});
  return batch;
}

}  // namespace

CameraNoisePatches::CameraNoisePatches(std::shared_ptr<const PhotoPool> photos,
                                       const CameraNoiseData& recipe, int patch, uint64_t seed)
    : photos_(std::move(photos)), recipe_(recipe), patch_(patch), seed_(seed) {}

Batch CameraNoisePatches::make(int64_t first, int64_t count) const {
  Batch batch = empty_batch(count, patch_);
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed_, uint64_t(first + i));
    const Tensor scene = photos_->crop(patch_, random);
    const PhotoNoise noise = random_photo_noise(recipe_.range, random);
    const NoisyPhoto photo = noisy_photo(scene, noise, random);
    copy_into(photo.noisy, batch.input, i);
    copy_into(photo.clean, batch.target, i);
    tell_grain(batch, i, random);
  }
  return batch;
}

std::string CameraNoisePatches::description() const {
  return fmt::format("patches {0}x{0} of photos shrunk by {1} with simulated cameras' noise",
                     patch_, fmt::join(recipe_.draw.shrink, " and "));
}

CleanPatches::CleanPatches(std::shared_ptr<const PhotoPool> photos, const CleanData& recipe,
                           int patch, uint64_t seed)
    : photos_(std::move(photos)), recipe_(recipe), patch_(patch), seed_(seed) {}

Batch CleanPatches::make(int64_t first, int64_t count) const {
  Batch batch = empty_batch(count, patch_);
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed_, uint64_t(first + i));
    Tensor photo = photos_->crop(patch_, random);
    for (size_t k = 0; k < photo.size(); ++k) photo.data()[k] = float(encode_srgb(photo.data()[k]));
    copy_into(photo, batch.input, i);
    copy_into(photo, batch.target, i);
    tell_grain(batch, i, random);
  }
  return batch;
}

std::string CleanPatches::description() const {
  return fmt::format("patches {0}x{0} of photos shrunk by {1} as they are", patch_,
                     fmt::join(recipe_.draw.shrink, " and "));
}

MixedPatches::MixedPatches(std::vector<Part> parts, uint64_t seed)
    : parts_(std::move(parts)), seed_(seed) {
  for (const Part& part : parts_) sum_ += part.share;
}

size_t MixedPatches::part_of(int64_t index) const {
  double place = Random(seed_ ^ choice_stream, uint64_t(index)).uniform() * sum_;
  for (size_t i = 0; i + 1 < parts_.size(); ++i) {
    if (place < parts_[i].share) return i;
    place -= parts_[i].share;
  }
  return parts_.size() - 1;
}

Batch MixedPatches::make(int64_t first, int64_t count) const {
  std::vector<torch::Tensor> inputs, targets, noise;
  for (int64_t i = first; i < first + count; ++i) {
    const Batch sample = parts_[part_of(i)].source->make(i, 1);
    inputs.push_back(sample.input);
    targets.push_back(sample.target);
    if (sample.noise.defined()) noise.push_back(sample.noise);
  }
  Batch batch;
  batch.input = torch::cat(inputs);
  batch.target = torch::cat(targets);
  if (int64_t(noise.size()) == count) batch.noise = torch::cat(noise);
  return batch;
}

std::string MixedPatches::description() const {
  std::string text;
  for (const Part& part : parts_)
    text += fmt::format("{}{:.0f} % {}", text.empty() ? "" : ", ", 100 * part.share / sum_,
                        part.source->description());
  return text;
}

}  // namespace hyperconv
