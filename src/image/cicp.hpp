// Colours as numbers: ITU-T H.273, which PNG's cICP and the nclx of AVIF and HEIF name them by.
#pragma once

#include <string>

#include "image/icc.hpp"

namespace hyperconv {

/// What the codes of H.273, tables 2 and 3, stand for. Throws Error naming the file and its format
/// where they mean HDR (PQ, HLG) or colours that are none of sRGB's, P3's or BT.2020's.
ColourSpace colours_by_code(const std::string& name, const char* format, int primaries,
                            int transfer);

/// The same of a file that may leave either open (2, "unspecified"), which is sRGB's then.
struct OpenColours {
  ColourSpace space;
  bool are_said = false;  ///< neither was left open
};
OpenColours colours_by_open_code(const std::string& name, const char* format, int primaries,
                                 int transfer);

}  // namespace hyperconv
