#include "api/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/fail.hpp"
#include "base/memory.hpp"

namespace hyperconv {

int64_t bytes_of(SampleType type) {
  switch (type) {
    case SampleType::u8:
      return 1;
    case SampleType::u16:
      return 2;
    case SampleType::f32:
      return 4;
  }
  return 0;
}

namespace {

constexpr int64_t most_pixels = int64_t(1) << 29;
constexpr int longest_side = 1 << 20;

/// A C program may pass any number.
bool is_known(Cfa cfa) {
  switch (cfa) {
    case Cfa::rggb:
    case Cfa::bggr:
    case Cfa::grbg:
    case Cfa::gbrg:
      return true;
  }
  return false;
}

/// Rows of samples, whoever owns them.
struct Layout {
  const char* what;  // in messages
  const void* data;
  int width, height, channels;
  std::ptrdiff_t stride;
  SampleType type;

  int64_t row_bytes() const { return int64_t(width) * channels * bytes_of(type); }
  int64_t row_stride() const { return stride == 0 ? row_bytes() : stride; }
};

void check(const Layout& layout) {
  if (layout.data == nullptr) fail("the {} is a null pointer", layout.what);
  if (bytes_of(layout.type) == 0)
    fail("the {} has the sample type {}; there are u8, u16 and f32", layout.what, int(layout.type));
  if (layout.width < 1 || layout.height < 1)
    fail("the {} is {}x{} pixels; it must have some", layout.what, layout.width, layout.height);
  if (std::max(layout.width, layout.height) > longest_side ||
      int64_t(layout.width) * layout.height > most_pixels)
    fail("the {} is {}x{} pixels; at most {} million and sides up to {} are taken", layout.what,
         layout.width, layout.height, most_pixels / 1000000, longest_side);
  if (layout.channels < 1 || layout.channels > 4)
    fail("the {} has {} channels; 1 to 4 can be", layout.what, layout.channels);
  if (layout.row_stride() < layout.row_bytes())
    fail("the {} has a stride of {} bytes, but a row of {} pixels takes {}", layout.what,
         layout.stride, layout.width, layout.row_bytes());
}

template <class Sample>
std::vector<Sample> gathered(const Layout& layout) {
  const auto in_row = size_t(layout.width) * size_t(layout.channels);
  auto samples = large_vector<Sample>(in_row * size_t(layout.height));
  const auto* row = static_cast<const std::byte*>(layout.data);
  for (int y = 0; y < layout.height; ++y, row += layout.row_stride())
    std::memcpy(samples.data() + size_t(y) * in_row, row, in_row * sizeof(Sample));
  return samples;
}

std::vector<float> gathered_floats(const Layout& layout) {
  auto samples = gathered<float>(layout);
  const auto bad =
      std::ranges::find_if(samples, [](float sample) { return !std::isfinite(sample); });
  if (bad == samples.end()) return samples;
  const auto pixel = (bad - samples.begin()) / layout.channels;
  fail("the {} has a sample that is {}, at column {} of row {}; numbers are needed", layout.what,
       *bad, pixel % layout.width, pixel / layout.width);
}

void check_facts(const MosaicView& view) {
  if (!is_known(view.cfa))
    fail("the mosaic's colour filter pattern is {}; there are rggb, bggr, grbg and gbrg",
         int(view.cfa));
  if (const auto& phase = view.x_trans) {
    const auto fits = [](int place) { return place >= 0 && place < XTrans::side; };
    if (!fits(phase->row) || !fits(phase->column))
      fail("the mosaic begins at {},{} of X-Trans' pattern; 0,0 to 5,5 can be", phase->row,
           phase->column);
    if (std::ranges::count(view.black, view.black[0]) != 4)
      fail("the mosaic's black levels differ; of X-Trans they must be the same");
  }
  const double highest = *std::ranges::max_element(view.black);
  for (const double black : view.black)
    if (!(black >= 0 && black < view.white) || !std::isfinite(view.white))
      fail("the mosaic's black level {} and white level {} cannot be; 0 <= black < white can",
           black, view.white);
  if (view.type != SampleType::f32 && (view.white > 65535 || highest >= 65535))
    fail("the mosaic's white level is {}; samples reach 65535 at most", view.white);
  for (const double gain : view.white_balance)
    if (!(gain > 0 && std::isfinite(gain)))
      fail("a white balance multiplier is {}, must be above 0", gain);
  if (view.xyz_to_camera)
    for (const auto& row : *view.xyz_to_camera)
      for (const double value : row)
        if (!std::isfinite(value)) fail("the mosaic's colour matrix holds {}", value);
  if (view.noise)
    for (const double variance : {view.noise->shot, view.noise->read})
      if (!(variance >= 0 && std::isfinite(variance)))
        fail("a noise variance is {}, must be 0 or more", variance);
}

/// Floats in any unit -> 16 bits, with room below black for its noise.
class Digitised {
 public:
  explicit Digitised(const MosaicView& view)
      : lowest_(*std::ranges::min_element(view.black)),
        scale_(range / (view.white - lowest_)),
        highest_level_(level(view.white)) {}

  double level(double value) const { return floor + (value - lowest_) * scale_; }
  double white() const { return highest_level_; }
  uint16_t operator()(float value) const {
    return uint16_t(std::lround(std::clamp(level(value), 0.0, 65535.0)));
  }

 private:
  static constexpr double floor = 3755, range = 56000;
  double lowest_, scale_, highest_level_;
};

void digitise(const Layout& layout, const MosaicView& view, Mosaic& mosaic) {
  const auto floats = gathered_floats(layout);
  const Digitised to_level(view);
  mosaic.samples = large_vector<uint16_t>(floats.size());
  std::ranges::transform(floats, mosaic.samples.begin(), to_level);
  for (double& black : mosaic.black) black = to_level.level(black);
  mosaic.white = to_level.white();
}

Image in_type(const Image& image, SampleType type) {
  switch (type) {
    case SampleType::u8:
      return to_u8(image);
    case SampleType::u16:
      return to_u16(image);
    case SampleType::f32:
      return {image.width, image.height, image.channels, to_float(image), {}};
  }
  fail("a sample type is not known");
}

SampleType type_of(const Image& image) { return SampleType(image.samples.index()); }

}  // namespace

Image image_of(const ImageView& view) {
  const Layout layout{"photo",       view.data,   view.width, view.height,
                      view.channels, view.stride, view.type};
  check(layout);
  Image image{view.width, view.height, view.channels, {}, {}};
  switch (view.type) {
    case SampleType::u8:
      image.samples = gathered<uint8_t>(layout);
      break;
    case SampleType::u16:
      image.samples = gathered<uint16_t>(layout);
      break;
    case SampleType::f32:
      image.samples = gathered_floats(layout);
      break;
  }
  return image;
}

Mosaic mosaic_of(const MosaicView& view) {
  const Layout layout{"mosaic", view.data, view.width, view.height, 1, view.stride, view.type};
  check(layout);
  check_facts(view);
  Mosaic mosaic;
  mosaic.width = view.width;
  mosaic.height = view.height;
  mosaic.cfa = view.cfa;
  if (view.x_trans) mosaic.cfa = XTrans{view.x_trans->row, view.x_trans->column};
  mosaic.black = view.black;
  mosaic.white = view.white;
  mosaic.white_balance = view.white_balance;
  mosaic.xyz_to_camera = view.xyz_to_camera;
  mosaic.noise = view.noise;
  switch (view.type) {
    case SampleType::u8: {
      const auto samples = gathered<uint8_t>(layout);
      mosaic.samples.assign(samples.begin(), samples.end());
      break;
    }
    case SampleType::u16:
      mosaic.samples = gathered<uint16_t>(layout);
      break;
    case SampleType::f32:
      digitise(layout, view, mosaic);
      break;
  }
  return mosaic;
}

void check_buffer(const ImageBuffer& buffer, int64_t width, int64_t height, int channels) {
  check({"output", buffer.data, buffer.width, buffer.height, buffer.channels, buffer.stride,
         buffer.type});
  if (buffer.width != width || buffer.height != height || buffer.channels != channels)
    fail("the output is {}x{} pixels of {} channels; the result is {}x{} of {}", buffer.width,
         buffer.height, buffer.channels, width, height, channels);
}

void write_into(const ImageBuffer& buffer, const Image& image) {
  const Layout layout{"output",        buffer.data,   buffer.width, buffer.height,
                      buffer.channels, buffer.stride, buffer.type};
  const Image converted = type_of(image) == buffer.type ? Image() : in_type(image, buffer.type);
  const Image& from = converted.count() == 0 ? image : converted;
  const auto row_bytes = size_t(layout.row_bytes());
  std::visit(
      [&](const auto& samples) {
        const auto* bytes = reinterpret_cast<const std::byte*>(samples.data());
        auto* row = static_cast<std::byte*>(buffer.data);
        for (int y = 0; y < layout.height; ++y, row += layout.row_stride())
          std::memcpy(row, bytes + size_t(y) * row_bytes, row_bytes);
      },
      from.samples);
}

}  // namespace hyperconv
