#include "pipeline/finished.hpp"

#include <cmath>
#include <utility>

#include "image/image.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

/// EXIF's orientations from 5 on are on their side.
bool lies(int orientation) { return orientation >= 5; }

}  // namespace

std::optional<int> orientation_of_turn(int degrees) {
  switch (degrees) {
    case 0:
      return 1;
    case 90:
      return 6;
    case 180:
      return 3;
    case 270:
      return 8;
    default:
      return std::nullopt;
  }
}

Image resized_as_seen(Image picture, const std::optional<WantedSize>& wanted, SampleMeaning meaning,
                      int threads) {
  if (!wanted) return picture;
  const bool on_its_side = lies(picture.metadata.orientation);
  const int across = on_its_side ? picture.height : picture.width,
            down = on_its_side ? picture.width : picture.height;
  const auto [width, height] = size_as_wanted(across, down, *wanted);
  return resized(picture, on_its_side ? height : width, on_its_side ? width : height, meaning,
                 threads);
}

Image finished(Image picture, const Finish& finish) {
  Image seen = resized_as_seen(upright(with_square_pixels(std::move(picture), finish.pixel_aspect)),
                               finish.size, SampleMeaning::colours, finish.threads);
  if (finish.lens != nullptr)
    seen.metadata.xmp = xmp_with_lens(std::move(seen.metadata.xmp),
                                      {finish.lens->name, finish.lens->distortion,
                                       finish.lens->vignetting, finish.lens->lateral_colour});
  return seen;
}

std::array<int, 2> finished_size(int width, int height, int orientation, const Finish& finish) {
  // As with_square_pixels has it.
  const double aspect = finish.pixel_aspect;
  if (aspect > 1) width = int(std::lround(width * aspect));
  if (aspect < 1) height = int(std::lround(height * (1 / aspect)));
  if (lies(orientation)) std::swap(width, height);
  return finish.size ? size_as_wanted(width, height, *finish.size) : std::array{width, height};
}

}  // namespace hyperconv
