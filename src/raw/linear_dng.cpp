// A developed photo -> DNG with three colours at every pixel.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include "base/file.hpp"
#include "raw/dng_file.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

// Where noise is left, cutting its lower half would colour the shadows that a photographer lifts.
constexpr float black = 512;
constexpr float white = 65535;

TiffDirectory levels_and_cleanness(int64_t channels) {
  TiffDirectory tags;
  tags.rationals(50714, std::vector<double>(size_t(channels), double(black)));
  tags.longs(50717, std::vector<uint32_t>(size_t(channels), uint32_t(white)));
  // A raw converter need not add noise reduction of its own: NoiseReductionApplied, 1 is ideal.
  tags.rationals(50935, std::array{1.0});
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
                      const Mosaic& facts) {
  const Shape& shape = camera_rgb.shape();
  assert(shape.n == 1 && (shape.c == 3 || shape.c == 1));
  const Quantiser quantise(facts.white_balance);
  PendingFile file(path);
  const auto channels = size_t(shape.c);
  file.write(dng_header({photometric_linear_raw, uint16_t(channels), shape.w, shape.h}, facts,
                        levels_and_cleanness(shape.c)));
  std::vector<uint16_t> row(size_t(shape.w) * channels);
  for (int64_t y = 0; y < shape.h; ++y) {
    for (size_t c = 0; c < channels; ++c) {
      const float* light = camera_rgb.row(0, int64_t(c), y);
      for (size_t x = 0; x < size_t(shape.w); ++x) row[channels * x + c] = quantise(light[x], c);
    }
    file.write({reinterpret_cast<const uint8_t*>(row.data()), row.size() * 2});
  }
  file.commit();
}

}  // namespace hyperconv
