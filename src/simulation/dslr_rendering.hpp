// How a larger camera would have rendered a photo: what the target of a simulated pair has that the
// photo has not, and a network must learn beside demosaicking.
#pragma once

#include "base/tensor.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// Strengths are 0 for nothing; with all of them 0 a picture stays as it is, bit for bit.
struct DslrRendering {
  double contrast = 0;             ///< of the tone curve, 0..1
  double local_contrast = 0;       ///< 0..2: share of what luma has beyond its wide blur
  double local_radius = 8;         ///< deviation of that blur in pixels, above 0, up to 64
  double saturation = 0;           ///< 0..2: share of what a colour has beyond luma
  double sharpening = 0;           ///< 0..2: share of what luma has beyond its narrow blur
  double sharpening_radius = 0.8;  ///< deviation of that blur in pixels, above 0, up to 64
  bool operator==(const DslrRendering&) const = default;
};

/// The one that simzrr's version 2 has; its source says why it has these numbers.
DslrRendering standard_dslr();

/// The tone curve, of a sample in [0,1] as the picture has it (sRGB): x + contrast (s(x) - x) with
/// s(x) = 3 x^2 - 2 x^3. It rises everywhere, and 0, 1/2 and 1 stay.
float dslr_tone(float sample, const DslrRendering& rendering);

/// How far from a pixel its rendering looks, in pixels.
int dslr_reach(const DslrRendering& rendering);

/// RGB as a picture has it (sRGB), [1,3,H,W] in [0,1], rendered:
///     t = dslr_tone(x) of each colour        Y = 0.2126 tR + 0.7152 tG + 0.0722 tB
///     D = local_contrast * limited(Y - wide blur of Y) + sharpening * (Y - narrow blur of Y)
///     out = t + D + saturation (t - Y), cut to [0,1]
/// with Gaussians of three deviations' reach, and limited(d) = d / (1 + |d| / 0.15), which leaves
/// faint differences as they are and keeps halos beside strong edges small. Beyond the edges the
/// picture is mirrored without repeating them, so that a part with dslr_reach() around it is
/// rendered as in the whole. Throws Error where a number of the rendering is out of range.
Tensor dslr_rendered(const Tensor& srgb, const DslrRendering& rendering);

/// The same of an 8-bit RGB picture, rounded to 8 bits.
Image dslr_rendered(const Image& photo, const DslrRendering& rendering);

}  // namespace hyperconv
