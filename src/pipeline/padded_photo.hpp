// A photo as a denoiser takes it: mirrored at its edges as far as the receptive field reaches.
#pragma once

#include "base/threads.hpp"
#include "engine/engine.hpp"
#include "image/image.hpp"
#include "image/samples.hpp"

namespace hyperconv {

/// 3 or 1, without alpha.
inline int colours_of(const Image& photo) { return photo.channels >= 3 ? 3 : 1; }

/// Throws Error when the part is empty or not within a photo of this size.
void check_part(const Region& part, int width, int height);

struct PaddedPhoto {
  WholeInput input;  ///< [1,3,H,W] in [0,1]; grey becomes R = G = B
  Region photo;      ///< where the photo lies in it
};

/// Mirrored around by at least `margin` pixels, from a multiple of `multiple` to one, so that the
/// photo is pooled from its corner on. Photo and threads must outlive it.
PaddedPhoto padded_photo(const Image& photo, int64_t margin, int64_t multiple, Threads& threads);

}  // namespace hyperconv
