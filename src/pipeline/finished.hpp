// What becomes of a developed picture on its way out: which way up it is, its size, what it says.
#pragma once

#include <array>
#include <optional>

#include "image/resize.hpp"
#include "raw/lens.hpp"

namespace hyperconv {

/// The EXIF orientation of samples that are to be turned clockwise by so many degrees, 0, 90, 180
/// or 270; nothing for any other number.
std::optional<int> orientation_of_turn(int degrees);

/// The picture at the size that is wanted of it as it will be seen, whichever way up its samples
/// lie; nothing: as it is.
Image resized_as_seen(Image picture, const std::optional<WantedSize>& wanted, SampleMeaning meaning,
                      int threads);

struct Finish {
  double pixel_aspect = 1;  ///< the photo's
  std::optional<WantedSize> size = {};
  const LensReport* lens = nullptr;  ///< what of it was corrected, which the XMP then says
  int threads = 0;
};

/// A camera file's picture as it is written: of square pixels, upright, at its size.
Image finished(Image picture, const Finish& finish);

/// Its width and height, where the developed one has these.
std::array<int, 2> finished_size(int width, int height, int orientation, const Finish& finish);

}  // namespace hyperconv
