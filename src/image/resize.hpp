// Pictures of another size.
#pragma once

#include <array>

#include "hyperconv/types.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// What a user may ask for: sides of 1 to 65535 pixels, a share of 0.001 to 4.
bool can_be_wanted(const WantedSize& wanted);

/// Width and height of a picture of this size when that is wanted, to nearest and 1 at least, its
/// sides in the same ratio. A share above 1 makes it larger; the other two never do.
std::array<int, 2> size_as_wanted(int width, int height, const WantedSize& wanted);

/// What a picture's samples stand for.
enum class SampleMeaning {
  colours,  ///< encoded by the curves of the picture's profile; sRGB's where it has none of its own
  values    ///< what is measured at a place, as a noise map's
};

/// The picture at another size, each side by itself: Lanczos' filter of three lobes (C. E. Duchon
/// 1979, "Lanczos Filtering in One and Two Dimensions", J. Applied Meteorology 18), as wide as the
/// picture shrinks, so that what is too fine for the new size does not alias. Colours are taken in
/// linear light, and weighted by alpha. The kind of samples and the metadata stay. `threads`: 0 for
/// all cores.
Image resized(const Image& image, int width, int height,
              SampleMeaning meaning = SampleMeaning::colours, int threads = 0);

/// Lanczos' filter of three lobes at a distance, in samples: 0 from 3 on.
double lanczos3(double distance);

}  // namespace hyperconv
