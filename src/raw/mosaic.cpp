#include "hyperconv/mosaic.hpp"

#include "base/fail.hpp"

namespace hyperconv {

std::array<int, 2> red_offset(Cfa cfa) {
  switch (cfa) {
    case Cfa::rggb:
      return {0, 0};
    case Cfa::grbg:
      return {0, 1};
    case Cfa::gbrg:
      return {1, 0};
    case Cfa::bggr:
      return {1, 1};
  }
  return {0, 0};
}

int cfa_colour(Cfa cfa, int64_t y, int64_t x) {
  const auto [red_y, red_x] = red_offset(cfa);
  const bool on_red_row = ((y ^ red_y) & 1) == 0;
  const bool on_red_column = ((x ^ red_x) & 1) == 0;
  if (on_red_row != on_red_column) return 1;
  return on_red_row ? 0 : 2;
}

std::string to_string(Cfa cfa) {
  switch (cfa) {
    case Cfa::rggb:
      return "rggb";
    case Cfa::bggr:
      return "bggr";
    case Cfa::grbg:
      return "grbg";
    case Cfa::gbrg:
      return "gbrg";
  }
  return {};
}

}  // namespace hyperconv
