// White balances: of a photo that says none, and those that a user wants instead of the camera's.
#pragma once

#include <optional>
#include <variant>

#include "raw/mosaic.hpp"

namespace hyperconv {

/// The multipliers that make the mean of the photo grey, with G = 1: of blocks of 8x8 samples
/// without a saturated one, as LibRaw's automatic balance has it (dcraw's -a); of all samples below
/// white where every block has one. Within [1/4, 8]; ones for a black photo.
std::array<double, 3> grey_world(const Mosaic& mosaic);

/// The photo's balance becomes that, and a warning says so.
void take_grey_world(Mosaic& mosaic);

/// The warning alone.
void warn_of_grey_world(Mosaic& mosaic);

/// The multipliers that make the edges in the photo grey (grey-edge: van de Weijer, Gevers,
/// Gijsenij 2007, "Edge-based color constancy", IEEE Trans. Image Processing 16(9)), with G = 1:
/// of the differences between neighbouring blocks of 8x8 samples without a saturated one, whose
/// means have hardly any noise. A large surface of one colour, to which grey_world bends, has
/// few edges. Within [1/4, 8]; grey_world where the photo has no edges.
std::array<double, 3> grey_edge(const Mosaic& mosaic);

/// CIE xy of light of a colour temperature and tint, as raw converters count them: on the Planckian
/// locus at `kelvin`, in [2000, 15000], and tint / 3000 above it in CIE 1960 uv (Duv), tint in
/// [-150, 150]. Light of a positive tint is greenish: the picture is corrected towards magenta.
struct LightColour {
  double kelvin = 5500, tint = 0;
};
std::array<double, 2> chromaticity(const LightColour& light);

/// The multipliers, G = 1, by which light of this chromaticity (CIE xy) is grey for a camera with
/// this matrix; nothing where the camera does not see it.
std::optional<std::array<double, 3>> balance_of_white(const std::array<double, 2>& xy,
                                                      const Matrix3& xyz_to_camera);

/// The middle of something grey, in pixels of the upright picture from its upper left corner.
struct GreyPlace {
  int x = 0, y = 0;
};
struct AsShot {};
struct Automatic {};  ///< grey_edge
using WantedBalance = std::variant<AsShot, Automatic, LightColour, GreyPlace>;

/// Sets the photo's balance. Of a grey place, 16x16 samples count. Throws Error, without the file's
/// name, where the camera's matrix is needed and not known, or the place is outside of the picture,
/// saturated or black.
void balance_as_wanted(Mosaic& mosaic, const WantedBalance& wanted);
/// Of a frame of three colours: its light is balanced anew.
void balance_as_wanted(LinearFrame& frame, const WantedBalance& wanted);

}  // namespace hyperconv
