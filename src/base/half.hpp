// 16-bit floats as files store them.
#pragma once

#include <cstdint>

namespace hyperconv {

/// Round to nearest, ties to even; NaN stays NaN.
uint16_t float_to_bf16(float value);
float bf16_to_float(uint16_t bits);
/// IEEE binary16; beyond 65504 becomes infinity, denormals are kept.
uint16_t float_to_f16(float value);
float f16_to_float(uint16_t bits);

}  // namespace hyperconv
