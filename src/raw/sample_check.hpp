// Whether a RAW file's samples are there: decoders that give up leave black and say nothing.
#pragma once

#include <string>

#include "image/tiff_view.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Why a DNG's samples cannot be whole: segments (strips, tiles) that are missing, beyond the
/// file's end, or no JPEG where they should be one. Empty where nothing speaks against them, and of
/// other files.
std::string missing_samples(const TiffView& file);

/// The kind of compression that a DNG has and this build's LibRaw does not read, with what would
/// read it; empty where it is not that.
std::string unreadable_compression(const TiffView& file);

/// Why these samples cannot be a sensor's: all are 0, or all of its last rows, where even black has
/// noise. Empty where they may be.
std::string given_up(const Mosaic& mosaic);

}  // namespace hyperconv
