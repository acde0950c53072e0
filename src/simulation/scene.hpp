// A picture of our own, drawn by formulas: something to simulate, show and compare that needs no
// file and nobody's licence.
#pragma once

#include "image/image.hpp"

namespace hyperconv {

/// An evening landscape (smooth sky, ridges, conifers, grass and flowers) with four test cards
/// standing in it: 24 colours, a Siemens star with slanted edges, text down to illegible, and a
/// zone plate with hairlines. 16-bit sRGB, the same on every machine, made for width : height from
/// 1 : 1 to 2 : 1. Throws Error below 64x64 pixels and above 2^27 pixels.
Image painted_scene(int width, int height);

}  // namespace hyperconv
