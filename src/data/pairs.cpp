#include "data/pairs.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "data/source.hpp"
#include "image/codec.hpp"

namespace hyperconv {
namespace {

/// Places in the RGGB cell, row by row, in the order of the packed channels: B, Gb, R, Gr.
constexpr std::array<int, 4> packed_places = {3, 1, 0, 2};

template <class Sample>
void pack(const std::vector<Sample>& samples, const Image& mosaic, double white, float* to) {
  const int height = mosaic.height / 2, width = mosaic.width / 2;
  const auto scale = float(white);
  for (const int place : packed_places)
    for (int y = 0; y < height; ++y) {
      const Sample* from = samples.data() + (2 * y + place / 2) * mosaic.width + place % 2;
      for (int x = 0; x < width; ++x) *to++ = float(from[2 * x]) / scale;
    }
}

template <class Sample>
void separate(const std::vector<Sample>& samples, float* to) {
  const auto scale = float(Sample(-1));
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = c; i < samples.size(); i += 3) *to++ = float(samples[i]) / scale;
}

/// Calls with the samples, which are never floats in a pair.
template <class F>
void with_samples(const Image& image, const F& work) {
  if (const auto* flat = std::get_if<std::vector<uint8_t>>(&image.samples))
    work(*flat);
  else
    work(std::get<std::vector<uint16_t>>(image.samples));
}

void fill_photo(const Image& photo, std::span<float> to) {
  assert(to.size() == photo.count());
  with_samples(photo, [&](const auto& samples) { separate(samples, to.data()); });
}

std::span<float> all(Tensor& tensor) { return {tensor.data(), tensor.size()}; }

}  // namespace

std::string to_string(Layout layout) {
  switch (layout) {
    case Layout::zrr:
      return "zrr";
    case Layout::simzrr:
      return "simzrr";
    case Layout::sidd_srgb:
      return "sidd-srgb";
    case Layout::sidd_blocks:
      return "sidd-blocks";
    case Layout::folders:
      return "folders";
    case Layout::suffixes:
      return "suffixes";
    case Layout::rhid:
      return "rhid";
  }
  return {};
}

std::string to_string(Split split) { return split == Split::train ? "train" : "test"; }

void fill_input(const Pair& pair, const InputKind& kind, std::span<float> input) {
  const auto pack_mosaic = [&](const MosaicInput& mosaic) {
    assert(input.size() == pair.input.count());
    with_samples(pair.input, [&](const auto& samples) {
      pack(samples, pair.input, mosaic.white, input.data());
    });
  };
  std::visit(Overloaded{pack_mosaic, [&](PhotoInput) { fill_photo(pair.input, input); }}, kind);
}

void fill_target(const Pair& pair, std::span<float> target) { fill_photo(pair.target, target); }

TensorPair to_tensors(const Pair& pair, const InputKind& kind) {
  const int64_t height = pair.target.height, width = pair.target.width;
  const bool is_mosaic = std::holds_alternative<MosaicInput>(kind);
  TensorPair tensors{
      is_mosaic ? Tensor({1, 4, height / 2, width / 2}) : Tensor({1, 3, height, width}),
      Tensor({1, 3, height, width})};
  fill_input(pair, kind, all(tensors.input));
  fill_target(pair, all(tensors.target));
  return tensors;
}

PairSet::PairSet(Layout layout, std::filesystem::path folder, InputKind kind,
                 std::shared_ptr<const PairSource> source)
    : layout_(layout), folder_(std::move(folder)), kind_(kind), source_(std::move(source)) {
  assert(source_ && source_->size() > 0);
}

size_t PairSet::size() const { return source_->size(); }
std::string PairSet::name(size_t index) const { return source_->name(index); }
Pair PairSet::decode(size_t index) const { return source_->decode(index); }
std::optional<std::string> PairSet::visible_damage(size_t index) const {
  return source_->visible_damage(index);
}

Pair PairSource::decode_window(size_t index, const ChooseWindow& choose) const {
  const Pair pair = decode(index);
  return cut(pair, chosen_window(choose, pair.name, pair.target.height, pair.target.width));
}

Window chosen_window(const ChooseWindow& choose, const std::string& name, int height, int width) {
  try {
    return choose(height, width);
  } catch (const Error& error) {
    fail("{}: {}", name, error.what());
  }
}

void check_pair(const Pair& pair, const InputKind& kind, const std::string& input_name,
                const std::string& target_name) {
  const bool is_mosaic = std::holds_alternative<MosaicInput>(kind);
  const auto check_channels = [](const Image& image, int channels, const std::string& name) {
    if (image.channels != channels)
      fail("{}: has {} channels; {} are wanted", name, image.channels, channels);
  };
  check_channels(pair.input, is_mosaic ? 1 : 3, input_name);
  check_channels(pair.target, 3, target_name);
  if (pair.input.width != pair.target.width || pair.input.height != pair.target.height)
    fail("{}: is {}x{} pixels, but {} has {}x{}", input_name, pair.input.width, pair.input.height,
         target_name, pair.target.width, pair.target.height);
  if (is_mosaic && (pair.input.width % 2 != 0 || pair.input.height % 2 != 0))
    fail("{}: is {}x{} samples; a mosaic's sides are even", input_name, pair.input.width,
         pair.input.height);
}

}  // namespace hyperconv
