#include "raw/mosaic.hpp"

#include "base/fail.hpp"
#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

constexpr std::array all_patterns = {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg};

}  // namespace

std::array<int, 2> red_offset(Cfa cfa) {
  switch (cfa) {
    case Cfa::rggb:
      return {0, 0};
    case Cfa::bggr:
      return {1, 1};
    case Cfa::grbg:
      return {0, 1};
    case Cfa::gbrg:
      return {1, 0};
  }
  return {0, 0};
}

int cfa_colour(Cfa cfa, int64_t y, int64_t x) {
  const auto [red_y, red_x] = red_offset(cfa);
  // One step down or right from red is green, both at once blue.
  return int((y ^ red_y) & 1) + int((x ^ red_x) & 1);
}

int cfa_colour(const ColourFilters& filters, int64_t y, int64_t x) {
  if (const Cfa* bayer = filters.bayer()) return cfa_colour(*bayer, y, x);
  return filters.x_trans()->colour(y, x);
}

Cfa shifted(Cfa cfa, int64_t dy, int64_t dx) {
  const auto [red_y, red_x] = red_offset(cfa);
  const std::array<int, 2> moved = {int((red_y ^ dy) & 1), int((red_x ^ dx) & 1)};
  for (const Cfa candidate : all_patterns)
    if (red_offset(candidate) == moved) return candidate;
  return cfa;
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

std::string to_string(const ColourFilters& filters) {
  return filters.bayer() ? to_string(*filters.bayer()) : "x-trans";
}

Cfa cfa_from_string(const std::string& name) {
  for (const Cfa cfa : all_patterns)
    if (to_string(cfa) == name) return cfa;
  fail("\"{}\" is no colour filter pattern; rggb, bggr, grbg and gbrg are", name);
}

FrameView::FrameView(const RawFrame& frame)
    : facts(std::visit(
          Overloaded{[](const Mosaic& mosaic) -> const Mosaic& { return mosaic; },
                     [](const LinearFrame& linear) -> const Mosaic& { return linear.facts; }},
          frame)),
      light(std::holds_alternative<LinearFrame>(frame) ? &std::get<LinearFrame>(frame).light
                                                       : nullptr),
      demosaicked_from(std::holds_alternative<LinearFrame>(frame)
                           ? std::get<LinearFrame>(frame).demosaicked_from
                           : std::nullopt) {}

}  // namespace hyperconv
