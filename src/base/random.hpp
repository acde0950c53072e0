// Random numbers that are the same on every machine; by hand, because the standard library's
// distributions differ between implementations.
#pragma once

#include <array>
#include <cstdint>

namespace hyperconv {

/// The finaliser of SplitMix64 (Steele et al. 2014): a bijection in which every bit of the input
/// changes half of the output's.
inline uint64_t mixed_bits(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// xoshiro256** of Blackman and Vigna (2018), seeded through splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed);
  /// A stream of its own for each (seed, index): data sets draw sample `index` without the others.
  Random(uint64_t seed, uint64_t index);

  uint64_t bits();
  /// [0, 1), 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// 0..count-1; count > 0.
  int64_t below(int64_t count);
  /// Standard normal (Marsaglia's polar method); rounded to float, so that the last bit of a
  /// machine's logarithm does not show.
  float normal();

  using State = std::array<uint64_t, 4>;
  const State& state() const { return state_; }

 private:
  State state_{};
  float spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace hyperconv
