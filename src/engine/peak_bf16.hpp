// The bf16 half of the peak: instructions that Debian's Highway 1.0 does not know.
#pragma once

#include <cstdint>

namespace hyperconv {

/// Dot products of bf16 pairs in all vector registers; FLOPs done. Only where
/// has_avx512_bf16() (kernels/bf16_machine.hpp).
double bf16_dot(int64_t rounds, float* result);
/// Products of tiles in all tile registers; FLOPs done. Only where has_amx_bf16().
double bf16_tiles(int64_t rounds, float* result);

}  // namespace hyperconv
