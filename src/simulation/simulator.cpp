#include "simulation/simulator.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/fail.hpp"
#include "raw/colour.hpp"

namespace hyperconv {
namespace {

// XYZ (D65) to camera, as Adobe published them in DNG files; the four that Brooks et al. mix.
constexpr Matrix3 nexus_6p = {
    {{1.0234, -0.2969, -0.2266}, {-0.5625, 1.6328, -0.0469}, {-0.0703, 0.2188, 0.6406}}};
constexpr Matrix3 sony_a7r = {
    {{0.4913, -0.0541, -0.0202}, {-0.6130, 1.3513, 0.2906}, {-0.1564, 0.2151, 0.7183}}};
constexpr Matrix3 olympus_em10 = {
    {{0.8380, -0.2630, -0.0639}, {-0.2887, 1.0725, 0.2496}, {-0.0627, 0.1427, 0.5438}}};
constexpr Matrix3 sony_rx100_iv = {
    {{0.6596, -0.2079, -0.0562}, {-0.4782, 1.3016, 0.1933}, {-0.0970, 0.1581, 0.5181}}};
constexpr std::array<Matrix3, 4> published_cameras = {nexus_6p, sony_a7r, olympus_em10,
                                                      sony_rx100_iv};

// In double and rounded to float, so that the last bit of a machine's pow does not show.
float decode(double encoded) { return float(decode_srgb(std::clamp(encoded, 0.0, 1.0))); }

template <class Sample>
const std::vector<float>& decoding_table() {
  static const std::vector<float> table = [] {
    constexpr int largest = std::numeric_limits<Sample>::max();
    std::vector<float> values(size_t(largest) + 1);
    for (int i = 0; i <= largest; ++i) values[size_t(i)] = decode(double(i) / largest);
    return values;
  }();
  return table;
}

// Sample -> linear light.
template <class Sample>
struct Decoder {
  const float* table = decoding_table<Sample>().data();
  float operator()(Sample sample) const { return table[sample]; }
};
template <>
struct Decoder<float> {
  float operator()(float sample) const { return std::isnan(sample) ? 0 : decode(sample); }
};

// One channel of the photo, shrunk: mean over squares of linear light.
template <class Sample>
void decode_channel(const std::vector<Sample>& samples, const Image& photo, int channel, int shrink,
                    int plane, Tensor& linear) {
  const Decoder<Sample> decoded;
  const auto stride = size_t(photo.width) * size_t(photo.channels);
  const double share = 1.0 / (double(shrink) * shrink);
  for (int64_t y = 0; y < linear.shape().h; ++y) {
    float* out = linear.row(0, plane, y);
    for (int64_t x = 0; x < linear.shape().w; ++x) {
      double sum = 0;
      for (int dy = 0; dy < shrink; ++dy) {
        const Sample* in = samples.data() + size_t(y * shrink + dy) * stride + size_t(channel);
        for (int dx = 0; dx < shrink; ++dx) sum += decoded(in[(x * shrink + dx) * photo.channels]);
      }
      out[x] = float(sum * share);
    }
  }
}

// What happens to one pixel between lens and file, with everything that is the same for all pixels
// worked out.
class Sensor {
 public:
  Sensor(const SimulatedCamera& camera, const SensorSettings& settings)
      : exposure_(float(settings.exposure)),
        shot_(float(settings.noise.shot)),
        read_(float(settings.noise.read)),
        noisy_(settings.noise != NoiseProfile{}),
        white_(float((1 << settings.bits) - 1)),
        black_(float(settings.black.value_or((1 << settings.bits) / 64))) {
    const double least = std::ranges::min(camera.white_balance);
    for (int c = 0; c < 3; ++c) {
      gain_[c] = float(1 / camera.white_balance[c]);
      balance_[c] = float(camera.white_balance[c] / least);
    }
  }

  double black() const { return black_; }
  double white() const { return white_; }

  // White-balanced camera RGB -> the light that reaches the pixel through each colour, 1 = full.
  // A gain below 1 would leave white unsaturated; Brooks et al. fade it out from 0.9 on.
  std::array<float, 3> light(float red, float green, float blue) const {
    std::array<float, 3> rgb = {exposure_ * red, exposure_ * green, exposure_ * blue};
    const float grey = (rgb[0] + rgb[1] + rgb[2]) / 3;
    const float reach = std::clamp((grey - 0.9f) / 0.1f, 0.f, 1.f);
    const float fade = reach * reach;
    for (int c = 0; c < 3; ++c) {
      const float gain = std::max(fade + (1 - fade) * gain_[c], gain_[c]);
      rgb[c] = std::clamp(rgb[c] * gain, 0.f, 1.f);
    }
    return rgb;
  }

  uint16_t sample(float light, Random& random) const {
    if (noisy_) light += std::sqrt(shot_ * light + read_) * random.normal();
    const float level = std::clamp(black_ + (white_ - black_) * light, 0.f, white_);
    return uint16_t(level + 0.5f);
  }

  // As pack_mosaic normalises: black off, white-balanced, cut at 1.
  float normalised(uint16_t sample, int colour) const {
    return balanced((float(sample) - black_) / (white_ - black_), colour);
  }
  float balanced(float light, int colour) const { return std::min(light * balance_[colour], 1.f); }

 private:
  float exposure_, shot_, read_;
  bool noisy_;
  float white_, black_;
  std::array<float, 3> gain_{}, balance_{};
};

void check(const SensorSettings& settings) {
  if (settings.bits < 10 || settings.bits > 14)
    fail("a simulated sensor has 10 to 14 bits, not {}", settings.bits);
  if (settings.black && (*settings.black < 0 || *settings.black >= (1 << settings.bits) - 1))
    fail("a black level of {} cannot be; 0 to {} can", *settings.black, (1 << settings.bits) - 2);
  if (!(settings.exposure > 0) || !std::isfinite(settings.exposure))
    fail("an exposure is a number above 0, not {}", settings.exposure);
  const auto is_variance = [](double v) { return v >= 0 && std::isfinite(v); };
  if (!is_variance(settings.noise.shot) || !is_variance(settings.noise.read))
    fail("noise variances are 0 or more, not shot {} and read {}", settings.noise.shot,
         settings.noise.read);
}

}  // namespace

SimulatedCamera standard_camera() { return {olympus_em10, daylight_white_balance(olympus_em10)}; }

SimulatedCamera phone_camera() { return {nexus_6p, daylight_white_balance(nexus_6p)}; }

SimulatedCamera random_camera(Random& random) {
  std::array<double, published_cameras.size()> weights{};
  double sum = 0;
  for (double& weight : weights) sum += weight = random.uniform(1e-8, 1);
  SimulatedCamera camera;
  for (size_t i = 0; i < weights.size(); ++i)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column)
        camera.xyz_to_camera[row][column] += weights[i] / sum * published_cameras[i][row][column];
  const double red = random.uniform(1.9, 2.4);
  const double blue = random.uniform(1.5, 1.9);
  camera.white_balance = {red, 1, blue};
  return camera;
}

NoiseProfile noise_at_iso(double iso) {
  const double shot = 0.012 * iso / 6400;
  return {shot, typical_read_noise(shot)};
}

double typical_read_noise(double shot) {
  return shot > 0 ? std::exp(2.18 * std::log(shot) + 1.20) : 0;
}

Tensor linear_srgb(const Image& photo, int shrink) {
  if (shrink < 1) fail("a photo is shrunk by 1 or more, not {}", shrink);
  const int height = photo.height / shrink;
  const int width = photo.width / shrink;
  if (height < 1 || width < 1)
    fail("a photo of {}x{} pixels cannot be shrunk by {}", photo.width, photo.height, shrink);
  Tensor linear({1, 3, height, width});
  const bool is_colour = photo.channels >= 3;
  std::visit(
      [&](const auto& samples) {
        for (int c = 0; c < 3; ++c)
          decode_channel(samples, photo, is_colour ? c : 0, shrink, c, linear);
      },
      photo.samples);
  return linear;
}

Tensor scene_in_camera_colours(const Tensor& linear, const SimulatedCamera& camera) {
  const Matrix3 matrix = srgb_to_camera(camera.xyz_to_camera);
  const int64_t count = linear.shape().plane();
  Tensor result(linear.shape());
  const float* red = linear.row(0, 0, 0);
  const float* green = linear.row(0, 1, 0);
  const float* blue = linear.row(0, 2, 0);
  for (int c = 0; c < 3; ++c) {
    const auto from_red = float(matrix[c][0]);
    const auto from_green = float(matrix[c][1]);
    const auto from_blue = float(matrix[c][2]);
    float* out = result.row(0, c, 0);
    for (int64_t i = 0; i < count; ++i) {
      const float value = from_red * red[i] + from_green * green[i] + from_blue * blue[i];
      out[i] = std::clamp(value, 0.f, 1.f);
    }
  }
  return result;
}

Mosaic expose(const Tensor& camera_rgb, const SimulatedCamera& camera,
              const SensorSettings& settings, Random& random) {
  check(settings);
  const Sensor sensor(camera, settings);
  Mosaic mosaic;
  mosaic.width = int(camera_rgb.shape().w);
  mosaic.height = int(camera_rgb.shape().h);
  mosaic.samples.resize(size_t(camera_rgb.shape().plane()));
  mosaic.cfa = settings.cfa;
  mosaic.black.fill(sensor.black());
  mosaic.white = sensor.white();
  mosaic.white_balance = camera.white_balance;
  mosaic.xyz_to_camera = camera.xyz_to_camera;
  mosaic.noise = settings.noise;
  mosaic.shot.make = "hyperconv";
  mosaic.shot.model = "simulated camera";
  for (int y = 0; y < mosaic.height; ++y) {
    const float* red = camera_rgb.row(0, 0, y);
    const float* green = camera_rgb.row(0, 1, y);
    const float* blue = camera_rgb.row(0, 2, y);
    const int colours[2] = {cfa_colour(settings.cfa, y, 0), cfa_colour(settings.cfa, y, 1)};
    uint16_t* out = mosaic.samples.data() + size_t(y) * size_t(mosaic.width);
    for (int x = 0; x < mosaic.width; ++x) {
      const auto light = sensor.light(red[x], green[x], blue[x]);
      out[x] = sensor.sample(light[size_t(colours[x & 1])], random);
    }
  }
  return mosaic;
}

Tensor clean_camera_rgb(const Tensor& camera_rgb, const SimulatedCamera& camera,
                        const SensorSettings& settings) {
  check(settings);
  const Sensor sensor(camera, settings);
  Tensor clean(camera_rgb.shape());
  const int64_t plane = camera_rgb.shape().plane();
  const float* in = camera_rgb.data();
  float* out = clean.data();
  for (int64_t i = 0; i < plane; ++i) {
    const auto light = sensor.light(in[i], in[plane + i], in[2 * plane + i]);
    for (int c = 0; c < 3; ++c) out[c * plane + i] = sensor.balanced(light[size_t(c)], c);
  }
  return clean;
}

void expose_patch(std::span<const float> camera_rgb, int height, int width,
                  const SimulatedCamera& camera, const SensorSettings& settings, Random& random,
                  std::span<float> cells, std::span<float> clean) {
  check(settings);
  const size_t plane = size_t(height) * size_t(width);
  assert(height % 2 == 0 && width % 2 == 0 && camera_rgb.size() == 3 * plane);
  assert(cells.size() == plane && clean.size() == 3 * plane);
  const Sensor sensor(camera, settings);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const size_t i = size_t(y) * size_t(width) + size_t(x);
      const auto light =
          sensor.light(camera_rgb[i], camera_rgb[plane + i], camera_rgb[2 * plane + i]);
      for (int c = 0; c < 3; ++c)
        clean[size_t(c) * plane + i] = sensor.balanced(light[size_t(c)], c);
      const int place = 2 * (y & 1) + (x & 1);  // in the cell: R G / G B
      const int colour = (y & 1) + (x & 1);
      const size_t cell = size_t(y / 2) * size_t(width / 2) + size_t(x / 2);
      cells[size_t(place) * (plane / 4) + cell] =
          sensor.normalised(sensor.sample(light[size_t(colour)], random), colour);
    }
  }
}

}  // namespace hyperconv
