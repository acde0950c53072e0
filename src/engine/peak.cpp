// The loops are compiled for every instruction set, as the kernels are.
#include "engine/peak.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Multiply-adds that do not wait for each other. A core starts two a cycle, and each takes four or
/// five cycles: ten are the least, and sixteen registers have room for twelve and two factors.
constexpr int chains = 12;

/// FLOPs done. Every sum goes to 1: no value overflows or becomes denormal.
double multiply_add(int64_t rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.5f), term = hn::Set(d, 0.5f);
  auto s0 = hn::Iota(d, 0), s1 = hn::Iota(d, 1), s2 = hn::Iota(d, 2), s3 = hn::Iota(d, 3),
       s4 = hn::Iota(d, 4), s5 = hn::Iota(d, 5), s6 = hn::Iota(d, 6), s7 = hn::Iota(d, 7),
       s8 = hn::Iota(d, 8), s9 = hn::Iota(d, 9), s10 = hn::Iota(d, 10), s11 = hn::Iota(d, 11);
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, factor, term);
    s1 = hn::MulAdd(s1, factor, term);
    s2 = hn::MulAdd(s2, factor, term);
    s3 = hn::MulAdd(s3, factor, term);
    s4 = hn::MulAdd(s4, factor, term);
    s5 = hn::MulAdd(s5, factor, term);
    s6 = hn::MulAdd(s6, factor, term);
    s7 = hn::MulAdd(s7, factor, term);
    s8 = hn::MulAdd(s8, factor, term);
    s9 = hn::MulAdd(s9, factor, term);
    s10 = hn::MulAdd(s10, factor, term);
    s11 = hn::MulAdd(s11, factor, term);
  }
  const auto low = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const auto high = hn::Add(hn::Add(hn::Add(s6, s7), hn::Add(s8, s9)), hn::Add(s10, s11));
  *result = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return double(rounds) * chains * 2 * double(hn::Lanes(d));
}

/// Sum of a number of floats that is a multiple of eight vectors of any length there is.
float sum_of(const float* values, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto n = int64_t(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (int64_t i = 0; i < count; i += 8 * n) {
    s0 = hn::Add(s0, hn::Load(d, values + i));
    s1 = hn::Add(s1, hn::Load(d, values + i + n));
    s2 = hn::Add(s2, hn::Load(d, values + i + 2 * n));
    s3 = hn::Add(s3, hn::Load(d, values + i + 3 * n));
    s4 = hn::Add(s4, hn::Load(d, values + i + 4 * n));
    s5 = hn::Add(s5, hn::Load(d, values + i + 5 * n));
    s6 = hn::Add(s6, hn::Load(d, values + i + 6 * n));
    s7 = hn::Add(s7, hn::Load(d, values + i + 7 * n));
  }
  const auto low = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
  const auto high = hn::Add(hn::Add(s4, s5), hn::Add(s6, s7));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cctype>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "engine/kernels/bf16_machine.hpp"
#include "engine/peak_bf16.hpp"

namespace hyperconv {

HWY_EXPORT(multiply_add);
HWY_EXPORT(sum_of);
HWY_EXPORT(target_name);

namespace {

using Clock = std::chrono::steady_clock;

// Long enough for the clock rate to settle and for threads' starts not to show.
constexpr double seconds_a_measurement = 0.05;
constexpr double giga = 1e9;

/// Work done a second by threads that begin together: from the first start to the last end.
double rate(int threads, const std::function<double(int)>& work) {
  std::barrier start(threads);
  std::vector<Clock::time_point> begins(threads), ends(threads);
  std::vector<double> done(threads);
  const auto run = [&](int thread) {
    start.arrive_and_wait();
    begins[thread] = Clock::now();
    done[thread] = work(thread);
    ends[thread] = Clock::now();
  };
  {
    std::vector<std::jthread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    run(0);
  }
  const auto span = std::ranges::max(ends) - std::ranges::min(begins);
  double total = 0;
  for (const double part : done) total += part;
  return total / std::chrono::duration<double>(span).count();
}

/// Repeats until its time is over; the sum of what the work returns.
double until_over(const std::function<double()>& work) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds_a_measurement));
  double done = 0;
  do done += work();
  while (Clock::now() < end);
  return done;
}

/// A result that is written here cannot be left out by the compiler.
void keep(float value) {
  static std::atomic<float> kept;
  kept.store(value, std::memory_order_relaxed);
}

double fp32_rate(int threads) {
  constexpr int64_t rounds = 100'000;
  return rate(threads, [](int) {
    return until_over([] {
      float result = 0;
      const double flops = HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, &result);
      keep(result);
      return flops;
    });
  });
}

/// `loop`: bf16_dot or bf16_tiles.
double bf16_rate(int threads, double (*loop)(int64_t, float*)) {
  constexpr int64_t rounds = 100'000;
  return rate(threads, [loop](int) {
    return until_over([loop] {
      float result = 0;
      const double flops = loop(rounds, &result);
      keep(result);
      return flops;
    });
  });
}

/// Bytes of a thread: whole huge pages, and so a multiple of what sum_of wants.
int64_t part_of(int threads) {
  constexpr int64_t page = int64_t(2) << 20;
  return (PeakProbe::memory_bytes() / threads + page - 1) / page * page;
}

Arena written_memory(int threads) {
  const int64_t part = part_of(threads);
  Arena arena(size_t(part * threads));
  // Memory that was never written is one page of zeros, which the cache holds.
  rate(threads, [&](int thread) {
    std::fill_n(reinterpret_cast<float*>(arena.data() + thread * part), part / sizeof(float), 1.0f);
    return 0.0;
  });
  return arena;
}

double memory_rate(int threads, const Arena& arena) {
  const int64_t part = part_of(threads);
  return rate(threads, [&](int thread) {
    const auto* values = reinterpret_cast<const float*>(arena.data() + thread * part);
    return until_over([&] {
      keep(HWY_DYNAMIC_DISPATCH(sum_of)(values, part / int64_t(sizeof(float))));
      return double(part);
    });
  });
}

}  // namespace

bool has_bf16() { return has_avx512_bf16(); }

PeakProbe::PeakProbe(int threads) : threads_(std::max(threads, 1)) {}

void PeakProbe::measure_cores() {
  best_.fp32_gflops = std::max(best_.fp32_gflops, fp32_rate(threads_) / giga);
  const auto keep_best = [&](double (*loop)(int64_t, float*)) {
    best_.bf16_gflops = std::max(best_.bf16_gflops.value_or(0), bf16_rate(threads_, loop) / giga);
  };
  if (has_amx_bf16())
    keep_best(bf16_tiles);
  else if (has_avx512_bf16())
    keep_best(bf16_dot);
}

void PeakProbe::measure_memory() {
  if (memory_.size() == 0) memory_ = written_memory(threads_);
  best_.memory_gbps = std::max(best_.memory_gbps, memory_rate(threads_, memory_) / giga);
}

std::string PeakProbe::instructions() {
  std::string name = HWY_DYNAMIC_DISPATCH(target_name)();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return name;
}

int64_t PeakProbe::memory_bytes() {
  constexpr int64_t least = int64_t(128) << 20, most = int64_t(2) << 30;
  const int64_t cache = std::max<int64_t>(::sysconf(_SC_LEVEL3_CACHE_SIZE), 0);
  return std::clamp(4 * cache, least, most);
}

}  // namespace hyperconv

#endif
