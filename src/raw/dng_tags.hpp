// What a DNG says of its camera to raw converters, from one DNG into another.
#pragma once

#include <optional>
#include <vector>

#include "image/tiff_view.hpp"
#include "image/tiff_writer.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Of a DNG: the camera's names, serial number, lens and private data, its colours (matrices for
/// two lights, calibration, the maker's profile) and the default crop. Of the colours nothing where
/// they are not of red, green and blue in this order, or two matrices do not say for which light
/// they are; an illuminant that is missing beside one matrix is D65.
std::vector<DngTag> lasting_dng_tags(const TiffView& dng);

/// The same without what tells one camera from another of its model.
std::vector<DngTag> impersonal_dng_tags(std::vector<DngTag> tags);

/// Into the first directory and the photo's own, of a photo of this size; of a photo without
/// colours no colours, and no crop that reaches beyond it.
void add_dng_tags(const std::vector<DngTag>& tags, bool has_colours, int64_t width, int64_t height,
                  TiffDirectory& main, TiffDirectory& photo);

/// NoiseReductionApplied, and whether ImageHistory says that it was this program; nothing where the
/// file says nothing, or that it is not known.
std::optional<NoiseReduction> noise_reduction_in(const TiffView& dng);

/// The line that ImageHistory gets: noise_reduction_in() knows it again.
std::string denoised_line(const std::string& how);

}  // namespace hyperconv
