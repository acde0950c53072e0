// Random numbers that are the same on every machine: the standard's distributions are not.
#pragma once

#include <array>
#include <cstdint>

namespace hyperconv {

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
