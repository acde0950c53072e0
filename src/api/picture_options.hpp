// What a caller wants of a camera's picture, checked and as the rooms below take it.
#pragma once

#include "hyperconv/hyperconv.hpp"
#include "image/image.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/finished.hpp"

namespace hyperconv {

/// Throws Error (bad_argument) where an option is out of its range, or has no effect beside
/// another.
void check(const PictureOptions& options);
void check(const FileOptions& options);
/// The same for what a MosaicView does not know.
void check_for_mosaic_view(const PictureOptions& options);
/// The same for a file that becomes a DNG, and for a monochrome one.
void check_for_dng(const FileOptions& options);
void check_for_monochrome(const FileOptions& options);

bool removes_noise(const PictureOptions& options);

Rendering rendering_of(const PictureOptions& options);
WriteOptions write_options_of(const FileOptions& options, int threads);

/// Turns the facts as is wanted.
void turn(const PictureOptions& options, Mosaic& facts);

/// The part of the photo that is developed; nothing: all. Throws Error where it is not within.
std::optional<Region> part_of(const PictureOptions& options, const Mosaic& facts);

/// `lens`, which may be null, lives longer.
Finish finish_of(const PictureOptions& options, const Mosaic& facts, const LensReport* lens,
                 int threads);

/// Of facts that are turned already.
PictureSize size_of(const PictureOptions& options, const Mosaic& facts);

}  // namespace hyperconv
