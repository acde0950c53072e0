#include "engine/peak.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/threads.hpp"
#include "engine/kernels/bf16_machine.hpp"
#include "engine/peak_bf16.hpp"

namespace hyperconv {
namespace {

TEST(Peak, IsWhatAProcessorCanDo) {
  PeakProbe probe(available_cores());
  EXPECT_EQ(probe.best().fp32_gflops, 0);
  probe.measure_cores();
  probe.measure_memory();
  const Peak peak = probe.best();
  // A core of today starts two vectors of 4 to 16 fp32 multiply-adds a cycle, at most some 6 GHz:
  // more than 400 GFLOP/s would be a loop that the compiler has left out.
  EXPECT_TRUE(std::isfinite(peak.fp32_gflops));
  EXPECT_GT(peak.fp32_gflops, 1);
  EXPECT_LT(peak.fp32_gflops, 400.0 * available_cores());
  EXPECT_TRUE(std::isfinite(peak.memory_gbps));
  EXPECT_GT(peak.memory_gbps, 0.1);
  EXPECT_LT(peak.memory_gbps, 2000);
  EXPECT_EQ(peak.bf16_gflops.has_value(), has_bf16());
  if (peak.bf16_gflops) {
    EXPECT_GT(*peak.bf16_gflops, 1);
  }
}

TEST(Peak, KeepsTheBest) {
  PeakProbe probe(1);
  probe.measure_cores();
  probe.measure_memory();
  const Peak first = probe.best();
  probe.measure_cores();
  probe.measure_memory();
  EXPECT_GE(probe.best().fp32_gflops, first.fp32_gflops);
  EXPECT_GE(probe.best().memory_gbps, first.memory_gbps);
}

TEST(Peak, Bf16DotProductsAreDone) {
  if (!has_bf16()) GTEST_SKIP() << "no AVX512_BF16 here";
  float result = 0;
  const double flops = bf16_dot(1000, &result);
  EXPECT_EQ(flops, 1000.0 * 12 * 16 * 4);
  // Each chain's 16 lanes sum up 1000 pairs of 2^-20 squared.
  EXPECT_NEAR(result, 1000 * 12 * 16 * 2 * std::exp2(-40), 1e-3 * result);
}

TEST(Peak, Bf16TilesAreMultiplied) {
  if (!has_amx_bf16()) GTEST_SKIP() << "no AMX here";
  float result = 0;
  EXPECT_EQ(bf16_tiles(1000, &result), 1000.0 * 4 * 2 * 16 * 16 * 32);
  // A sum of 32 products of 2^-20 squared in each round.
  EXPECT_NEAR(result, 1000 * 32 * std::exp2(-40), 1e-3 * result);
}

TEST(Peak, NamesItsInstructions) {
  EXPECT_FALSE(PeakProbe::instructions().empty());
  EXPECT_GE(PeakProbe::memory_bytes(), int64_t(128) << 20);
}

}  // namespace
}  // namespace hyperconv
