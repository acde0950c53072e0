// What a denoiser is told of a training sample's noise.
#pragma once

#include "base/random.hpp"
#include "image/grain.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// What an estimate might say of a sample whose noise is `truth` and whose even places show `seen`:
/// anything between the two (evenly, in logarithms), off by some tenths. A photo's even places are
/// somewhere between: texture from edge to edge shows in them as noise, and a patch has fewer of
/// them than a photo. So a network learns what an estimate is worth, and to tell texture from noise
/// by itself.
Grain misjudged(const Grain& truth, const Grain& seen, Random& random);

/// Writes row `index` of batch.noise [N,14]: the grain that the sample's input has beyond its
/// target, misjudged by what estimate_grain() sees in the input.
void tell_grain(Batch& batch, int64_t index, Random& random);

}  // namespace hyperconv
