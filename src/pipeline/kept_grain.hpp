// Camera files of whose noise some is kept: the photo's own grain, not a blend of blur.
#pragma once

#include <optional>

#include "pipeline/develop.hpp"

namespace hyperconv {

/// Of two runs of the network for one photo.
DevelopTimes sum_of(const DevelopTimes& a, const DevelopTimes& b);

/// Developer::camera_rgb and Developer::picture with so much of the noise removed: nothing for all
/// of it. Less takes a second run of the network, with the grain kept, which a model must be told
/// the noise for. `times`, where it is not null, gets those of both. Throws Error as the Developer
/// does, and where a strength is not within [0,1].
Tensor light_with_grain(Developer& developer, const FrameView& frame,
                        const std::optional<DenoiseStrength>& strength,
                        DevelopTimes* times = nullptr);
Image picture_with_grain(Developer& developer, const FrameView& frame, PictureRequest request,
                         const std::optional<DenoiseStrength>& strength);

}  // namespace hyperconv
