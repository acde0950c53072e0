// Where a sensor saturates below the white level that its file states.
#pragma once

#include <optional>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// The level at which this frame's samples are clipped, where that is below white: a pile of
/// samples at the brightest value there is, which light alone does not make (photon noise spreads a
/// bright surface over many values). Nothing where no such pile is, or where it is below three
/// quarters of the range, which no sensor's white level is wrong by (LibRaw's adjust_maximum_thr).
std::optional<double> clipped_below_white(const Mosaic& mosaic);

}  // namespace hyperconv
