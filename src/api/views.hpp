// Memory of a caller: checked, and into our own pictures and back.
#pragma once

#include "hyperconv/hyperconv.hpp"
#include "image/image.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Of one sample; 0 for what is no type: a C program may pass any number.
int64_t bytes_of(SampleType type);

/// A copy. Throws Error where the view is of no picture, or a sample is not finite.
Image image_of(const ImageView& view);

/// A copy; floats become 16 bits, from a fifteenth of the range below the lowest black to a tenth
/// above white, beyond which they are cut. Throws Error where the view is of no mosaic, or a fact
/// or a sample is not finite or of no use.
Mosaic mosaic_of(const MosaicView& view);

/// What every call checks before it works. Throws Error where the buffer is of no picture of this
/// size.
void check_buffer(const ImageBuffer& buffer, int64_t width, int64_t height, int channels);

/// The picture's samples into the buffer, which check_buffer has let pass, in its sample type.
void write_into(const ImageBuffer& buffer, const Image& image);

}  // namespace hyperconv
