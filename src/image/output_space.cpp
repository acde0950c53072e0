#include "image/output_space.hpp"

#include <fmt/format.h>

#include <cassert>
#include <cmath>

#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

/// SMPTE EG 432-1's primaries with D65 and sRGB's curve, as Apple's profile and CSS Color 4 have
/// it.
ColourSpace display_p3() {
  ColourSpace space;
  space.red = {0.680, 0.320}, space.green = {0.265, 0.690}, space.blue = {0.150, 0.060};
  space.name = "Display P3 compatible";
  return space;
}

/// ROMM RGB (ISO 22028-2): white D50, light = encoded^1.8 and encoded / 16 below 1/512.
ColourSpace prophoto_rgb() {
  ColourSpace space;
  space.white = {0.3457, 0.3585};
  space.red = {0.7347, 0.2653}, space.green = {0.1596, 0.8404}, space.blue = {0.0366, 0.0001};
  space.curve = ToeCurve{1.8, 0, 16, 1.0 / 32};
  space.name = "ProPhoto (ROMM) RGB compatible";
  return space;
}

/// ITU-R BT.2020 with the curve's two constants to as many digits as 16 bits can tell.
ColourSpace rec2020() {
  constexpr double alpha = 1.09929682680944, beta = 0.018053968510807, slope = 4.5;
  ColourSpace space;
  space.red = {0.708, 0.292}, space.green = {0.170, 0.797}, space.blue = {0.131, 0.046};
  space.curve = ToeCurve{1 / 0.45, alpha - 1, slope, slope * beta};
  space.name = "Rec.2020 compatible";
  return space;
}

}  // namespace

std::string to_string(OutputSpace space) {
  switch (space) {
    case OutputSpace::srgb:
      return "srgb";
    case OutputSpace::display_p3:
      return "display-p3";
    case OutputSpace::adobe_rgb:
      return "adobe-rgb";
    case OutputSpace::prophoto:
      return "prophoto";
    case OutputSpace::rec2020:
      return "rec2020";
  }
  return {};
}

ColourSpace colours_of(OutputSpace space) {
  switch (space) {
    case OutputSpace::srgb:
      break;
    case OutputSpace::display_p3:
      return display_p3();
    case OutputSpace::adobe_rgb:
      return adobe_rgb();
    case OutputSpace::prophoto:
      return prophoto_rgb();
    case OutputSpace::rec2020:
      return rec2020();
  }
  return {};
}

std::vector<uint8_t> profile_of(OutputSpace space, int channels) {
  if (space == OutputSpace::srgb) return {};
  return profile_of(colours_of(space), channels);
}

std::vector<uint8_t> linear_profile_of(OutputSpace space, int channels) {
  ColourSpace linear = colours_of(space);
  linear.name = fmt::format("{} (linear)", linear.name.empty() ? "sRGB" : linear.name);
  linear.curve = GammaCurve{1};
  return profile_of(linear, channels);
}

double encode(const Curve& curve, double light) {
  return std::visit(Overloaded{[&](const GammaCurve& c) { return std::pow(light, 1 / c.exponent); },
                               [&](const ToeCurve& c) {
                                 if (light <= c.from / c.slope) return light * c.slope;
                                 return (1 + c.offset) * std::pow(light, 1 / c.exponent) - c.offset;
                               },
                               [](const TableCurve&) -> double {
                                 assert(!"a table is not turned around");
                                 return 0;
                               }},
                    curve);
}

}  // namespace hyperconv
