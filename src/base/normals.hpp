// Many standard normal numbers at once, from a table.
#pragma once

#include <span>

#include "base/random.hpp"

namespace hyperconv {

/// Fills with independent standard normal numbers, a few nanoseconds each; the same for a seed on
/// every machine and instruction set, and others than Random::normal() gives. Two come from one
/// Random::bits(), sign and 31 bits of the probability of what lies beyond; that probability goes
/// through the inverse of the normal distribution, straight between 64 points an octave: nowhere
/// more than 5e-5 off, no number beyond 6.4. `random` moves on by (size + 1) / 2 draws.
void fill_normal(std::span<float> values, Random& random);

}  // namespace hyperconv
