// What frames of three colours a pixel, or of brightness alone, tell of the sensor behind them.
#pragma once

#include <optional>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// The colour filters of the sensor behind a frame, from its first pixel on; nothing where it was
/// not demosaicked, or is monochrome. A demosaicker keeps what the sensor saw, and what most put
/// between is smoother: the Laplacians of each colour tell the places of its samples apart.
/// Malvar's filters, whose values are no smoother, are known by fitting. How unlike the places have
/// to be was chosen by looking at a few photos; no command of ours measures it. `light` is a
/// LinearFrame's, which keeps the answer (LinearFrame::demosaicked_from).
std::optional<ColourFilters> demosaicked_from(const Tensor& light);

/// The samples that a sensor with these filters had behind this frame: 16 bits, black at 4096 so
/// that noise below it is not lost, white at 65535, as much above the light's balance as each
/// colour goes. What asks a mosaic (its noise, its white balance, its highlights) may ask this.
/// `light` is a LinearFrame's with these facts.
Mosaic mosaic_behind(const Tensor& light, const Mosaic& facts, const ColourFilters& filters);
/// By FrameView::filters_behind(); the frame is no mosaic itself.
Mosaic mosaic_behind(const FrameView& frame);

/// The light as pictures take it: cut at 1, where the least amplified channel saturates.
void cut_highlights(Tensor& light);

/// Of [1,3,h,w] the mean of the three colours, [1,1,h,w].
Tensor mean_of_colours(const Tensor& light);

}  // namespace hyperconv
