// 16-bit floats as files store them.
#pragma once

#include <bit>
#include <cstdint>

namespace hyperconv {

/// Round to nearest, ties to even; NaN stays NaN.
uint16_t float_to_bf16(float value);
inline float bf16_to_float(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
/// IEEE binary16; beyond 65504 becomes infinity, denormals are kept.
uint16_t float_to_f16(float value);
float f16_to_float(uint16_t bits);

}  // namespace hyperconv
