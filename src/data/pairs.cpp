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
Tensor packed(const std::vector<Sample>& samples, const Image& mosaic, double white) {
  const int64_t height = mosaic.height / 2, width = mosaic.width / 2;
  const auto scale = float(white);
  Tensor result({1, 4, height, width});
  for (int64_t c = 0; c < 4; ++c) {
    const int place = packed_places[size_t(c)];
    for (int64_t y = 0; y < height; ++y) {
      const Sample* from = samples.data() + (2 * y + place / 2) * mosaic.width + place % 2;
      float* to = result.row(0, c, y);
      for (int64_t x = 0; x < width; ++x) to[x] = float(from[2 * x]) / scale;
    }
  }
  return result;
}

template <class Sample>
Tensor planes(const std::vector<Sample>& samples, const Image& photo) {
  Tensor result({1, 3, photo.height, photo.width});
  const int64_t plane = result.shape().plane();
  for (int64_t c = 0; c < 3; ++c) {
    float* to = result.row(0, c, 0);
    for (int64_t i = 0; i < plane; ++i) to[i] = float(samples[size_t(3 * i + c)]) / Sample(-1);
  }
  return result;
}

/// Calls with the samples, which are never floats in a pair.
template <class F>
Tensor with_samples(const Image& image, const F& work) {
  if (const auto* flat = std::get_if<std::vector<uint8_t>>(&image.samples)) return work(*flat);
  return work(std::get<std::vector<uint16_t>>(image.samples));
}

Tensor photo_tensor(const Image& photo) {
  return with_samples(photo, [&](const auto& samples) { return planes(samples, photo); });
}

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

std::string to_string(Part part) { return part == Part::train ? "train" : "test"; }

TensorPair to_tensors(const Pair& pair, const InputKind& kind) {
  const auto pack = [&](const MosaicInput& input) {
    return with_samples(
        pair.input, [&](const auto& samples) { return packed(samples, pair.input, input.white); });
  };
  return {std::visit(Overloaded{pack, [&](PhotoInput) { return photo_tensor(pair.input); }}, kind),
          photo_tensor(pair.target)};
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
  return cut(pair, choose(pair.target.height, pair.target.width));
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
