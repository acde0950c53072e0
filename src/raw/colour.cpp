#include "raw/colour.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/threads.hpp"

namespace hyperconv {
namespace {

// A camera's matrix has entries around 1; what is smaller than this is no matrix but damage.
constexpr double smallest_divisor = 1e-9;

// Also false for NaN.
bool can_divide_by(double value) {
  return std::isfinite(value) && std::abs(value) > smallest_divisor;
}

// A space's curve from a table: between its points it is straight to 1e-6 at most, a tenth of a
// step, but for the steep beginning of a plain power, which is computed.
class EncodingTable {
 public:
  explicit EncodingTable(OutputSpace space) : curve_(colours_of(space).curve) {
    for (size_t i = 0; i < table_.size(); ++i)
      table_[i] = float(65535 * encoded(space, double(i) / intervals));
    table_[intervals + 1] = table_[intervals];  // beside 1.0
    if (std::holds_alternative<GammaCurve>(curve_)) steep_ = 64;
  }

  uint16_t operator()(float linear) const {
    // Written so that NaN becomes black.
    const float place = (linear > 0 ? std::min(linear, 1.f) : 0.f) * intervals;
    if (place < steep_) return uint16_t(65535 * encode(curve_, double(place) / intervals) + 0.5);
    const auto i = size_t(place);
    return uint16_t(table_[i] + (place - float(i)) * (table_[i + 1] - table_[i]) + 0.5f);
  }

 private:
  double encoded(OutputSpace space, double light) const {
    return space == OutputSpace::srgb ? encode_srgb(light) : encode(curve_, light);
  }

  static constexpr int intervals = 1 << 16;
  Curve curve_;
  float steep_ = 0;  // intervals
  std::vector<float> table_ = std::vector<float>(intervals + 2);
};

const EncodingTable& encoding_of(OutputSpace space) {
  switch (space) {
    case OutputSpace::srgb:
      break;
    case OutputSpace::display_p3: {
      static const EncodingTable table(OutputSpace::display_p3);
      return table;
    }
    case OutputSpace::adobe_rgb: {
      static const EncodingTable table(OutputSpace::adobe_rgb);
      return table;
    }
    case OutputSpace::prophoto: {
      static const EncodingTable table(OutputSpace::prophoto);
      return table;
    }
    case OutputSpace::rec2020: {
      static const EncodingTable table(OutputSpace::rec2020);
      return table;
    }
  }
  static const EncodingTable srgb(OutputSpace::srgb);
  return srgb;
}

using Xyz = std::array<double, 3>;

Xyz xyz_of(const Chromaticity& c) { return {c.x / c.y, 1, (1 - c.x - c.y) / c.y}; }

Matrix3 diagonal(const Xyz& values) {
  return {{{values[0], 0, 0}, {0, values[1], 0}, {0, 0, values[2]}}};
}

// Linear RGB -> XYZ: the primaries in such amounts that together they are white (RP 177).
Matrix3 xyz_from(const ColourSpace& space) {
  const Xyz red = xyz_of(space.red), green = xyz_of(space.green), blue = xyz_of(space.blue);
  Matrix3 primaries{};
  for (size_t i = 0; i < 3; ++i) primaries[i] = {red[i], green[i], blue[i]};
  return multiply(primaries, diagonal(transform(*inverse(primaries), xyz_of(space.white))));
}

// XYZ under one white -> XYZ under another (Bradford: ICC.1:2010, annex E).
Matrix3 adapted(const Chromaticity& from, const Chromaticity& to) {
  constexpr Matrix3 cones = {
      {{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Xyz old_white = transform(cones, xyz_of(from)), white = transform(cones, xyz_of(to));
  const Xyz gains = {white[0] / old_white[0], white[1] / old_white[1], white[2] / old_white[2]};
  return multiply(*inverse(cones), multiply(diagonal(gains), cones));
}

}  // namespace

std::array<double, 3> transform(const Matrix3& a, const std::array<double, 3>& v) {
  std::array<double, 3> product{};
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < 3; ++k) product[row] += a[row][k] * v[k];
  return product;
}

Matrix3 with_rows_summing_to_one(const Matrix3& m) {
  Matrix3 result = m;
  for (auto& row : result) {
    const double sum = row[0] + row[1] + row[2];
    if (!can_divide_by(sum)) fail("colour matrix sees no white: a row sums to {}", sum);
    for (double& value : row) value /= sum;
  }
  return result;
}

Matrix3 srgb_to_camera(const Matrix3& xyz_to_camera) {
  return with_rows_summing_to_one(multiply(xyz_to_camera, xyz_from_srgb));
}

Matrix3 camera_to_srgb(const Matrix3& xyz_to_camera) {
  const auto result = inverse(srgb_to_camera(xyz_to_camera));
  if (!result) fail("colour matrix has no inverse");
  return *result;
}

Matrix3 from_srgb(OutputSpace space) {
  if (space == OutputSpace::srgb) return identity3;
  const ColourSpace srgb, wanted = colours_of(space);
  const Matrix3 xyz = multiply(adapted(srgb.white, wanted.white), xyz_from(srgb));
  return multiply(*inverse(xyz_from(wanted)), xyz);
}

std::array<double, 3> daylight_white_balance(const Matrix3& xyz_to_camera) {
  const auto white = transform(multiply(xyz_to_camera, xyz_from_srgb), {1, 1, 1});
  if (!can_divide_by(white[0]) || !can_divide_by(white[2]))
    fail("colour matrix sees no white: ({}, {}, {})", white[0], white[1], white[2]);
  return {white[1] / white[0], 1, white[1] / white[2]};
}

double encode_srgb(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

double decode_srgb(double encoded) {
  return encoded <= 0.04045 ? encoded / 12.92 : std::pow((encoded + 0.055) / 1.055, 2.4);
}

Image srgb_picture(const Tensor& camera_rgb, const Matrix3& camera_to_srgb) {
  const Shape& shape = camera_rgb.shape();
  Image picture = rgb_picture(int(shape.w), int(shape.h));
  render_part(camera_rgb, {0, 0, shape.h, shape.w}, {.matrix = camera_to_srgb}, picture, 0, 0);
  return picture;
}

Image rgb_picture(int width, int height, bool floats) {
  Image image{width, height, 3, {}, {}};
  if (floats)
    image.samples = large_vector<float>(image.count());
  else
    image.samples = large_vector<uint16_t>(image.count());
  return image;
}

Image grey_picture(const Tensor& light, double gain) {
  const EncodingTable& encode = encoding_of(OutputSpace::srgb);
  const Shape& shape = light.shape();
  Image image{int(shape.w), int(shape.h), 1, {}, {}};
  auto samples = large_vector<uint16_t>(image.count());
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x)
      samples[size_t(y * shape.w + x)] = encode(light.row(0, 0, y)[x] * float(gain));
  image.samples = std::move(samples);
  return image;
}

void render_part(const Tensor& camera_rgb, const Region& part, const ColourPath& path,
                 Image& picture, int64_t top, int64_t left) {
  const EncodingTable& encode = encoding_of(path.space);
  std::array<std::array<float, 3>, 3> m{};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column) m[row][column] = float(path.matrix[row][column]);
  auto* const encoded = std::get_if<std::vector<uint16_t>>(&picture.samples);
  auto* const light = std::get_if<std::vector<float>>(&picture.samples);
  assert(encoded != nullptr || light != nullptr);
  const bool changes = path.curve || path.highlights != nullptr;
  Threads().parallel_for(part.height, [&](int64_t y) {
    throw_if_interrupted();
    thread_local std::vector<float> linear;
    linear.resize(changes ? size_t(3 * part.width) : 0);
    std::array<const float*, 3> rows{};
    for (int64_t c = 0; c < 3; ++c) {
      const float* row = camera_rgb.row(0, c, part.top + y) + part.left;
      rows[size_t(c)] = row;
      if (!changes) continue;
      float* to = linear.data() + c * part.width;
      for (int64_t x = 0; x < part.width; ++x)
        to[x] = path.curve ? path.curve->inverse(row[x]) : row[x];
      rows[size_t(c)] = to;
    }
    if (path.highlights != nullptr) {
      const auto width = size_t(part.width);
      const std::span all(linear);
      path.highlights->restore(top + y, left, all.first(width), all.subspan(width, width),
                               all.last(width));
    }
    const auto [red, green, blue] = rows;
    const int64_t first = ((top - path.top + y) * picture.width + left - path.left) * 3;
    const auto write = [&](auto* out, const auto& as_sample) {
      for (int64_t x = 0; x < part.width; ++x)
        for (const auto& row : m)
          *out++ = as_sample(row[0] * red[x] + row[1] * green[x] + row[2] * blue[x]);
    };
    if (encoded != nullptr)
      write(encoded->data() + first, encode);
    else
      write(light->data() + first, [](float value) { return value; });
  });
}

}  // namespace hyperconv
