#include "raw/colour.hpp"

#include <algorithm>
#include <cmath>

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

// The sRGB curve from a table: between its points it is straight to 1e-7, a hundredth of a step.
class EncodingTable {
 public:
  EncodingTable() {
    for (size_t i = 0; i < table_.size(); ++i)
      table_[i] = float(65535 * encode_srgb(double(i) / intervals));
    table_[intervals + 1] = table_[intervals];  // beside 1.0
  }

  uint16_t operator()(float linear) const {
    // Written so that NaN becomes black.
    const float place = (linear > 0 ? std::min(linear, 1.f) : 0.f) * intervals;
    const auto i = size_t(place);
    return uint16_t(table_[i] + (place - float(i)) * (table_[i + 1] - table_[i]) + 0.5f);
  }

 private:
  static constexpr int intervals = 1 << 16;
  std::vector<float> table_ = std::vector<float>(intervals + 2);
};

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
  render_part(camera_rgb, {0, 0, shape.h, shape.w}, camera_to_srgb, std::nullopt, picture, 0, 0);
  return picture;
}

Image rgb_picture(int width, int height) {
  Image image{width, height, 3, {}, {}};
  image.samples = large_vector<uint16_t>(image.count());
  return image;
}

Image grey_picture(const Tensor& light, double gain) {
  const EncodingTable encode;
  const Shape& shape = light.shape();
  Image image{int(shape.w), int(shape.h), 1, {}, {}};
  auto samples = large_vector<uint16_t>(image.count());
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x)
      samples[size_t(y * shape.w + x)] = encode(light.row(0, 0, y)[x] * float(gain));
  image.samples = std::move(samples);
  return image;
}

void render_part(const Tensor& camera_rgb, const Region& part, const Matrix3& camera_to_srgb,
                 const std::optional<StabilisingCurve>& curve, Image& picture, int64_t top,
                 int64_t left) {
  static const EncodingTable encode;
  std::array<std::array<float, 3>, 3> m{};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column) m[row][column] = float(camera_to_srgb[row][column]);
  auto& samples = std::get<std::vector<uint16_t>>(picture.samples);
  Threads().parallel_for(part.height, [&](int64_t y) {
    throw_if_interrupted();
    thread_local std::vector<float> linear;
    linear.resize(curve ? size_t(3 * part.width) : 0);
    const auto row_of = [&](int64_t channel) -> const float* {
      const float* row = camera_rgb.row(0, channel, part.top + y) + part.left;
      if (!curve) return row;
      float* to = linear.data() + channel * part.width;
      for (int64_t x = 0; x < part.width; ++x) to[x] = curve->inverse(row[x]);
      return to;
    };
    const float *red = row_of(0), *green = row_of(1), *blue = row_of(2);
    uint16_t* out = samples.data() + ((top + y) * picture.width + left) * 3;
    for (int64_t x = 0; x < part.width; ++x)
      for (const auto& row : m)
        *out++ = encode(row[0] * red[x] + row[1] * green[x] + row[2] * blue[x]);
  });
}

}  // namespace hyperconv
