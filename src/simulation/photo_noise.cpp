#include "simulation/photo_noise.hpp"

#include <algorithm>
#include <cmath>

#include "image/jpeg.hpp"
#include "raw/colour.hpp"
#include "simulation/demosaic.hpp"

namespace hyperconv {
namespace {

/// Spread of read noise around its regression line, Brooks et al. 2019.
constexpr double read_spread = 0.26;

double log_uniform(double low, double high, Random& random) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

/// The sRGB curve from a table: a sample needs no more than a hundredth of an 8-bit step.
float encoded(float linear) {
  constexpr int intervals = 1 << 14;
  static const std::vector<float> table = [] {
    std::vector<float> values;
    for (int i = 0; i <= intervals + 1; ++i)
      values.push_back(float(encode_srgb(std::min(1.0, double(i) / intervals))));
    return values;
  }();
  const float place = std::clamp(linear, 0.0f, 1.0f) * intervals;
  const auto i = size_t(place);
  return table[i] + (place - float(i)) * (table[i + 1] - table[i]);
}

/// Camera RGB as the camera shows it, sRGB in [0,1].
Tensor shown(const Tensor& camera_rgb, const PhotoNoise& noise) {
  const Matrix3 colours = camera_to_srgb(noise.camera.xyz_to_camera);
  const int64_t plane = camera_rgb.shape().plane();
  const float* in = camera_rgb.data();
  Tensor picture(camera_rgb.shape());
  for (size_t c = 0; c < 3; ++c) {
    const auto red = float(noise.gain * colours[c][0]), green = float(noise.gain * colours[c][1]),
               blue = float(noise.gain * colours[c][2]);
    float* out = picture.data() + int64_t(c) * plane;
    for (int64_t i = 0; i < plane; ++i)
      out[i] = encoded(red * in[i] + green * in[plane + i] + blue * in[2 * plane + i]);
  }
  return picture;
}

std::vector<float> gaussian(double sigma) {
  const int reach = int(std::ceil(3 * sigma));
  std::vector<float> weights;
  float sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(float(std::exp(-0.5 * i * i / (sigma * sigma))));
    sum += weights.back();
  }
  for (float& weight : weights) weight /= sum;
  return weights;
}

/// `count` values, `step` apart, that are repeated at their ends.
void blur_line(float* line, int64_t count, int64_t step, const std::vector<float>& weights,
               std::vector<float>& copy) {
  copy.resize(size_t(count));
  for (int64_t i = 0; i < count; ++i) copy[size_t(i)] = line[i * step];
  const auto reach = int64_t(weights.size() / 2);
  for (int64_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int64_t k = -reach; k <= reach; ++k)
      sum += weights[size_t(k + reach)] * copy[size_t(std::clamp<int64_t>(i + k, 0, count - 1))];
    line[i * step] = sum;
  }
}

double deviation(const std::vector<float>& plane) {
  double squares = 0;
  for (const float value : plane) squares += double(value) * value;
  return std::sqrt(squares / double(plane.size()));
}

/// Coarser grain of the same strength.
void smooth(std::vector<float>& plane, int64_t height, int64_t width, double sigma) {
  if (sigma <= 0) return;
  const double before = deviation(plane);
  const std::vector<float> weights = gaussian(sigma);
  std::vector<float> copy;
  for (int64_t y = 0; y < height; ++y)
    blur_line(&plane[size_t(y * width)], width, 1, weights, copy);
  for (int64_t x = 0; x < width; ++x) blur_line(&plane[size_t(x)], height, width, weights, copy);
  const double after = deviation(plane);
  const auto factor = float(after > 0 ? before / after : 1);
  for (float& value : plane) value *= factor;
}

/// What a camera's own smoothing leaves of noise [1,3,H,W].
void soften(Tensor& residue, const PhotoNoise& noise) {
  if (noise.luma_blur <= 0 && noise.colour_blur <= 0) return;
  const auto& shape = residue.shape();
  const auto plane = size_t(shape.plane());
  std::vector<float> luma(plane), colour(plane);
  for (size_t i = 0; i < plane; ++i)
    luma[i] = (residue.data()[i] + residue.data()[plane + i] + residue.data()[2 * plane + i]) / 3;
  std::vector<float> smooth_luma = luma;
  smooth(smooth_luma, shape.h, shape.w, noise.luma_blur);
  for (size_t c = 0; c < 3; ++c) {
    float* values = residue.data() + c * plane;
    for (size_t i = 0; i < plane; ++i) colour[i] = values[i] - luma[i];
    smooth(colour, shape.h, shape.w, noise.colour_blur);
    for (size_t i = 0; i < plane; ++i)
      values[i] = smooth_luma[i] + float(noise.colour_share) * colour[i];
  }
}

Image to_image(const Tensor& picture) {
  const auto& shape = picture.shape();
  Image image{int(shape.w), int(shape.h), 3, {}, {}};
  std::vector<uint8_t> samples(image.count());
  const auto plane = size_t(shape.plane());
  for (size_t i = 0; i < plane; ++i)
    for (size_t c = 0; c < 3; ++c)
      samples[3 * i + c] =
          uint8_t(std::clamp(picture.data()[c * plane + i], 0.0f, 1.0f) * 255 + 0.5f);
  image.samples = std::move(samples);
  return image;
}

void from_image(const Image& image, Tensor& picture) {
  const auto& samples = std::get<std::vector<uint8_t>>(image.samples);
  const auto plane = size_t(picture.shape().plane());
  for (size_t i = 0; i < plane; ++i)
    for (size_t c = 0; c < 3; ++c) picture.data()[c * plane + i] = float(samples[3 * i + c]) / 255;
}

/// Rounded to 8 bits, or through a JPEG.
void store(Tensor& picture, int quality) {
  Image image = to_image(picture);
  if (quality > 0) image = decode_jpeg("a JPEG in memory", encode_jpeg("", image, quality));
  from_image(image, picture);
}

}  // namespace

PhotoNoise random_photo_noise(const PhotoNoiseRange& range, Random& random) {
  PhotoNoise noise;
  noise.camera = random_camera(random);
  noise.sensor.bits = 12 + 2 * int(random.below(2));
  if (random.uniform() < 0.5) noise.sensor.exposure = log_uniform(range.least_exposure, 1, random);
  // A camera brightens what it exposed too little: to nothing, in part or whole.
  noise.gain = log_uniform(1, 1 / noise.sensor.exposure, random);
  const double shot = log_uniform(range.least_shot, range.most_shot, random);
  noise.sensor.noise = {shot,
                        typical_read_noise(shot) * std::exp(read_spread * double(random.normal()))};
  if (random.uniform() < range.soft_share) {
    noise.luma_blur = random.uniform(0.4, 1.0);
    noise.colour_blur = random.uniform(0.5, 2.5);
    noise.colour_share = random.uniform(0.3, 1);
  }
  if (random.uniform() < range.jpeg_share)
    noise.jpeg_quality = range.least_quality + int(random.below(101 - range.least_quality));
  return noise;
}

NoisyPhoto noisy_photo(const Tensor& linear, const PhotoNoise& noise, Random& random) {
  const Tensor scene = scene_in_camera_colours(linear, noise.camera);
  SensorSettings quiet = noise.sensor;
  quiet.noise = {};
  NoisyPhoto photo;
  photo.clean = shown(clean_camera_rgb(scene, noise.camera, quiet), noise);
  photo.noisy =
      shown(bilinear_camera_rgb(expose(scene, noise.camera, noise.sensor, random)), noise);
  const Tensor without =
      shown(bilinear_camera_rgb(expose(scene, noise.camera, quiet, random)), noise);
  float* residue = photo.noisy.data();
  for (size_t i = 0; i < without.size(); ++i) residue[i] -= without.data()[i];
  soften(photo.noisy, noise);
  for (size_t i = 0; i < without.size(); ++i) residue[i] += photo.clean.data()[i];
  store(photo.noisy, noise.jpeg_quality);
  return photo;
}

}  // namespace hyperconv
