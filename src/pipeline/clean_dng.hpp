// What a DNG of a cleaned photo holds beside its picture.
#pragma once

#include <string>

#include "base/tensor.hpp"
#include "hyperconv/types.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// The original with clean samples (mosaic_of_light) and what is true of them: the noise that is
/// left, as estimated in them (nothing where the estimate rests on no sample), how much noise
/// reduction there was, and a line of history that names the model. `light` is
/// Developer::camera_rgb's, mixed with grain by the strength. Of a frame that is no mosaic there
/// are no samples: the light is all.
Mosaic cleaned(const FrameView& original, const Tensor& light, const DenoiseStrength& strength,
               const std::string& model, int threads = 0);

/// Whether a DNG says that its noise is gone: all of it, or what this program removes. Cameras that
/// join several shots say that some of it is.
bool was_denoised(const Mosaic& facts);

/// Without what describes the photo rather than its samples and colours, as --strip-metadata has
/// it: EXIF, XMP, IPTC, shot, serial number. Make and model stay, which a raw converter finds its
/// profiles by, and so does what was done to the noise.
void strip_metadata(Mosaic& facts);

}  // namespace hyperconv
