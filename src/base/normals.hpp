// Many standard normal numbers at once, from a table.
#pragma once

#include <span>

#include "base/random.hpp"

namespace hyperconv {

/// Fills with independent standard normal numbers, a few nanoseconds each; the same for a seed on
/// every machine and instruction set, and others than Random::normal() gives. Two come from one
/// Random::bits(): each has a sign and 31 bits of tail probability, which the inverse of the normal
/// distribution, linear between 64 points an octave, turns into a number: at most 5e-5 off, at most
/// 6.4 large. `random` moves on by (size + 1) / 2 draws.
void fill_normal(std::span<float> values, Random& random);

}  // namespace hyperconv
