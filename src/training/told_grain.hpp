// What a denoiser is told of a training sample's noise.
#pragma once

#include "base/random.hpp"
#include "image/grain.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// An estimate of this grain, with the errors that estimate_grain() makes on photos: levels and
/// octaves are off by some tenths, and texture that is everywhere is taken for noise of luma.
Grain misjudged(Grain grain, Random& random);

/// Writes row `index` of batch.noise [N,14]: the grain that the sample's input has beyond its
/// target, misjudged.
void tell_grain(Batch& batch, int64_t index, Random& random);

}  // namespace hyperconv
