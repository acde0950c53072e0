#include "image/cicp.hpp"

#include "base/fail.hpp"

namespace hyperconv {

ColourSpace colours_by_code(const std::string& name, const char* format, int primaries,
                            int transfer) {
  ColourSpace space;
  space.name = fmt::format("cICP {}/{}", primaries, transfer);
  switch (primaries) {
    case 1:
      break;
    case 9:
      space.red = {0.708, 0.292}, space.green = {0.170, 0.797}, space.blue = {0.131, 0.046};
      break;
    case 12:
      space.red = {0.680, 0.320}, space.green = {0.265, 0.690}, space.blue = {0.150, 0.060};
      break;
    default:
      fail("{}: is a {} of cICP's primaries {}; 1 (sRGB), 9 (BT.2020) or 12 (P3) are expected",
           name, format, primaries);
  }
  constexpr ToeCurve bt709{1 / 0.45, 0.099, 4.5, 0.081};
  switch (transfer) {
    case 1:
    case 6:
    case 14:
    case 15:
      space.curve = bt709;
      break;
    case 4:
      space.curve = GammaCurve{2.2};
      break;
    case 5:
      space.curve = GammaCurve{2.8};
      break;
    case 8:
      space.curve = GammaCurve{1};
      break;
    case 13:
      break;
    case 16:
    case 18:
      fail(
          "{}: is a {} in HDR (cICP's transfer {}, {}); a picture for ordinary screens is "
          "expected",
          name, format, transfer, transfer == 16 ? "PQ" : "HLG");
    default:
      fail("{}: is a {} of cICP's transfer {}; 1, 4, 5, 6, 8, 13, 14 or 15 are expected", name,
           format, transfer);
  }
  return space;
}

OpenColours colours_by_open_code(const std::string& name, const char* format, int primaries,
                                 int transfer) {
  constexpr int unspecified = 2, srgb = 1, srgb_curve = 13;
  return {colours_by_code(name, format, primaries == unspecified ? srgb : primaries,
                          transfer == unspecified ? srgb_curve : transfer),
          primaries != unspecified && transfer != unspecified};
}

}  // namespace hyperconv
