// Where to look in a picture.
#pragma once

#include "image/image.hpp"

namespace hyperconv {

/// The square of this side, or of what the picture has of it, in which the picture changes most:
/// its green (or grey) from pixel to pixel along rows. Squares begin at multiples of half the
/// side, and the last ones end with the picture.
Region place_of_detail(const Image& picture, int side);

}  // namespace hyperconv
