// A developed photo -> DNG with three colours at every pixel.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "raw/dng_file.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

// darktable 4.2 subtracts no black level of three-channel files (it shows them brighter, with
// purple shadows), RawTherapee 5.9 and LibRaw 0.20 each read another form of the tag wrongly: only
// a black level of 0 is the same to all. scripts/check-dng measures it.
constexpr float black = 0;
constexpr float white = 65535;

TiffDirectory levels(int64_t channels, const Mosaic& facts) {
  TiffDirectory tags;
  tags.rationals(50714, std::vector<double>(size_t(channels), double(black)));
  tags.longs(50717, std::vector<uint32_t>(size_t(channels), uint32_t(white)));
  // Of all planes the same: samples of one range whose light is balanced by the converter.
  if (facts.noise) tags.doubles(51041, std::array{facts.noise->shot, facts.noise->read});
  return tags;
}

/// White-balanced light -> sample, by colour: the white balance is taken back.
class Quantiser {
 public:
  explicit Quantiser(const std::array<double, 3>& white_balance) {
    const double least = std::ranges::min(white_balance);
    for (size_t c = 0; c < 3; ++c) scale_[c] = float((white - black) * least / white_balance[c]);
  }

  uint16_t operator()(float light, size_t colour) const {
    const float sample = black + scale_[colour] * std::min(light, 1.f);
    return sample > 0 ? uint16_t(sample + 0.5f) : uint16_t(0);  // NaN becomes 0
  }

 private:
  std::array<float, 3> scale_{};
};

}  // namespace

void write_linear_dng(const std::filesystem::path& path, const Tensor& camera_rgb,
                      const Mosaic& facts, const DngOptions& options) {
  const Shape& shape = camera_rgb.shape();
  assert(shape.n == 1 && (shape.c == 3 || shape.c == 1));
  const Quantiser quantise(facts.white_balance);
  const auto channels = size_t(shape.c);
  const auto row = [&](int64_t y, uint16_t* samples) {
    for (size_t c = 0; c < channels; ++c) {
      const float* light = camera_rgb.row(0, int64_t(c), y);
      for (size_t x = 0; x < size_t(shape.w); ++x)
        samples[channels * x + c] = quantise(light[x], c);
    }
  };
  write_dng_file(path, {photometric_linear_raw, uint16_t(channels), shape.w, shape.h}, facts,
                 levels(shape.c, facts), previews_of(camera_rgb, facts, options.threads), row,
                 options);
}

}  // namespace hyperconv
