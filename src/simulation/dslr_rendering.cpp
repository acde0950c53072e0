#include "simulation/dslr_rendering.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "image/samples.hpp"

namespace hyperconv {
namespace {

/// Of differences in luma: what is far beyond it is an edge and no texture.
constexpr float halo_limit = 0.15f;

void check(const DslrRendering& r) {
  if (!(r.contrast >= 0 && r.contrast <= 1))
    fail("a rendering's contrast is 0 to 1, not {}", r.contrast);
  for (const double strength : {r.local_contrast, r.saturation, r.sharpening})
    if (!(strength >= 0 && strength <= 2))
      fail("a rendering's strengths are 0 to 2, not {}", strength);
  for (const double radius : {r.local_radius, r.sharpening_radius})
    if (!(radius > 0 && radius <= 64))
      fail("a rendering's radii are above 0 and up to 64 pixels, not {}", radius);
}

int reach_of(double deviation) { return int(std::ceil(3 * deviation)); }

/// Weights at 0, 1, ... pixels from the middle.
std::vector<float> gaussian(double deviation) {
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i <= reach_of(deviation); ++i) {
    weights.push_back(std::exp(-double(i) * i / (2 * deviation * deviation)));
    sum += i == 0 ? weights.back() : 2 * weights.back();
  }
  std::vector<float> result;
  for (const double weight : weights) result.push_back(float(weight / sum));
  return result;
}

struct Plane {
  int64_t height = 0, width = 0;
  std::vector<float> samples;

  float* row(int64_t y) { return samples.data() + y * width; }
  const float* row(int64_t y) const { return samples.data() + y * width; }
};

/// A sum over rows, and over the columns of a row with its mirrored ends: both sides of the middle
/// together, so that a mirrored picture has a mirrored blur.
Plane blurred(const Plane& plane, double deviation) {
  const std::vector<float> weights = gaussian(deviation);
  const auto reach = int64_t(weights.size()) - 1;
  Plane result{plane.height, plane.width, std::vector<float>(plane.samples.size())};
  std::vector<float> line(size_t(plane.width + 2 * reach));
  for (int64_t y = 0; y < plane.height; ++y) {
    float* middle = line.data() + reach;
    const float* own = plane.row(y);
    for (int64_t x = 0; x < plane.width; ++x) middle[x] = weights[0] * own[x];
    for (int64_t k = 1; k <= reach; ++k) {
      const float* above = plane.row(mirrored(y - k, plane.height));
      const float* below = plane.row(mirrored(y + k, plane.height));
      const float weight = weights[size_t(k)];
      for (int64_t x = 0; x < plane.width; ++x) middle[x] += weight * (above[x] + below[x]);
    }
    for (int64_t k = 1; k <= reach; ++k) {
      middle[-k] = middle[mirrored(-k, plane.width)];
      middle[plane.width - 1 + k] = middle[mirrored(plane.width - 1 + k, plane.width)];
    }
    float* out = result.row(y);
    for (int64_t x = 0; x < plane.width; ++x) out[x] = weights[0] * middle[x];
    for (int64_t k = 1; k <= reach; ++k) {
      const float* left = middle - k;
      const float* right = middle + k;
      const float weight = weights[size_t(k)];
      for (int64_t x = 0; x < plane.width; ++x) out[x] += weight * (left[x] + right[x]);
    }
  }
  return result;
}

float limited(float difference) { return difference / (1 + std::abs(difference) / halo_limit); }

/// What is added to all colours.
Plane detail_of(const Plane& luma, const DslrRendering& r) {
  Plane detail{luma.height, luma.width, std::vector<float>(luma.samples.size())};
  if (r.local_contrast > 0) {
    const Plane wide = blurred(luma, r.local_radius);
    for (size_t i = 0; i < detail.samples.size(); ++i)
      detail.samples[i] += float(r.local_contrast) * limited(luma.samples[i] - wide.samples[i]);
  }
  if (r.sharpening > 0) {
    const Plane narrow = blurred(luma, r.sharpening_radius);
    for (size_t i = 0; i < detail.samples.size(); ++i)
      detail.samples[i] += float(r.sharpening) * (luma.samples[i] - narrow.samples[i]);
  }
  return detail;
}

}  // namespace

/// Photos come from cameras and have a tone curve already, which simulate_zrr() undoes for the
/// phone; what is set here is the further step from one camera's taste to another's, and no number
/// is taken from a camera.
/// - contrast 0.35: a middle tone's slope becomes 1.18, about what one step of a camera's contrast
///   setting does; a network has to learn it apart from exposure.
/// - local_contrast 0.35 at 8 pixels: "clarity". Photos of photos_free are about 1000 pixels wide,
///   so that it reaches a 40th of a photo (24 pixels), which every network here sees, and which
///   patches of 128 hold many times.
/// - saturation 0.15: a camera's "+1".
/// - sharpening 0.6 at 0.8 pixels: overshoots that an eye does not see at 1:1, but SSIM does.
DslrRendering standard_dslr() {
  return {.contrast = 0.35,
          .local_contrast = 0.35,
          .local_radius = 8,
          .saturation = 0.15,
          .sharpening = 0.6,
          .sharpening_radius = 0.8};
}

float dslr_tone(float sample, const DslrRendering& rendering) {
  const float smooth = sample * sample * (3 - 2 * sample);
  return sample + float(rendering.contrast) * (smooth - sample);
}

int dslr_reach(const DslrRendering& rendering) {
  check(rendering);
  int reach = 0;
  if (rendering.local_contrast > 0) reach = reach_of(rendering.local_radius);
  if (rendering.sharpening > 0) reach = std::max(reach, reach_of(rendering.sharpening_radius));
  return reach;
}

Tensor dslr_rendered(const Tensor& srgb, const DslrRendering& rendering) {
  check(rendering);
  const Shape& shape = srgb.shape();
  assert(shape.n == 1 && shape.c == 3);
  Tensor result(shape);
  const int64_t count = shape.plane();
  for (int64_t i = 0; i < 3 * count; ++i) result.data()[i] = dslr_tone(srgb.data()[i], rendering);
  float *red = result.row(0, 0, 0), *green = result.row(0, 1, 0), *blue = result.row(0, 2, 0);
  Plane luma{shape.h, shape.w, std::vector<float>(size_t(count))};
  for (int64_t i = 0; i < count; ++i)
    luma.samples[size_t(i)] =
        luma_weights[0] * red[i] + luma_weights[1] * green[i] + luma_weights[2] * blue[i];
  const Plane detail = detail_of(luma, rendering);
  const auto saturation = float(rendering.saturation);
  for (float* colour : {red, green, blue})
    for (int64_t i = 0; i < count; ++i) {
      const float beyond = saturation * (colour[i] - luma.samples[size_t(i)]);
      colour[i] = std::clamp(colour[i] + detail.samples[size_t(i)] + beyond, 0.f, 1.f);
    }
  return result;
}

Image dslr_rendered(const Image& photo, const DslrRendering& rendering) {
  assert(photo.channels == 3);
  const auto& samples = std::get<std::vector<uint8_t>>(photo.samples);
  Tensor srgb({1, 3, photo.height, photo.width});
  const int64_t plane = srgb.shape().plane();
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < plane; ++i)
      srgb.data()[c * plane + i] = float(samples[size_t(3 * i + c)]) / 255;
  const Tensor rendered = dslr_rendered(srgb, rendering);
  std::vector<uint8_t> rounded(samples.size());
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < plane; ++i)
      rounded[size_t(3 * i + c)] = uint8_t(rendered.data()[c * plane + i] * 255 + 0.5f);
  return {photo.width, photo.height, 3, std::move(rounded), {}};
}

}  // namespace hyperconv
