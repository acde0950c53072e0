// What frames of three colours a pixel, or of brightness alone, tell of the sensor behind them.
#pragma once

#include <array>
#include <optional>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// Row and column, each 0 or 1, from which on every second row and column of the frame holds the
/// sensor's own red samples; nothing where it was not demosaicked, or is monochrome. A demosaicker
/// keeps what the sensor saw, and what most put between is smoother: the Laplacians of red, and of
/// blue at the opposite places, tell them apart. Malvar's filters, whose values are no smoother,
/// are known by fitting. How unlike the places have to be was chosen by looking at a few photos; no
/// command of ours measures it. `light` is a LinearFrame's.
std::optional<std::array<int, 2>> demosaicked_from(const Tensor& light);

/// That place; {0, 0} where there is none.
std::array<int, 2> red_place(const Tensor& light);

/// The samples that a Bayer sensor behind this frame had, with its red ones at red_place: 16 bits,
/// black at 4096 so that noise below it is not lost, white at 65535, as much above the light's
/// balance as each colour goes. What asks a mosaic (its noise, its white balance, its highlights)
/// may ask this. `light` is a LinearFrame's with these facts.
Mosaic mosaic_behind(const Tensor& light, const Mosaic& facts);

/// The light as pictures take it: cut at 1, where the least amplified channel saturates.
void cut_highlights(Tensor& light);

/// Of [1,3,h,w] the mean of the three colours, [1,1,h,w].
Tensor mean_of_colours(const Tensor& light);

}  // namespace hyperconv
