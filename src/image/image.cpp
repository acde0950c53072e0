#include "image/image.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>
#include <string>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/threads.hpp"
#include "image/codec.hpp"
#include "image/exif.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

double unit(uint8_t value) { return value / 255.0; }
double unit(uint16_t value) { return value / 65535.0; }
/// Not-a-number is black.
double unit(float value) { return value > 0 ? std::min(double(value), 1.0) : 0.0; }

/// Rounded to nearest.
template <class Sample, class From>
Sample rounded(From value) {
  // The same as below without doubles: of whole numbers over 257 none lies between two.
  if constexpr (std::is_same_v<Sample, uint8_t> && std::is_same_v<From, uint16_t>)
    return Sample((uint32_t(value) + 128) / 257);
  else
    return Sample(unit(value) * Sample(-1) + 0.5);
}

// Values that one thread converts at a time.
constexpr size_t chunk = 1 << 18;

template <class Sample>
Image with_samples(const Image& image) {
  if (std::holds_alternative<std::vector<Sample>>(image.samples)) return image;
  Image result{image.width, image.height, image.channels, {}, image.metadata};
  auto samples = large_vector<Sample>(image.count());
  std::visit(
      [&](const auto& from) {
        const auto convert = [&](int64_t part) {
          const size_t first = size_t(part) * chunk, end = std::min(from.size(), first + chunk);
          std::transform(from.begin() + ptrdiff_t(first), from.begin() + ptrdiff_t(end),
                         samples.begin() + ptrdiff_t(first),
                         [](auto value) { return rounded<Sample>(value); });
        };
        Threads().parallel_for(int64_t((from.size() + chunk - 1) / chunk), convert);
      },
      image.samples);
  result.samples = std::move(samples);
  return result;
}

/// Where the pixels of the turned picture are found: at start + x * right + y * down.
struct Walk {
  int64_t start = 0, right = 0, down = 0;
};

/// EXIF 2.32, tag 0x0112: the orientation says at which visible sides row 0 and column 0 lie.
Walk walk_of(const Image& image) {
  const int64_t w = image.width, h = image.height;
  const int64_t top_right = w - 1, bottom_left = (h - 1) * w, bottom_right = h * w - 1;
  switch (image.metadata.orientation) {
    case 2:
      return {top_right, -1, w};
    case 3:
      return {bottom_right, -1, -w};
    case 4:
      return {bottom_left, 1, -w};
    case 5:
      return {0, w, 1};
    case 6:
      return {bottom_left, -w, 1};
    case 7:
      return {bottom_right, -w, -1};
    case 8:
      return {top_right, w, -1};
    default:
      return {0, 1, w};
  }
}

template <class Sample>
std::vector<Sample> turned(const std::vector<Sample>& samples, const Walk& walk, int width,
                           int height, int channels) {
  auto result = large_vector<Sample>(samples.size());
  auto to = result.begin();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int64_t pixel = walk.start + x * walk.right + y * walk.down;
      to = std::copy_n(samples.begin() + pixel * channels, channels, to);
    }
  return result;
}

/// "8, 10 or 12".
std::string listed(const std::vector<int>& numbers) {
  std::string text;
  for (const int& number : numbers)
    text += fmt::format("{}{}",
                        text.empty()                 ? ""
                        : &number == &numbers.back() ? " or "
                                                     : ", ",
                        number);
  return text;
}

/// A copy of the samples is made only where the file shall hold others.
std::vector<uint8_t> encoded(const Codec& codec, const std::string& name, const Image& image,
                             WriteOptions options) {
  const int depth = options.depth.value_or(bits_of(image) == 8 ? 8 : codec.deep);
  options.depth = depth;
  const int wanted = depth == 8 ? 8 : depth == 32 ? 32 : 16;
  if (wanted == bits_of(image) || codec.rounds) return codec.encode(name, image, options);
  if (wanted == 8) return codec.encode(name, to_u8(image), options);
  if (wanted == 16) return codec.encode(name, to_u16(image), options);
  Image floats{image.width, image.height, image.channels, to_float(image), image.metadata};
  return codec.encode(name, floats, options);
}

const Codec& codec_to_write(const fs::path& path, const WriteOptions& options) {
  const std::string name = path.string();
  const Codec* codec = codec_by_ending(path);
  if (codec == nullptr) fail("{}: cannot be written; pictures end in {}", name, picture_endings());
  check_built_in(name, *codec);
  if (options.depth && std::ranges::find(codec->depths, *options.depth) == codec->depths.end())
    fail("{}: cannot be written, {} holds {} bits a sample, not {}", name, codec->name,
         listed(codec->depths), *options.depth);
  return *codec;
}

/// Along one side: which two samples a new one lies between, and how far from the first.
struct Between {
  int first = 0, second = 0;
  double share = 0;
};

std::vector<Between> places(int from, int to) {
  std::vector<Between> result(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double place = std::clamp((i + 0.5) * from / to - 0.5, 0.0, double(from - 1));
    const int first = int(place);
    result[size_t(i)] = {first, std::min(first + 1, from - 1), place - first};
  }
  return result;
}

template <class Sample>
std::vector<Sample> resampled(const std::vector<Sample>& samples, const Image& from,
                              const Image& to) {
  const auto rows = places(from.height, to.height), columns = places(from.width, to.width);
  auto result = large_vector<Sample>(to.count());
  auto out = result.begin();
  for (const Between& row : rows)
    for (const Between& column : columns)
      for (int c = 0; c < to.channels; ++c) {
        const auto at = [&](int y, int x) {
          return double(
              samples[(size_t(y) * size_t(from.width) + size_t(x)) * size_t(from.channels) +
                      size_t(c)]);
        };
        const double upper =
            std::lerp(at(row.first, column.first), at(row.first, column.second), column.share);
        const double lower =
            std::lerp(at(row.second, column.first), at(row.second, column.second), column.share);
        const double value = std::lerp(upper, lower, row.share);
        if constexpr (std::is_same_v<Sample, float>)
          *out++ = float(value);
        else
          *out++ = Sample(value + 0.5);
      }
  return result;
}

}  // namespace

std::vector<float> to_float(const Image& image) {
  std::vector<float> result(image.count());
  std::visit(
      [&](const auto& from) {
        using Sample = typename std::decay_t<decltype(from)>::value_type;
        if constexpr (std::is_same_v<Sample, float>)
          result = from;
        else
          std::transform(from.begin(), from.end(), result.begin(),
                         [](Sample value) { return float(value) / float(Sample(-1)); });
      },
      image.samples);
  return result;
}

void round_row(const Image& image, int y, std::span<uint8_t> row) {
  std::visit(
      [&]<class Sample>(const std::vector<Sample>& from) {
        const auto first = from.begin() + ptrdiff_t(size_t(y) * row.size());
        std::transform(first, first + ptrdiff_t(row.size()), row.begin(), [](Sample value) {
          if constexpr (std::is_same_v<Sample, uint8_t>)
            return value;
          else
            return rounded<uint8_t>(value);
        });
      },
      image.samples);
}

Image to_u8(const Image& image) { return with_samples<uint8_t>(image); }
Image to_u16(const Image& image) { return with_samples<uint16_t>(image); }

Image part_of(const Image& image, const Region& part) {
  assert(part.top >= 0 && part.left >= 0 && part.top + part.height <= image.height &&
         part.left + part.width <= image.width);
  if (part == Region{0, 0, image.height, image.width}) return image;
  Image result{int(part.width), int(part.height), image.channels, {}, image.metadata};
  std::visit(
      [&]<class Sample>(const std::vector<Sample>& from) {
        auto samples = large_vector<Sample>(result.count());
        const auto row = part.width * image.channels;
        for (int64_t y = 0; y < part.height; ++y)
          std::copy_n(from.begin() + ((part.top + y) * image.width + part.left) * image.channels,
                      row, samples.begin() + y * row);
        result.samples = std::move(samples);
      },
      image.samples);
  return result;
}

Image upright(Image image) {
  if (image.metadata.orientation == 1) return image;
  const Walk walk = walk_of(image);
  const bool on_its_side = image.metadata.orientation >= 5;
  Image result{on_its_side ? image.height : image.width,
               on_its_side ? image.width : image.height,
               image.channels,
               {},
               image.metadata};
  std::visit(
      [&](const auto& samples) {
        result.samples = turned(samples, walk, result.width, result.height, image.channels);
      },
      image.samples);
  result.metadata.orientation = 1;
  result.metadata.exif = upright_exif(std::move(result.metadata.exif), on_its_side);
  if (on_its_side && result.metadata.resolution)
    std::swap(result.metadata.resolution->x, result.metadata.resolution->y);
  return result;
}

Image with_square_pixels(Image image, double pixel_aspect) {
  assert(pixel_aspect > 0);
  if (pixel_aspect == 1) return image;
  Image result{image.width, image.height, image.channels, {}, image.metadata};
  const auto longer = [](int length, double factor) { return int(std::lround(length * factor)); };
  if (pixel_aspect > 1) result.width = longer(image.width, pixel_aspect);
  if (pixel_aspect < 1) result.height = longer(image.height, 1 / pixel_aspect);
  std::visit([&](const auto& samples) { result.samples = resampled(samples, image, result); },
             image.samples);
  return result;
}

Image read_image(const fs::path& path) {
  const std::string name = path.string();
  const std::vector<uint8_t> bytes = read_file(path);
  return decode_picture(name, bytes);
}

bool is_writable_image(const fs::path& path) { return codec_by_ending(path) != nullptr; }

void check_writable(const fs::path& path, const WriteOptions& options) {
  codec_to_write(path, options);
}

std::string picture_endings() {
  std::string text;
  for (const Codec& codec : codecs()) {
    const bool last = &codec == &codecs().back();
    text += fmt::format("{}{}", text.empty() ? "" : last ? " or " : ", ", codec.endings.front());
  }
  return text;
}

std::string picture_formats() {
  std::string text;
  for (const Codec& codec : codecs()) {
    const bool last = &codec == &codecs().back();
    text += fmt::format("{}{}", text.empty() ? "" : last ? " or " : ", ", codec.name);
  }
  return text;
}

void write_image(const fs::path& path, const Image& image, const WriteOptions& options) {
  const std::string name = path.string();
  const Codec& codec = codec_to_write(path, options);
  if (image.count() == 0) fail("{}: cannot be written, the picture has no pixels", name);
  assert(std::visit([](const auto& samples) { return samples.size(); }, image.samples) ==
         image.count());
  // Before the work, so that a folder that is missing is known at once.
  PendingFile file(path);
  const std::vector<uint8_t> bytes = encoded(codec, name, image, options);
  // In pieces, between which Ctrl-C is heard.
  constexpr size_t piece = size_t(8) << 20;
  for (size_t done = 0; done < bytes.size(); done += piece) {
    throw_if_interrupted();
    file.write(std::span(bytes).subspan(done, std::min(piece, bytes.size() - done)));
  }
  throw_if_interrupted();
  file.commit();
}

}  // namespace hyperconv
