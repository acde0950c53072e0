// 16-bit floats as files store them.
#pragma once

#include <bit>
#include <cstdint>

namespace hyperconv {

/// Round to nearest, ties to even; NaN stays NaN.
inline uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (value != value) return uint16_t((bits >> 16) | 0x40);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
inline float bf16_to_float(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
/// IEEE binary16; beyond 65504 becomes infinity, denormals are kept.
uint16_t float_to_f16(float value);
float f16_to_float(uint16_t bits);

}  // namespace hyperconv
