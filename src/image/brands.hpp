// How files of the newer formats begin: known without their libraries, so that a build without one
// can say what it lacks.
#pragma once

#include "image/codec.hpp"

namespace hyperconv {

/// JPEG XL (ISO/IEC 18181-2), as a bare codestream or in boxes.
bool is_jxl(Bytes file);

/// AVIF: by the brands in ISO BMFF's first box (ISO/IEC 14496-12).
bool is_avif(Bytes file);

/// HEIF with HEVC inside, as phones write it, likewise; a camera's CR3 is none.
bool is_heif(Bytes file);

}  // namespace hyperconv
