// From the camera's colours to the screen's.
#include "raw/colour.hpp"

#include <array>
#include <cmath>

#include "hyperconv/develop.hpp"

namespace hyperconv {

Matrix3 camera_to_srgb(const Mosaic& mosaic) {
  return mosaic.xyz_to_camera ? camera_to_srgb(*mosaic.xyz_to_camera) : identity3;
}

float srgb_encode(float linear) {
  const float magnitude = std::fabs(linear);
  if (magnitude <= 0.0031308f) return 12.92f * linear;
  return std::copysign(1.055f * std::pow(magnitude, 1 / 2.4f) - 0.055f, linear);
}

float srgb_decode(float encoded) {
  const float magnitude = std::fabs(encoded);
  if (magnitude <= 0.04045f) return encoded / 12.92f;
  return std::copysign(std::pow((magnitude + 0.055f) / 1.055f, 2.4f), encoded);
}

}  // namespace hyperconv
