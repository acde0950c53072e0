#include "pipeline/padded_photo.hpp"

#include <vector>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

// The part of the photo that begins at `part.top`, `part.left`, mirrored beyond its edges.
void read_part(const Image& photo, const Region& part, Tensor& values, Threads& threads) {
  std::vector<size_t> columns(size_t(part.width));
  for (int64_t x = 0; x < part.width; ++x)
    columns[size_t(x)] = size_t(mirrored(part.left + x, photo.width)) * size_t(photo.channels);
  const auto stride = size_t(photo.width) * size_t(photo.channels);
  const bool is_colour = colours_of(photo) == 3;
  std::visit(
      [&](const auto& samples) {
        using Sample = typename std::decay_t<decltype(samples)>::value_type;
        threads.parallel_for(part.height, [&](int64_t y) {
          throw_if_interrupted();
          const Sample* row =
              samples.data() + size_t(mirrored(part.top + y, photo.height)) * stride;
          for (int64_t c = 0; c < 3; ++c) {
            const Sample* from = row + (is_colour ? c : 0);
            float* to = values.row(0, c, y);
            for (size_t x = 0; x < columns.size(); ++x)
              to[x] = float(from[columns[x]]) / white_of<Sample>();
          }
        });
      },
      photo.samples);
}

}  // namespace

PaddedPhoto padded_photo(const Image& photo, int64_t margin, int64_t multiple, Threads& threads) {
  const int64_t before = round_up(margin, multiple);
  const Shape shape{1, 3, round_up(before + photo.height + margin, multiple),
                    round_up(before + photo.width + margin, multiple)};
  const auto read = [&photo, &threads, before](const Region& part, Tensor& values) {
    read_part(photo, {part.top - before, part.left - before, part.height, part.width}, values,
              threads);
  };
  return {{shape, read}, {before, before, photo.height, photo.width}};
}

void check_part(const Region& part, int width, int height) {
  if (part.top < 0 || part.left < 0 || part.height < 1 || part.width < 1 ||
      part.height > height - part.top || part.width > width - part.left)
    fail("the part {}x{} at ({}, {}) is not within the photo's {}x{} pixels", part.width,
         part.height, part.left, part.top, width, height);
}

}  // namespace hyperconv
