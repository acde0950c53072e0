// From a camera's own primaries to sRGB and back.
#pragma once

#include <array>
#include <optional>

#include "base/tensor.hpp"
#include "image/image.hpp"
#include "image/output_space.hpp"
#include "raw/highlights.hpp"
#include "raw/matrix3.hpp"
#include "raw/mosaic.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {

inline constexpr Matrix3 identity3 = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};

/// a * v.
std::array<double, 3> transform(const Matrix3& a, const std::array<double, 3>& v);

/// Every row divided by its sum, so that (1,1,1) stays (1,1,1). Throws Error when a row sums to
/// nothing.
Matrix3 with_rows_summing_to_one(const Matrix3& m);

/// Linear sRGB -> camera RGB after white balance: xyz_to_camera * xyz_from_srgb with its rows
/// scaled to sum 1, as LibRaw and dcraw do.
Matrix3 srgb_to_camera(const Matrix3& xyz_to_camera);

/// The inverse of srgb_to_camera; its rows sum to 1 too. Throws Error where there is none: a file's
/// matrix may be anything.
Matrix3 camera_to_srgb(const Matrix3& xyz_to_camera);

/// Linear sRGB -> linear RGB of that space: through XYZ by both spaces' primaries (SMPTE RP
/// 177-1993), and from white to white by Bradford's transform where they differ (ProPhoto's D50),
/// as ICC profiles have it. Rows sum to 1; the identity for sRGB.
Matrix3 from_srgb(OutputSpace space);

/// White-balance multipliers, G = 1, that make the light D65 grey for a camera with this matrix.
std::array<double, 3> daylight_white_balance(const Matrix3& xyz_to_camera);

/// The sRGB curve (IEC 61966-2-1) in double, for tables; 0..1.
double encode_srgb(double linear);
double decode_srgb(double encoded);

/// Linear camera RGB [1,3,H,W] through a matrix and the sRGB curve, to nearest: 16-bit RGB. Values
/// outside [0,1] are cut. On all cores.
Image srgb_picture(const Tensor& camera_rgb, const Matrix3& camera_to_srgb);

/// What a frame's light goes through on its way into a picture.
struct ColourPath {
  Matrix3 matrix = identity3;                  ///< camera RGB -> linear RGB of the space
  OutputSpace space = OutputSpace::srgb;       ///< whose curve encodes it
  std::optional<StabilisingCurve> curve = {};  ///< the frame is in its light and not linear
  const Highlights* highlights = nullptr;      ///< restores them before the matrix
  int64_t top = 0, left = 0;                   ///< of the photo where the picture begins
};

/// The same of a part of a frame, into an RGB picture of the photo or of a part of it; the frame's
/// part lies at [top, left] of the photo. A picture of 16 bits is encoded by the space's curve and
/// cut to its range; one of floats takes the light as it is, below 0 and above 1 too.
void render_part(const Tensor& camera_rgb, const Region& part, const ColourPath& path,
                 Image& picture, int64_t top, int64_t left);

/// Black, 16 bits a sample, or floats.
Image rgb_picture(int width, int height, bool floats = false);

/// Linear light [1,1,H,W] times `gain` through the sRGB curve: 16-bit grey, cut likewise.
Image grey_picture(const Tensor& light, double gain);

}  // namespace hyperconv
