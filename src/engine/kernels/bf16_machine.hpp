// What bf16.cpp finds on x86-64: the two implementations that need instructions of their own.
// Elsewhere there are neither.
#pragma once

#include "engine/kernels/bf16.hpp"

namespace hyperconv {

/// What LDTILECFG reads: eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// True where the processor multiplies bf16 pairs and the system lets programs do so.
bool has_avx512_bf16();
/// True where it multiplies tiles of them, and the system has given this process their registers:
/// asked for once.
bool has_amx_bf16();

/// Only where has_avx512_bf16().
void conv2d_avx512_bf16(const Bf16Row& row);
void conv2d_winograd_avx512_bf16(const Bf16WinogradRows& rows);
void interleave_avx512_bf16(const Bf16Pixels& pixels);
void transpose_avx512_bf16(const Bf16Pixels& pixels, int64_t row);
void tap_gradients_avx512_bf16(const Bf16TapGradients& run);
/// Only where has_amx_bf16().
void conv2d_amx(const Bf16Row& row);
void tap_gradients_amx(const Bf16TapGradients& run);

}  // namespace hyperconv
