#include "data/phone.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>

#include "data/window.hpp"
#include "raw/colour.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

// The frame of the Huawei P20, in samples.
constexpr int frame_width = 3968, frame_height = 2976;
const double half_diagonal = std::hypot(frame_width, frame_height) / 2;

constexpr double least_blur = 0.45, more_blur_in_corners = 0.35;
// Three of the largest sigma.
constexpr int blur_reach = 3;
constexpr int least_black = 63, white = 1023;

/// To so many decimals: what a manifest says is what was simulated.
double rounded(double value, double decimals) {
  const double scale = std::pow(10, decimals);
  return std::round(value * scale) / scale;
}

double log_uniform(double low, double high, Random& random) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

Misalignment random_misalignment(int side, double misalign, Random& random) {
  if (misalign <= 0) return {};
  const double corner = side * std::numbers::sqrt2 / 2;
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  // The square root spreads the shifts evenly over the disc.
  const double length = misalign / 2 * std::sqrt(random.uniform());
  Misalignment result;
  result.shift_x = rounded(length * std::cos(angle), 3);
  result.shift_y = rounded(length * std::sin(angle), 3);
  result.turn = rounded(misalign / 4 / corner * random.uniform(-1, 1), 6);
  result.zoom = rounded(1 + misalign / 4 / corner * random.uniform(-1, 1), 6);
  return result;
}

/// How far a point may be moved, in whole pixels.
int reach_of(const Misalignment& m, int side) {
  if (m == Misalignment{}) return 0;
  const double corner = (side / 2.0 + blur_reach) * std::numbers::sqrt2;
  const double moved =
      std::hypot(m.shift_x, m.shift_y) + corner * (std::abs(m.turn) + std::abs(m.zoom - 1));
  constexpr int cubic_reach = 2;
  return int(std::ceil(moved)) + cubic_reach;
}

NoiseProfile noise_of(const Phone& phone, int iso) {
  switch (phone.noise) {
    case Phone::Noise::brooks_line: {
      const double shot = 0.012 * iso / 6400;
      return {shot, typical_read_noise(shot)};
    }
    case Phone::Noise::median_line:
      return noise_at_iso(iso, SensorKind::phone);
  }
  return {};
}

SensorSettings sensor_of(const Phone& phone, const PhoneShot& shot) {
  SensorSettings sensor{.cfa = Cfa::rggb,
                        .bits = 10,
                        .noise = noise_of(phone, shot.iso),
                        .exposure = shot.exposure,
                        .black = shot.black};
  sensor.row_noise = phone.row_noise * std::sqrt(sensor.noise.read);
  sensor.black_error = phone.black_error / double(white - shot.black);
  sensor.green_imbalance = phone.green_imbalance;
  sensor.hot_share = phone.hot_share;
  sensor.dead_share = phone.dead_share;
  return sensor;
}

// ---- Light

/// Encoded sample -> linear light as it was before the tone curve, for which Brooks et al. 2019
/// take smoothstep, 3x^2 - 2x^3.
const std::array<float, 256>& light_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (int i = 0; i < 256; ++i) {
      const double flat = 0.5 - std::sin(std::asin(1 - 2 * i / 255.0) / 3);
      values[size_t(i)] = float(decode_srgb(std::clamp(flat, 0.0, 1.0)));
    }
    return values;
  }();
  return table;
}

Tensor light_of(const Image& photo) {
  const auto& samples = std::get<std::vector<uint8_t>>(photo.samples);
  const auto& table = light_table();
  Tensor light({1, 3, photo.height, photo.width});
  const int64_t plane = light.shape().plane();
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < plane; ++i)
      light.data()[c * plane + i] = table[samples[size_t(3 * i + c)]];
  return light;
}

// ---- Geometry

/// Keys' cubic convolution with a = -1/2, for the four samples around a point.
std::array<float, 4> cubic_weights(float t) {
  return {((-0.5f * t + 1) * t - 0.5f) * t, (1.5f * t - 2.5f) * t * t + 1,
          ((-1.5f * t + 2) * t + 0.5f) * t, (0.5f * t - 0.5f) * t * t};
}

/// One place in a plane, between its samples.
struct Probe {
  int64_t first = 0;  ///< of the four rows and four columns around it
  std::array<float, 4> rows{}, columns{};

  float of(const float* plane, int64_t width) const {
    float sum = 0;
    for (int64_t y = 0; y < 4; ++y) {
      const float* row = plane + first + y * width;
      float line = 0;
      for (int64_t x = 0; x < 4; ++x) line += columns[size_t(x)] * row[x];
      sum += rows[size_t(y)] * line;
    }
    return std::clamp(sum, 0.f, 1.f);
  }
};

/// Takes `reach` from every side, and moves.
Tensor moved(const Tensor& light, const Misalignment& m, int reach) {
  const Shape& from = light.shape();
  Tensor result({1, 3, from.h - 2 * reach, from.w - 2 * reach});
  const double middle_y = double(result.shape().h - 1) / 2;
  const double middle_x = double(result.shape().w - 1) / 2;
  const double along = m.zoom * std::cos(m.turn), across = m.zoom * std::sin(m.turn);
  for (int64_t y = 0; y < result.shape().h; ++y)
    for (int64_t x = 0; x < result.shape().w; ++x) {
      const double px = double(x) - middle_x, py = double(y) - middle_y;
      const double u = along * px - across * py + m.shift_x + middle_x + reach;
      const double v = across * px + along * py + m.shift_y + middle_y + reach;
      const auto column = int64_t(std::floor(u)), row = int64_t(std::floor(v));
      assert(row >= 1 && column >= 1 && row + 2 < from.h && column + 2 < from.w);
      const Probe probe{(row - 1) * from.w + column - 1, cubic_weights(float(v - double(row))),
                        cubic_weights(float(u - double(column)))};
      for (int64_t c = 0; c < 3; ++c) result.at(0, c, y, x) = probe.of(light.row(0, c, 0), from.w);
    }
  return result;
}

// ---- Lens

using Kernel = std::array<float, 2 * blur_reach + 1>;

Kernel gaussian(double sigma) {
  std::array<double, std::tuple_size_v<Kernel>> weights{};
  double sum = 0;
  for (int i = 0; i < int(weights.size()); ++i)
    sum += weights[size_t(i)] =
        std::exp(-(i - blur_reach) * (i - blur_reach) / (2 * sigma * sigma));
  Kernel kernel{};
  for (size_t i = 0; i < kernel.size(); ++i) kernel[i] = float(weights[i] / sum);
  return kernel;
}

/// Takes blur_reach from every side.
Tensor blurred(const Tensor& light, const Kernel& kernel) {
  const Shape& from = light.shape();
  Tensor across({1, 3, from.h, from.w - 2 * blur_reach});
  for (int64_t row = 0; row < 3 * from.h; ++row) {
    const float* in = light.data() + row * from.w;
    float* out = across.data() + row * across.shape().w;
    for (int64_t x = 0; x < across.shape().w; ++x)
      for (size_t k = 0; k < kernel.size(); ++k) out[x] += kernel[k] * in[x + int64_t(k)];
  }
  Tensor result({1, 3, from.h - 2 * blur_reach, across.shape().w});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < result.shape().h; ++y) {
      float* out = result.row(0, c, y);
      for (size_t k = 0; k < kernel.size(); ++k) {
        const float* in = across.row(0, c, y + int64_t(k));
        for (int64_t x = 0; x < result.shape().w; ++x) out[x] += kernel[k] * in[x];
      }
    }
  return result;
}

/// Squared distance from the middle of the frame; 1 in its corners.
double radius_squared(double x, double y) {
  return (x * x + y * y) / (half_diagonal * half_diagonal);
}

void vignette(const Phone& phone, const PhoneShot& shot, Tensor& light) {
  const Shape& shape = light.shape();
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x) {
      const double from_middle_x = double(shot.frame_x) + double(x) - double(shape.w) / 2;
      const double from_middle_y = double(shot.frame_y) + double(y) - double(shape.h) / 2;
      const double radius = radius_squared(from_middle_x, from_middle_y);
      for (int64_t c = 0; c < 3; ++c) {
        const double loss = 1 + phone.vignetting[size_t(c)] * radius;
        light.at(0, c, y, x) *= float(1 / (loss * loss));
      }
    }
}

// ---- File

/// In 8 bits where that loses nothing.
Image smallest_image(Mosaic mosaic) {
  Image image{mosaic.width, mosaic.height, 1, {}, {}};
  const auto& samples = mosaic.samples;
  if (*std::ranges::max_element(samples) <= 255)
    image.samples = std::vector<uint8_t>(samples.begin(), samples.end());
  else
    image.samples = std::move(mosaic.samples);
  return image;
}

}  // namespace

// (1 + 0.414)^2 = 2: half the light in the corners.
Phone kind_phone() { return {}; }

/// Each fault is the size of what all_sensors() draws (simulation/random_sensor.cpp). Red loses an
/// eighth more than green in the corners, and blue a tenth less, as phones' lenses with their steep
/// rays and infrared filters do.
Phone faulty_phone() {
  return {.noise = Phone::Noise::median_line,
          .black_levels = 1,
          .vignetting = {0.5, 0.414, 0.35},
          .row_noise = 0.3,
          .black_error = 0.6,
          .green_imbalance = 0.012,
          .hot_share = 2e-4,
          .dead_share = 4e-5};
}

PhoneShot random_shot(const Phone& phone, int side, double misalign, Random& random) {
  PhoneShot shot;
  shot.exposure = rounded(log_uniform(0.25, 1, random), 4);
  // From lamp, with much red and little blue, to shade.
  const double coolness = random.uniform();
  shot.red = rounded((1.5 + 0.8 * coolness) * random.uniform(0.97, 1.03), 4);
  shot.blue = rounded((2.3 - 0.8 * coolness) * random.uniform(0.97, 1.03), 4);
  shot.iso = int(std::round(log_uniform(100, 1600, random)));
  shot.black = least_black + int(random.below(phone.black_levels));
  const auto place = [&](int length) {
    const int room = std::max(length - side, 0);
    return int(random.below(room + 1)) - room / 2;
  };
  shot.frame_x = place(frame_width);
  shot.frame_y = place(frame_height);
  shot.misalignment = random_misalignment(side, misalign, random);
  return shot;
}

Image phone_mosaic(const Phone& phone, const Image& photo, int top, int left, int side,
                   const PhoneShot& shot, Random& random) {
  assert(side % 2 == 0 && photo.channels == 3);
  const int reach = reach_of(shot.misalignment, side);
  const int margin = blur_reach + reach;
  Tensor light = light_of(cut(photo, {top - margin, left - margin, side + 2 * margin, {}}));
  if (reach > 0) light = moved(light, shot.misalignment, reach);
  const double off_axis = radius_squared(shot.frame_x, shot.frame_y);
  light = blurred(light, gaussian(least_blur + more_blur_in_corners * off_axis));
  const SimulatedCamera camera{phone_camera().xyz_to_camera, {shot.red, 1, shot.blue}};
  Tensor scene = scene_in_camera_colours(light, camera);
  vignette(phone, shot, scene);
  return smallest_image(expose(scene, camera, sensor_of(phone, shot), random));
}

}  // namespace hyperconv
