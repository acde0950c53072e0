// Clean light back behind the colour filters.
#pragma once

#include "raw/mosaic.hpp"

namespace hyperconv {

/// The mosaic that light as Developer::camera_rgb gives it, [1,3,height,width], would have made on
/// the original's sensor: at every place its filter's colour, the white balance taken back. Levels
/// are the original's times a whole number, as great as 16 bits allow, so that no steps show where
/// noise has hidden them. The light ends where the least amplified channel saturates; above, and
/// more and more over the last 4 % below it, the original's own samples stay. All facts are the
/// original's.
Mosaic mosaic_of_light(const Tensor& camera_rgb, const Mosaic& original);

}  // namespace hyperconv
