#include "api/picture_options.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "pipeline/lens_finder.hpp"
#include "pipeline/padded_photo.hpp"
#include "pipeline/removed_noise.hpp"
#include "raw/exif.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

/// A C program may pass any number.
bool is_known(HighlightMode mode) {
  switch (mode) {
    case HighlightMode::clip:
    case HighlightMode::blend:
    case HighlightMode::rebuild:
      return true;
  }
  return false;
}

bool is_known(OutputSpace space) {
  switch (space) {
    case OutputSpace::srgb:
    case OutputSpace::display_p3:
    case OutputSpace::adobe_rgb:
    case OutputSpace::prophoto:
    case OutputSpace::rec2020:
      return true;
  }
  return false;
}

bool is_known(Crop crop) {
  switch (crop) {
    case Crop::active:
    case Crop::camera:
      return true;
  }
  return false;
}

bool balances(const PictureOptions& options) {
  return !std::holds_alternative<AsShot>(options.white_balance);
}

/// "1999 kelvin with a tint of 0"
std::string text_of(const WantedBalance& wanted) {
  return std::visit(Overloaded{[](AsShot) -> std::string { return "as shot"; },
                               [](Automatic) -> std::string { return "automatic"; },
                               [](const LightColour& light) {
                                 return fmt::format("{} kelvin with a tint of {}", light.kelvin,
                                                    light.tint);
                               },
                               [](const GreyPlace& place) {
                                 return fmt::format("of a grey place at {},{}", place.x, place.y);
                               }},
                    wanted);
}

/// "a share of 5"
std::string text_of(const WantedSize& wanted) {
  return std::visit(
      Overloaded{[](const LongestSide& side) {
                   return fmt::format("a longest side of {} pixels", side.pixels);
                 },
                 [](const ShareOfSize& share) { return fmt::format("a share of {}", share.share); },
                 [](const WithinSize& within) {
                   return fmt::format("within {}x{} pixels", within.width, within.height);
                 }},
      wanted);
}

/// Those that are not at their defaults: "exposure, highlights".
std::string named(std::initializer_list<std::pair<bool, const char*>> options) {
  std::string names;
  for (const auto& [is_given, name] : options)
    if (is_given) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

}  // namespace

void check(const PictureOptions& options) {
  check_strength(options.strength);
  if (!can_be_wanted(options.white_balance))
    fail(
        "the white balance cannot be {}; 2000 to 15000 kelvin, a tint of -150 to 150 and a grey "
        "place at 0,0 or beyond can be",
        text_of(options.white_balance));
  if (!(options.exposure >= -10 && options.exposure <= 10))
    fail("the exposure is {} stops, must be -10 to 10", options.exposure);
  if (!is_known(options.highlights))
    fail("the highlights are {}; there are clip, blend and rebuild", int(options.highlights));
  if (!is_known(options.colour_space))
    fail("the colour space is {}; there are srgb, display_p3, adobe_rgb, prophoto and rec2020",
         int(options.colour_space));
  if (!is_known(options.crop))
    fail("the crop is {}; there are active and camera", int(options.crop));
  if (options.rotate && !orientation_of_turn(*options.rotate))
    fail("the picture is to be turned by {} degrees; 0, 90, 180 and 270 can be", *options.rotate);
  if (options.size && !can_be_wanted(*options.size))
    fail("the size cannot be {}; sides of 1 to 65535 pixels and a share of 0.001 to 4 can be",
         text_of(*options.size));
  if (options.part && (options.crop != Crop::active || options.size))
    fail("a part is of the photo's own pixels; crop and size would have no effect on it");
}

void check(const FileOptions& options) {
  check(options.picture);
  if (options.quality < 1 || options.quality > 100)
    fail("the quality is {}, must be 1 to 100", options.quality);
  if (options.depth == 32 && options.picture.size)
    fail("a depth of 32 keeps light above white, which a size would cut; leave one of them out");
}

void check_for_mosaic_view(const PictureOptions& options) {
  const std::string names =
      named({{LensFinder::corrects(options.lens), "lens"}, {options.crop != Crop::active, "crop"}});
  if (!names.empty())
    fail(
        "a MosaicView says neither of a lens nor of its camera's crop; {} would have no effect: "
        "take the RawFile",
        names);
}

void check_for_dng(const FileOptions& options) {
  const PictureOptions& picture = options.picture;
  const std::string names = named({{picture.exposure != 0, "exposure"},
                                   {picture.highlights != HighlightMode::clip, "highlights"},
                                   {picture.colour_space != OutputSpace::srgb, "colour_space"},
                                   {LensFinder::corrects(picture.lens), "lens"},
                                   {picture.part.has_value(), "part"},
                                   {picture.crop != Crop::active, "crop"},
                                   {picture.size.has_value(), "size"},
                                   {options.depth.has_value(), "depth"}});
  if (!names.empty())
    fail("a raw converter renders a DNG; {} would have no effect: name a .jpg, .png or .tif",
         names);
}

void check_for_monochrome(const FileOptions& options) {
  const PictureOptions& picture = options.picture;
  const std::string names = named({{balances(picture), "white_balance"},
                                   {picture.highlights != HighlightMode::clip, "highlights"},
                                   {picture.colour_space != OutputSpace::srgb, "colour_space"},
                                   {options.depth == 32, "a depth of 32"}});
  if (!names.empty()) fail("is monochrome; {} would have no effect: take exposure", names);
}

bool removes_noise(const PictureOptions& options) {
  return options.strength.luma > 0 || options.strength.colour > 0;
}

Rendering rendering_of(const PictureOptions& options) {
  return {
      .stops = options.exposure, .highlights = options.highlights, .space = options.colour_space};
}

WriteOptions write_options_of(const FileOptions& options, int threads) {
  return {.quality = options.quality,
          .threads = threads,
          .depth = options.depth,
          .strip_metadata = options.strip_metadata};
}

void turn(const PictureOptions& options, Mosaic& facts) {
  if (options.rotate) facts.orientation = *orientation_of_turn(*options.rotate);
}

std::optional<Region> part_of(const PictureOptions& options, const Mosaic& facts) {
  if (options.part) {
    check_part(*options.part, facts.width, facts.height);
    return options.part;
  }
  return options.crop == Crop::camera ? facts.camera_crop : std::nullopt;
}

Finish finish_of(const PictureOptions& options, const Mosaic& facts, const LensReport* lens,
                 int threads) {
  return {
      .pixel_aspect = facts.pixel_aspect, .size = options.size, .lens = lens, .threads = threads};
}

PictureSize size_of(const PictureOptions& options, const Mosaic& facts) {
  const Region part = part_of(options, facts).value_or(Region{0, 0, facts.height, facts.width});
  const auto [width, height] = finished_size(int(part.width), int(part.height), facts.orientation,
                                             finish_of(options, facts, nullptr, 0));
  return {width, height};
}

}  // namespace hyperconv
