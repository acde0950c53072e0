#include "base/random.hpp"

#include <bit>
#include <cmath>

namespace hyperconv {
namespace {

uint64_t splitmix64(uint64_t& x) {
  x += 0x9e3779b97f4a7c15u;
  return mixed_bits(x);
}

}  // namespace

Random::Random(uint64_t seed) {
  for (auto& word : state_) word = splitmix64(seed);
}

Random::Random(uint64_t seed, uint64_t index) : Random(splitmix64(seed) ^ splitmix64(index)) {}

uint64_t Random::bits() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Random::uniform() { return double(bits() >> 11) * 0x1.0p-53; }

int64_t Random::below(int64_t count) { return int64_t(uniform() * double(count)); }

float Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double u = 0, v = 0, r = 0;
  do {
    u = uniform(-1, 1);
    v = uniform(-1, 1);
    r = u * u + v * v;
  } while (r >= 1 || r == 0);
  const double scale = std::sqrt(-2 * std::log(r) / r);
  spare_ = float(v * scale);
  has_spare_ = true;
  return float(u * scale);
}

}  // namespace hyperconv
