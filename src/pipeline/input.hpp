// Whatever a user names as a photo, as a mosaic.
#pragma once

#include <filesystem>

#include "hyperconv/mosaic.hpp"

namespace hyperconv {

/// A one-channel PNG is a mosaic, a file called .raw or .bin is headerless where `format` has a
/// size, everything else a camera file. Throws Error naming the file; a photo (JPEG, colour PNG) is
/// refused as one.
Mosaic read_mosaic(const std::filesystem::path& path, const MosaicFormat& format);

/// True for endings that read_mosaic may take: what a folder is searched for.
bool may_be_mosaic(const std::filesystem::path& path);

}  // namespace hyperconv
