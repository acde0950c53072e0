// Whatever a user names as a photo: what it is, and a mosaic from it.
#pragma once

#include <filesystem>

#include "hyperconv/mosaic.hpp"

namespace hyperconv {

enum class FileKind {
  mosaic,  ///< what a sensor saw: to be developed
  photo    ///< a picture: to be denoised
};

/// By the file's content: a JPEG is a photo; so is a PNG of more than one channel, and a TIFF that
/// no camera calls its RAW file. A one-channel PNG is a mosaic, as Zurich RAW-to-DSLR stores them;
/// so is everything else. A file that cannot be read is taken for what its ending says.
FileKind file_kind(const std::filesystem::path& path);

/// A one-channel PNG is a mosaic, a file called .raw or .bin is headerless where `format` has a
/// size, everything else a camera file. Throws Error naming the file; a photo (JPEG, colour PNG) is
/// refused as one.
Mosaic read_mosaic(const std::filesystem::path& path, const MosaicFormat& format);

/// True for endings that read_mosaic may take: what a folder is searched for.
bool may_be_mosaic(const std::filesystem::path& path);

}  // namespace hyperconv
