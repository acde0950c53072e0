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

/// CIE xy of such light.
std::array<double, 2> chromaticity(const LightColour& light);

/// What a user may ask for: a light within LightColour's ranges, a place at 0,0 or beyond.
bool can_be_wanted(const WantedBalance& wanted);

/// The multipliers, G = 1, by which light of this chromaticity (CIE xy) is grey for a camera with
/// this matrix; nothing where the camera does not see it.
std::optional<std::array<double, 3>> balance_of_white(const std::array<double, 2>& xy,
                                                      const Matrix3& xyz_to_camera);

/// Sets the photo's balance; Automatic is grey_edge. Throws Error, without the file's name, where
/// the camera's matrix is needed and not known, or the place is outside of the picture, saturated
/// or black.
void balance_as_wanted(Mosaic& mosaic, const WantedBalance& wanted);
/// Of a frame of three colours: its light is balanced anew.
void balance_as_wanted(LinearFrame& frame, const WantedBalance& wanted);

}  // namespace hyperconv
