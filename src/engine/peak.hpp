// What this machine can do at best, measured: what a network's speed is compared with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/memory.hpp"

namespace hyperconv {

struct Peak {
  double fp32_gflops = 0;  ///< fused multiply-adds of fp32 vectors, counted as two
  std::optional<double>
      bf16_gflops;         ///< products of bf16 tiles, or of pairs; none: no such instruction
  double memory_gbps = 0;  ///< reading memory that no cache holds, 1e9 bytes a second
};

/// Measures on a number of threads that start together, and keeps the best: on a shared machine
/// most measurements are disturbed.
class PeakProbe {
 public:
  explicit PeakProbe(int threads);

  /// One measurement of fp32 and, where there is any, bf16: a twentieth of a second each.
  void measure_cores();
  /// One of memory, as long; the first one also writes it, and the probe keeps it.
  void measure_memory();
  /// All zero before the first measurement.
  const Peak& best() const { return best_; }

  /// The instruction set of the fp32 measurement: Highway's name for it, in small letters.
  static std::string instructions();
  /// Bytes that one measurement of memory reads: at least four times the last cache.
  static int64_t memory_bytes();

 private:
  int threads_;
  Arena memory_;
  Peak best_;
};

/// True where the processor multiplies bf16 pairs and the system lets programs do so.
bool has_bf16();

}  // namespace hyperconv
