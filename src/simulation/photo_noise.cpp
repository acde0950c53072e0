#include "simulation/photo_noise.hpp"

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "image/jpeg.hpp"
#include "image/samples.hpp"
#include "raw/colour.hpp"

namespace hyperconv {
namespace {

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

void blur(std::vector<float>& plane, int64_t height, int64_t width, double sigma) {
  const std::vector<float> weights = gaussian(sigma);
  std::vector<float> copy;
  for (int64_t y = 0; y < height; ++y)
    blur_line(&plane[size_t(y * width)], width, 1, weights, copy);
  for (int64_t x = 0; x < width; ++x) blur_line(&plane[size_t(x)], height, width, weights, copy);
}

/// Coarser grain of the same strength.
void smooth(std::vector<float>& plane, int64_t height, int64_t width, double sigma) {
  if (sigma <= 0) return;
  const double before = deviation(plane);
  blur(plane, height, width, sigma);
  const double after = deviation(plane);
  const auto factor = float(after > 0 ? before / after : 1);
  for (float& value : plane) value *= factor;
}

/// What a camera's own smoothing and sharpening make of noise [1,3,H,W].
void soften(Tensor& residue, const PhotoNoise& noise) {
  if (noise.luma_blur <= 0 && noise.colour_blur <= 0 && noise.sharpening <= 0) return;
  const auto& shape = residue.shape();
  const auto plane = size_t(shape.plane());
  std::vector<float> luma(plane), colour(plane);
  for (size_t i = 0; i < plane; ++i)
    luma[i] = (residue.data()[i] + residue.data()[plane + i] + residue.data()[2 * plane + i]) / 3;
  std::vector<float> made = luma;
  smooth(made, shape.h, shape.w, noise.luma_blur);
  if (noise.sharpening > 0) {
    constexpr double radius = 1;  // pixels
    std::vector<float> coarse = made;
    blur(coarse, shape.h, shape.w, radius);
    for (size_t i = 0; i < plane; ++i) made[i] += float(noise.sharpening) * (made[i] - coarse[i]);
  }
  for (size_t c = 0; c < 3; ++c) {
    float* values = residue.data() + c * plane;
    for (size_t i = 0; i < plane; ++i) colour[i] = values[i] - luma[i];
    smooth(colour, shape.h, shape.w, noise.colour_blur);
    for (size_t i = 0; i < plane; ++i) values[i] = made[i] + float(noise.colour_share) * colour[i];
  }
}

/// Camera RGB to linear sRGB, brightened.
Tensor linear_picture(const Tensor& camera_rgb, const PhotoNoise& noise) {
  const Matrix3 colours = camera_to_srgb(noise.camera.xyz_to_camera);
  const int64_t plane = camera_rgb.shape().plane();
  const float* in = camera_rgb.data();
  Tensor picture(camera_rgb.shape());
  for (size_t c = 0; c < 3; ++c) {
    const auto red = float(noise.gain * colours[c][0]), green = float(noise.gain * colours[c][1]),
               blue = float(noise.gain * colours[c][2]);
    float* out = picture.data() + int64_t(c) * plane;
    for (int64_t i = 0; i < plane; ++i)
      out[i] = red * in[i] + green * in[plane + i] + blue * in[2 * plane + i];
  }
  return picture;
}

/// By how much each place of a clean picture is brightened: `lift` where its surroundings are
/// black, hardly at all from middle grey (0.18) on.
std::vector<float> brightening(const Tensor& linear, double lift) {
  const auto& shape = linear.shape();
  const auto plane = size_t(shape.plane());
  std::vector<float> light(plane);
  for (size_t i = 0; i < plane; ++i)
    light[i] = std::max(0.0f, luma_weights[0] * linear.data()[i] +
                                  luma_weights[1] * linear.data()[plane + i] +
                                  luma_weights[2] * linear.data()[2 * plane + i]);
  constexpr double surroundings = 6;  // pixels
  blur(light, shape.h, shape.w, surroundings);
  for (float& value : light) {
    const float darkness = 1 - std::sqrt(std::min(value, 1.0f));
    value = std::pow(float(lift), darkness * darkness * darkness * darkness);
  }
  return light;
}

/// Encoded, [0,1].
void render(Tensor& linear, const std::vector<float>& brighter, double contrast) {
  const auto plane = size_t(linear.shape().plane());
  const auto share = float(contrast);
  for (size_t c = 0; c < 3; ++c) {
    float* values = linear.data() + c * plane;
    for (size_t i = 0; i < plane; ++i) {
      const float value = encoded(brighter.empty() ? values[i] : values[i] * brighter[i]);
      values[i] = value + share * (value * value * (3 - 2 * value) - value);
    }
  }
}

/// Each pixel's three colours with noise of their own.
Tensor with_noise_of_its_own(Tensor camera_rgb, const PhotoNoise& noise, Random& random) {
  const auto plane = size_t(camera_rgb.shape().plane());
  const auto& balance = noise.camera.white_balance;
  const double least = std::ranges::min(balance);
  for (size_t c = 0; c < 3; ++c) {
    const auto gain = float(balance[c] / least);
    const auto shot = float(noise.sensor.noise.shot), read = float(noise.sensor.noise.read);
    float* values = camera_rgb.data() + c * plane;
    for (size_t i = 0; i < plane; ++i) {
      const float deviation = std::sqrt(shot * std::max(values[i] / gain, 0.0f) + read);
      values[i] = std::min(values[i] + gain * deviation * random.normal(), 1.0f);
    }
  }
  return camera_rgb;
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
  if (quality > 0) image = decode_jpeg("a JPEG in memory", encode_jpeg("", image, quality, 1));
  from_image(image, picture);
}

Demosaicking draw_demosaicking(const PhotoNoiseRange& range, Random& random) {
  const double place = random.uniform();
  const bool first = random.uniform() < 0.5;
  if (place < range.none_share) return Demosaicking::none;
  if (place < range.none_share + range.libraw_share)
    return first ? Demosaicking::ahd : Demosaicking::dht;
  return first ? Demosaicking::bilinear : Demosaicking::malvar;
}

SensorRange sensors_of(const PhotoNoiseRange& range) {
  const SensorRange sensors = all_sensors();
  return {.clean_share = 0,
          .least_shot = range.least_shot,
          .most_shot = range.most_shot,
          .read_slope = sensors.read_slope,
          .read_intercept = sensors.read_intercept,
          .read_spread = sensors.read_spread,
          .least_exposure = range.least_exposure,
          .bits = sensors.bits,
          .row_share = range.row_share,
          .lamp_share = range.lamp_share};
}

}  // namespace

PhotoNoise random_photo_noise(const PhotoNoiseRange& range, Random& random) {
  PhotoNoise noise;
  const RandomSensor sensor = draw_sensor(sensors_of(range), random);
  noise.camera = sensor.camera;
  noise.sensor = sensor.settings;
  noise.demosaicking = draw_demosaicking(range, random);
  // A camera brightens what it exposed too little: to nothing, in part or whole.
  noise.gain = log_uniform(1, 1 / noise.sensor.exposure, random);
  const auto happens = [&](double share) { return random.uniform() < share; };
  if (happens(range.lift_share)) noise.lift = log_uniform(1, range.most_lift, random);
  if (happens(range.contrast_share)) noise.contrast = random.uniform(0, 0.7);
  if (happens(range.soft_share)) {
    noise.luma_blur = random.uniform(0.3, range.most_luma_blur);
    noise.colour_blur = random.uniform(0.5, range.most_colour_blur);
    noise.colour_share = random.uniform(0.1, 1);
  }
  if (happens(range.sharp_share)) noise.sharpening = random.uniform(0, 1.5);
  const auto quality = [&] {
    return range.least_quality + int(random.below(101 - range.least_quality));
  };
  if (happens(range.jpeg_share)) {
    noise.jpeg_quality = quality();
    if (happens(range.again_share)) noise.first_quality = quality();
  }
  return noise;
}

NoisyPhoto noisy_photo(const Tensor& linear, const PhotoNoise& noise, Random& random) {
  const Tensor scene = scene_in_camera_colours(linear, noise.camera);
  SensorSettings quiet = noise.sensor;
  quiet.noise = {};
  quiet.row_noise = 0;
  const Tensor seen = clean_camera_rgb(scene, noise.camera, quiet);
  NoisyPhoto photo;
  Tensor without;
  if (noise.demosaicking == Demosaicking::none) {
    photo.noisy = with_noise_of_its_own(seen, noise, random);
    without = seen;
  } else {
    const auto mosaic = [&](const SensorSettings& sensor) {
      return expose(scene, noise.camera, sensor, random);
    };
    photo.noisy = demosaicked(mosaic(noise.sensor), noise.demosaicking);
    without = demosaicked(mosaic(quiet), noise.demosaicking);
  }
  photo.clean = linear_picture(seen, noise);
  std::vector<float> brighter;
  if (noise.lift > 1) brighter = brightening(photo.clean, noise.lift);
  photo.noisy = linear_picture(photo.noisy, noise);
  without = linear_picture(without, noise);
  for (Tensor* picture : {&photo.clean, &photo.noisy, &without})
    render(*picture, brighter, noise.contrast);
  float* residue = photo.noisy.data();
  for (size_t i = 0; i < without.size(); ++i) residue[i] -= without.data()[i];
  soften(photo.noisy, noise);
  for (size_t i = 0; i < without.size(); ++i) residue[i] += photo.clean.data()[i];
  for (const int quality : {noise.first_quality, noise.jpeg_quality})
    if (quality > 0)
      for (Tensor* picture : {&photo.noisy, &photo.clean}) store(*picture, quality);
  if (noise.jpeg_quality == 0) store(photo.noisy, 0);
  return photo;
}

}  // namespace hyperconv
