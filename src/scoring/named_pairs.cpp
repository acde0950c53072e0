#include "scoring/named_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.hpp"
#include "base/integers.hpp"

namespace hyperconv {

std::vector<NamedPair> crops_of(const NamedPair& whole, int64_t side) {
  const auto& [name, pair] = whole;
  const Shape &in = pair.input.shape(), &out = pair.target.shape();
  const int64_t samples = out.h / in.h;  // pixels of the target for one of the input
  std::vector<NamedPair> crops;
  for (int64_t top = 0; top + side <= out.h; top += side)
    for (int64_t left = 0; left + side <= out.w; left += side)
      crops.push_back(
          {fmt::format("{}/{},{}", name, top, left),
           {cut_out(pair.input, top / samples, left / samples, side / samples, side / samples),
            cut_out(pair.target, top, left, side, side)}});
  if (crops.empty())
    fail("{}: is {}x{} pixels; crops of {}x{} do not fit in", name, out.w, out.h, side, side);
  return crops;
}

void cut_out(const Tensor& frame, int64_t top, int64_t left, Tensor& part) {
  const Shape &whole = frame.shape(), shape = part.shape();
  for (int64_t c = 0; c < whole.c; ++c)
    for (int64_t y = 0; y < shape.h; ++y) {
      const float* from = frame.row(0, c, mirrored(top + y, whole.h));
      float* to = part.row(0, c, y);
      for (int64_t x = 0; x < shape.w; ++x) to[x] = from[mirrored(left + x, whole.w)];
    }
}

Tensor cut_out(const Tensor& frame, int64_t top, int64_t left, int64_t height, int64_t width) {
  Tensor part({1, frame.shape().c, height, width});
  cut_out(frame, top, left, part);
  return part;
}

Tensor clean_photo(const std::filesystem::path& path) {
  constexpr int multiple = 16;
  const Image photo = upright(read_image(path));
  const int64_t height = photo.height / multiple * multiple,
                width = photo.width / multiple * multiple;
  if (std::min(height, width) < multiple)
    fail("{}: is {}x{} pixels; photos of {}x{} or more can be scored", path.string(), photo.width,
         photo.height, multiple, multiple);
  return cut_out(planes_of(photo), 0, 0, height, width);
}

Image float_image(const Tensor& picture, float least, float most) {
  const auto [n, channels, height, width] = picture.shape();
  Image image{int(width), int(height), 3, {}, {}};
  std::vector<float> samples(image.count());
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        samples[size_t((y * width + x) * 3 + c)] = std::clamp(picture.at(0, c, y, x), least, most);
  image.samples = std::move(samples);
  return image;
}

Tensor planes_of(const Image& image) {
  const std::vector<float> samples = to_float(image);
  Tensor planes({1, 3, image.height, image.width});
  const bool is_colour = image.channels >= 3;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < image.height; ++y)
      for (int64_t x = 0; x < image.width; ++x)
        planes.at(0, c, y, x) =
            samples[size_t((y * image.width + x) * image.channels + (is_colour ? c : 0))];
  return planes;
}

}  // namespace hyperconv
