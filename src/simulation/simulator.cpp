#include "simulation/simulator.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/fail.hpp"
#include "base/normals.hpp"
#include "base/wide.hpp"
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

// What happens to a pixel between lens and file, with everything that is the same for all pixels
// worked out.
struct Sensor {
  Sensor(const SimulatedCamera& camera, const SensorSettings& settings)
      : exposure(float(settings.exposure)),
        shot(float(settings.noise.shot)),
        read(float(settings.noise.read)),
        row(float(settings.row_noise)),
        white(float((1 << settings.bits) - 1)),
        black(float(settings.black.value_or((1 << settings.bits) / 64))),
        dark(black + (white - black) * float(settings.black_error)),
        least(settings.cuts_at_black ? black : 0) {
    const double smallest = std::ranges::min(camera.white_balance);
    for (size_t c = 0; c < 3; ++c) {
      gain[c] = float(1 / camera.white_balance[c]);
      balance[c] = float(camera.white_balance[c] / smallest);
      most[c] = black + (white - black) * float(settings.saturation[c]);
    }
    green = {float(1 + settings.green_imbalance / 2), float(1 - settings.green_imbalance / 2)};
  }

  float exposure, shot, read, row;
  float white, black;
  float dark;   ///< the true level of no light
  float least;  ///< that the file can hold
  std::array<float, 3> gain{}, balance{};
  std::array<float, 3> most{};       ///< level of saturation
  std::array<float, 2> green{1, 1};  ///< gains of green in red's rows and in blue's
};

/// Every second pixel of a row: all of one colour.
struct HalfRow {
  const float* light;    ///< of that colour at the first pixel; the next is two further
  const float* normals;  ///< likewise; null: no noise
  int64_t count;
  int colour;
  float gain;
  float offset;
};

// White-balanced camera RGB -> the light that reaches the pixel through each colour, 1 = full. A
// gain below 1 would leave white unsaturated; Brooks et al. fade it out from 0.9 on.
HYPERCONV_WIDE void find_light(const Sensor& sensor, const float* const* rgb, int64_t count,
                               float* const* light) {
  const float exposure = sensor.exposure;
  const float gains[3] = {sensor.gain[0], sensor.gain[1], sensor.gain[2]};
  const float *red = rgb[0], *green = rgb[1], *blue = rgb[2];
  float *red_light = light[0], *green_light = light[1], *blue_light = light[2];
  for (int64_t i = 0; i < count; ++i) {
    const float r = exposure * red[i], g = exposure * green[i], b = exposure * blue[i];
    const float reach = std::clamp(((r + g + b) / 3 - 0.9f) / 0.1f, 0.f, 1.f);
    const float fade = reach * reach;
    const auto lit = [&](float value, float gain) {
      return std::clamp(value * std::max(fade + (1 - fade) * gain, gain), 0.f, 1.f);
    };
    red_light[i] = lit(r, gains[0]);
    green_light[i] = lit(g, gains[1]);
    blue_light[i] = lit(b, gains[2]);
  }
}

// Light -> values of the file.
HYPERCONV_WIDE void record(const Sensor& sensor, const HalfRow& row, int32_t* values) {
  const float shot = sensor.shot, read = sensor.read, dark = sensor.dark;
  const float range = sensor.white - sensor.black, gain = row.gain, offset = row.offset;
  const float least = sensor.least, most = sensor.most[size_t(row.colour)];
  const float *light = row.light, *normals = row.normals;
  if (normals == nullptr) {
    for (int64_t i = 0; i < row.count; ++i) {
      const float level = dark + range * (gain * light[2 * i] + offset);
      values[i] = int32_t(std::clamp(level, least, most) + 0.5f);
    }
    return;
  }
  for (int64_t i = 0; i < row.count; ++i) {
    const float mean = gain * light[2 * i];
    const float noisy = mean + std::sqrt(shot * mean + read) * normals[2 * i];
    const float level = dark + range * (noisy + offset);
    values[i] = int32_t(std::clamp(level, least, most) + 0.5f);
  }
}

int32_t record(const Sensor& sensor, float light, int colour) {
  const float level = sensor.dark + (sensor.white - sensor.black) * light;
  return int32_t(std::clamp(level, sensor.least, sensor.most[size_t(colour)]) + 0.5f);
}

// As pack_mosaic normalises: black off, white-balanced, cut at 1.
HYPERCONV_WIDE void normalise(const Sensor& sensor, int colour, const int32_t* values,
                              int64_t count, float* out) {
  const float black = sensor.black, range = sensor.white - sensor.black;
  const float balance = sensor.balance[size_t(colour)];
  for (int64_t i = 0; i < count; ++i)
    out[i] = std::min((float(values[i]) - black) / range * balance, 1.f);
}

HYPERCONV_WIDE void scale_and_cut(const float* in, int64_t count, float factor, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = std::min(in[i] * factor, 1.f);
}

HYPERCONV_WIDE void mix_colours(const float* const* in, const Matrix3& matrix, int channel,
                                int64_t count, float* out) {
  const auto& row = matrix[size_t(channel)];
  const auto from_red = float(row[0]), from_green = float(row[1]), from_blue = float(row[2]);
  const float *red = in[0], *green = in[1], *blue = in[2];
  for (int64_t i = 0; i < count; ++i)
    out[i] = std::clamp(from_red * red[i] + from_green * green[i] + from_blue * blue[i], 0.f, 1.f);
}

/// A shot, row by row.
class Exposure {
 public:
  /// `rgb` are the three planes of the scene; without filters every pixel measures all of them.
  /// What is given must outlive it.
  Exposure(const Sensor& sensor, std::array<const float*, 3> rgb, int64_t width,
           const std::optional<ColourFilters>& cfa, const SensorNoise& noise)
      : sensor_(sensor),
        rgb_(rgb),
        width_(width),
        cfa_(cfa),
        noise_(noise),
        light_(3 * size_t(width)),
        values_(size_t(width + 1) / 2),
        of_colours_(cfa && cfa->x_trans() ? 3 * values_.size() : 0) {}

  /// Goes to a row; the three colours' light.
  std::array<const float*, 3> light(int64_t y) {
    y_ = y;
    const float* in[3];
    float* out[3];
    for (size_t c = 0; c < 3; ++c) {
      in[c] = rgb_[c] + y * width_;
      out[c] = light_.data() + c * size_t(width_);
    }
    find_light(sensor_, in, width_, out);
    return {out[0], out[1], out[2]};
  }

  int colour(int64_t x) const { return cfa_colour(*cfa_, y_, x); }

  /// What the file holds of the row's even (first 0) or odd (1) columns; until the next call.
  std::span<const int32_t> values(int64_t first) {
    const auto count = size_t(width_ + 1 - first) / 2;
    if (cfa_->bayer()) {
      record_as(colour(first), first, values_.data());
      return {values_.data(), count};
    }
    // Columns of X-Trans are of all colours: each is recorded as if they were of one.
    for (int c = 0; c < 3; ++c)
      record_as(c, first, of_colours_.data() + size_t(c) * values_.size());
    for (size_t i = 0; i < count; ++i) {
      const auto own = size_t(colour(first + 2 * int64_t(i)));
      values_[i] = of_colours_[own * values_.size() + i];
    }
    return {values_.data(), count};
  }

  /// The same of one colour, of a sensor that measures all of them at every pixel.
  std::span<const int32_t> values_of(int kind, int64_t first) {
    record_as(kind, first, values_.data());
    return {values_.data(), size_t(width_ + 1 - first) / 2};
  }

  /// What the file holds in a defective pixel instead of `value`.
  int32_t with_defect(const SensorNoise::Defect& defect, int colour, int32_t value) const {
    const int32_t own = record(sensor_, defect.light, colour);
    return defect.is_hot ? std::max(value, own) : std::min(value, own);
  }

 private:
  /// A sensor's greens differ by what stands beside them in the row: red, or blue. X-Trans' have
  /// both.
  float green_gain(int64_t first) const {
    if (!cfa_ || cfa_->x_trans()) return 1;
    return sensor_.green[colour(1 - first) == 0 ? 0 : 1];
  }

  void record_as(int kind, int64_t first, int32_t* values) const {
    const HalfRow row = {
        .light = light_.data() + kind * width_ + first,
        .normals = noise_.samples.empty() ? nullptr : noise_.samples.data() + y_ * width_ + first,
        .count = (width_ + 1 - first) / 2,
        .colour = kind,
        .gain = kind == 1 ? green_gain(first) : 1,
        .offset = noise_.rows.empty() ? 0 : sensor_.row * noise_.rows[size_t(y_)]};
    record(sensor_, row, values);
  }

  const Sensor& sensor_;
  std::array<const float*, 3> rgb_;
  int64_t width_;
  std::optional<ColourFilters> cfa_;
  const SensorNoise& noise_;
  std::vector<float> light_;
  std::vector<int32_t> values_;
  std::vector<int32_t> of_colours_;  ///< of X-Trans: as if all pixels were of each colour
  int64_t y_ = 0;
};

void check_levels(const SensorSettings& settings) {
  if (settings.bits < 10 || settings.bits > 16)
    fail("a simulated sensor has 10 to 16 bits, not {}", settings.bits);
  if (settings.black && (*settings.black < 0 || *settings.black >= (1 << settings.bits) - 1))
    fail("a black level of {} cannot be; 0 to {} can", *settings.black, (1 << settings.bits) - 2);
  if (!(settings.exposure > 0) || !std::isfinite(settings.exposure))
    fail("an exposure is a number above 0, not {}", settings.exposure);
}

void check(const SensorSettings& settings) {
  check_levels(settings);
  const auto is_size = [](double v) { return v >= 0 && std::isfinite(v); };
  if (!is_size(settings.noise.shot) || !is_size(settings.noise.read))
    fail("noise variances are 0 or more, not shot {} and read {}", settings.noise.shot,
         settings.noise.read);
  if (!is_size(settings.row_noise))
    fail("a deviation of rows is 0 or more, not {}", settings.row_noise);
  if (!(std::abs(settings.black_error) < 1) || !(std::abs(settings.green_imbalance) < 1))
    fail("a black level's error and an imbalance of green are below 1, not {} and {}",
         settings.black_error, settings.green_imbalance);
  for (const double level : settings.saturation)
    if (!(level > 0 && level <= 1))
      fail("a colour saturates above 0 and up to 1, not at {}", level);
  for (const double share : {settings.hot_share, settings.dead_share})
    if (!(share >= 0 && share <= 1)) fail("a share of pixels is 0 to 1, not {}", share);
}

/// `share` of the pixels, what is left over by chance.
void add_defects(double share, bool is_hot, size_t pixels, Random& random,
                 std::vector<SensorNoise::Defect>& defects) {
  if (share == 0) return;
  const auto count = size_t(share * double(pixels) + random.uniform());
  for (size_t i = 0; i < count; ++i) {
    const auto index = size_t(random.below(int64_t(pixels)));
    // From hardly seen to white.
    const double light = is_hot ? std::exp(random.uniform(std::log(0.02), 0)) : 0;
    defects.push_back({index, float(light), is_hot});
  }
}

struct IsoMedian {
  double iso, shot, read;
};
constexpr std::array<IsoMedian, 4> iso_medians = {
    {{100, 2.2e-5, 2.2e-8}, {1600, 2.5e-4, 7e-7}, {6400, 8.6e-4, 3.7e-6}, {25600, 2.4e-3, 1.2e-5}}};

/// Straight between the medians in logarithms, and on beyond them.
double through_medians(double x, double IsoMedian::*from, double IsoMedian::*to) {
  if (!(x > 0)) return 0;
  size_t i = 0;
  while (i + 2 < iso_medians.size() && x > iso_medians[i + 1].*from) ++i;
  const IsoMedian &low = iso_medians[i], &high = iso_medians[i + 1];
  const double place = std::log(x / low.*from) / std::log(high.*from / low.*from);
  return low.*to * std::pow(high.*to / low.*to, place);
}

/// Of a sensor's shot variance to that of APS-C.
double shot_factor(SensorKind kind) {
  switch (kind) {
    case SensorKind::full_frame:
      return 0.5;
    case SensorKind::aps_c:
      return 1;
    case SensorKind::phone:
      return 8;
  }
  return 1;
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

NoiseProfile noise_at_iso(double iso, SensorKind kind) {
  const double shot = shot_factor(kind) * through_medians(iso, &IsoMedian::iso, &IsoMedian::shot);
  return {shot, median_read_noise(shot)};
}

double median_read_noise(double shot) {
  return through_medians(shot, &IsoMedian::shot, &IsoMedian::read);
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

SensorNoise draw_noise(const SensorSettings& settings, int height, int width, NormalNumbers numbers,
                       Random& random) {
  check(settings);
  const auto pixels = size_t(height) * size_t(width);
  const auto fill = [&](std::vector<float>& values, size_t count) {
    values.resize(count);
    if (numbers == NormalNumbers::table)
      fill_normal(values, random);
    else
      for (float& value : values) value = random.normal();
  };
  SensorNoise noise;
  if (settings.noise != NoiseProfile{}) fill(noise.samples, pixels);
  if (settings.row_noise > 0) fill(noise.rows, size_t(height));
  add_defects(settings.hot_share, true, pixels, random, noise.defects);
  add_defects(settings.dead_share, false, pixels, random, noise.defects);
  return noise;
}

Tensor scene_in_camera_colours(const Tensor& linear, const SimulatedCamera& camera) {
  const Matrix3 matrix = srgb_to_camera(camera.xyz_to_camera);
  Tensor result(linear.shape());
  const float* planes[3] = {linear.row(0, 0, 0), linear.row(0, 1, 0), linear.row(0, 2, 0)};
  for (int c = 0; c < 3; ++c)
    mix_colours(planes, matrix, c, linear.shape().plane(), result.row(0, c, 0));
  return result;
}

Mosaic expose(const Tensor& camera_rgb, const SimulatedCamera& camera,
              const SensorSettings& settings, const SensorNoise& noise) {
  check(settings);
  const Sensor sensor(camera, settings);
  Mosaic mosaic;
  mosaic.width = int(camera_rgb.shape().w);
  mosaic.height = int(camera_rgb.shape().h);
  mosaic.samples.resize(size_t(camera_rgb.shape().plane()));
  mosaic.cfa = settings.cfa;
  mosaic.black.fill(double(sensor.black));
  mosaic.white = double(sensor.white);
  mosaic.white_balance = camera.white_balance;
  mosaic.xyz_to_camera = camera.xyz_to_camera;
  mosaic.noise = settings.noise;
  mosaic.shot.make = "hyperconv";
  mosaic.shot.model = "simulated camera";
  Exposure exposure(sensor,
                    {camera_rgb.row(0, 0, 0), camera_rgb.row(0, 1, 0), camera_rgb.row(0, 2, 0)},
                    mosaic.width, settings.cfa, noise);
  for (int64_t y = 0; y < mosaic.height; ++y) {
    exposure.light(y);
    for (int64_t first = 0; first < 2; ++first) {
      uint16_t* out = mosaic.samples.data() + y * mosaic.width + first;
      for (const int32_t value : exposure.values(first)) {
        *out = uint16_t(value);
        out += 2;
      }
    }
  }
  for (const auto& defect : noise.defects) {
    const auto width = size_t(mosaic.width);
    const int colour =
        cfa_colour(settings.cfa, int64_t(defect.index / width), int64_t(defect.index % width));
    uint16_t& sample = mosaic.samples[defect.index];
    sample = uint16_t(exposure.with_defect(defect, colour, sample));
  }
  return mosaic;
}

Mosaic expose(const Tensor& camera_rgb, const SimulatedCamera& camera,
              const SensorSettings& settings, Random& random) {
  const SensorNoise noise =
      draw_noise(settings, int(camera_rgb.shape().h), int(camera_rgb.shape().w),
                 NormalNumbers::one_by_one, random);
  return expose(camera_rgb, camera, settings, noise);
}

Tensor expose_colours(const Tensor& camera_rgb, const SimulatedCamera& camera,
                      const SensorSettings& settings, const std::array<SensorNoise, 3>& noise) {
  check(settings);
  const Sensor sensor(camera, settings);
  const Shape& shape = camera_rgb.shape();
  const float range = sensor.white - sensor.black;
  Tensor light(shape);
  for (int c = 0; c < 3; ++c) {
    const float balance = sensor.balance[size_t(c)];
    const auto light_of = [&](int32_t value) {
      return (float(value) - sensor.black) / range * balance;
    };
    Exposure exposure(sensor,
                      {camera_rgb.row(0, 0, 0), camera_rgb.row(0, 1, 0), camera_rgb.row(0, 2, 0)},
                      shape.w, std::nullopt, noise[size_t(c)]);
    for (int64_t y = 0; y < shape.h; ++y) {
      exposure.light(y);
      for (int64_t first = 0; first < 2; ++first) {
        float* out = light.row(0, c, y) + first;
        for (const int32_t value : exposure.values_of(c, first)) {
          *out = light_of(value);
          out += 2;
        }
      }
    }
    for (const auto& defect : noise[size_t(c)].defects) {
      float& pixel = light.row(0, c, 0)[defect.index];
      const float own = light_of(record(sensor, defect.light, c));
      pixel = defect.is_hot ? std::max(pixel, own) : std::min(pixel, own);
    }
  }
  return light;
}

Tensor clean_camera_rgb(const Tensor& camera_rgb, const SimulatedCamera& camera,
                        const SensorSettings& settings) {
  check(settings);
  const Sensor sensor(camera, settings);
  Tensor clean(camera_rgb.shape());
  const int64_t plane = camera_rgb.shape().plane();
  const float* in[3] = {camera_rgb.row(0, 0, 0), camera_rgb.row(0, 1, 0), camera_rgb.row(0, 2, 0)};
  float* out[3] = {clean.row(0, 0, 0), clean.row(0, 1, 0), clean.row(0, 2, 0)};
  find_light(sensor, in, plane, out);
  for (size_t c = 0; c < 3; ++c) scale_and_cut(out[c], plane, sensor.balance[c], out[c]);
  return clean;
}

void expose_patch(std::span<const float> camera_rgb, int height, int width,
                  const SimulatedCamera& camera, const SensorSettings& settings,
                  const SensorNoise& noise, std::span<float> cells, std::span<float> clean) {
  check(settings);
  const int64_t plane = int64_t(height) * width, side = settings.cfa.bayer() ? 2 : XTrans::side;
  assert(settings.cfa == Cfa::rggb || settings.cfa == XTrans{});
  assert(height % side == 0 && width % side == 0 && int64_t(camera_rgb.size()) == 3 * plane);
  assert(int64_t(cells.size()) == plane && int64_t(clean.size()) == 3 * plane);
  const Sensor sensor(camera, settings);
  const float* rgb = camera_rgb.data();
  Exposure exposure(sensor, {rgb, rgb + plane, rgb + 2 * plane}, width, settings.cfa, noise);
  // Of a pixel, in the cells: its place is the channel.
  const auto cell_at = [&](int64_t y, int64_t x) {
    const int64_t channel = side * (y % side) + x % side;
    return cells.data() + channel * (plane / (side * side)) + y / side * (width / side) + x / side;
  };
  for (int64_t y = 0; y < height; ++y) {
    const auto light = exposure.light(y);
    for (int64_t c = 0; c < 3; ++c)
      scale_and_cut(light[size_t(c)], width, sensor.balance[size_t(c)],
                    clean.data() + c * plane + y * width);
    for (int64_t first = 0; first < 2; ++first) {
      const auto values = exposure.values(first);
      if (settings.cfa.bayer()) {
        normalise(sensor, exposure.colour(first), values.data(), int64_t(values.size()),
                  cell_at(y, first));
        continue;
      }
      for (size_t i = 0; i < values.size(); ++i) {
        const int64_t x = first + 2 * int64_t(i);
        normalise(sensor, exposure.colour(x), &values[i], 1, cell_at(y, x));
      }
    }
  }
  for (const auto& defect : noise.defects) {
    const auto y = int64_t(defect.index) / width, x = int64_t(defect.index) % width;
    const int colour = cfa_colour(settings.cfa, y, x);
    float* cell = cell_at(y, x);
    const int32_t own = record(sensor, defect.light, colour);
    float shown = 0;
    normalise(sensor, colour, &own, 1, &shown);
    *cell = defect.is_hot ? std::max(*cell, shown) : std::min(*cell, shown);
  }
}

}  // namespace hyperconv
