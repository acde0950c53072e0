// The white balance of a photo that says none.
#pragma once

#include "raw/mosaic.hpp"

namespace hyperconv {

/// The multipliers that make the mean of the photo grey, with G = 1: of blocks of 8x8 samples
/// without a saturated one, as LibRaw's automatic balance has it (dcraw's -a); of all samples below
/// white where every block has one. Within [1/4, 8]; ones for a black photo.
std::array<double, 3> grey_world(const Mosaic& mosaic);

/// The photo's balance becomes that, and a warning says so.
void take_grey_world(Mosaic& mosaic);

/// The warning alone.
void warn_of_grey_world(Mosaic& mosaic);

}  // namespace hyperconv
