#include "image/avif.hpp"

#include <avif/avif.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/cicp.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/metadata.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

struct DestroyImage {
  void operator()(avifImage* image) const { avifImageDestroy(image); }
};
struct DestroyDecoder {
  void operator()(avifDecoder* decoder) const { avifDecoderDestroy(decoder); }
};
struct DestroyEncoder {
  void operator()(avifEncoder* encoder) const { avifEncoderDestroy(encoder); }
};

/// What libavif reads at most by itself.
constexpr uint64_t most_avif_pixels = AVIF_DEFAULT_IMAGE_SIZE_LIMIT;
/// AV1's (6.10.4).
constexpr uint32_t longest_avif_side = 65536;

bool is_mirrored_along_x(const avifImageMirror& mirror) {
#if AVIF_VERSION >= 1000000
  return mirror.axis == 1;
#else
  return mirror.mode == 1;
#endif
}

/// EXIF's number for a turn by irot, against the clock, and then a flip by imir.
int orientation_of(const avifImage& image) {
  const bool turns = (image.transformFlags & AVIF_TRANSFORM_IROT) != 0;
  const bool flips = (image.transformFlags & AVIF_TRANSFORM_IMIR) != 0;
  int quarters = turns ? image.irot.angle & 3 : 0;
  if (!flips) return std::array{1, 8, 3, 6}[size_t(quarters)];
  // Left and right exchanged is top and bottom exchanged and half a turn.
  if (is_mirrored_along_x(image.imir)) quarters = (quarters + 2) % 4;
  return std::array{4, 5, 2, 7}[size_t(quarters)];
}

/// The part of the picture that the box clap leaves visible.
Image cropped(Image image, const avifCropRect& part) {
  if (part.x == 0 && part.y == 0 && int(part.width) == image.width &&
      int(part.height) == image.height)
    return image;
  Image result{int(part.width), int(part.height), image.channels, {}, image.metadata};
  std::visit(
      [&](const auto& from) {
        std::decay_t<decltype(from)> samples(result.count());
        result.samples = std::move(samples);
      },
      image.samples);
  const size_t pixel = row_size(result) / part.width;
  for (int y = 0; y < result.height; ++y)
    std::memcpy(row_of(result, y), row_of(image, int(part.y) + y) + part.x * pixel,
                row_size(result));
  return result;
}

/// Calls use(row, column) for every pixel.
template <class Use>
void for_each_pixel(const Image& image, const Use& use) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) use(y, x);
}

/// Sample [y, x] of a plane of 8 bits or more.
struct Plane {
  uint8_t* data;
  uint32_t row_bytes;
  bool is_deep;

  int get(int y, int x) const {
    const uint8_t* row = data + size_t(y) * row_bytes;
    if (!is_deep) return row[x];
    uint16_t value = 0;
    std::memcpy(&value, row + 2 * size_t(x), sizeof value);
    return value;
  }
  void set(int y, int x, int value) const {
    uint8_t* row = data + size_t(y) * row_bytes;
    if (!is_deep) {
      row[x] = uint8_t(value);
      return;
    }
    const auto deep = uint16_t(value);
    std::memcpy(row + 2 * size_t(x), &deep, sizeof deep);
  }
};

/// value of `from` as one of `to`, to nearest.
int scaled(int value, int from, int to) { return int((int64_t(value) * to + from / 2) / from); }

std::string reason(avifResult result, const avifDiagnostics& diagnostics) {
  const std::string_view detail = diagnostics.error;
  return fmt::format("{}{}{}", avifResultToString(result), detail.empty() ? "" : ": ", detail);
}

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file)
      : name_(name), file_(file), decoder_(avifDecoderCreate()) {}

  Image decode() {
    if (decoder_ == nullptr) fail("{}: cannot be read, out of memory", name_);
    decoder_->maxThreads = available_cores();
    decoder_->imageDimensionLimit = longest_avif_side;
    // libheif before 1.12 left out what else would be required.
    decoder_->strictFlags = AVIF_STRICT_CLAP_VALID;
    require(avifDecoderSetIOMemory(decoder_.get(), file_.data(), file_.size()));
    require(avifDecoderParse(decoder_.get()));
    const avifImage& parsed = *decoder_->image;
    check_size(name_, parsed.width, parsed.height, file_.size());
    // Planes of 16 bits, twice.
    check_memory(name_, parsed.width, parsed.height, 2 * 4 * sizeof(uint16_t));
    throw_if_interrupted();
    require(avifDecoderNextImage(decoder_.get()));
    const avifImage& image = *decoder_->image;
    // The samples inside may be of another size than the box around them says.
    check_size(name_, image.width, image.height, file_.size());
    Image picture = image.yuvFormat == AVIF_PIXEL_FORMAT_YUV400 ? grey(image) : colours(image);
    read_metadata(image, picture);
    return visible(image, std::move(picture));
  }

 private:
  void require(avifResult result) const {
    if (result != AVIF_RESULT_OK) fail_damaged(name_, "AVIF", reason(result, decoder_->diag));
  }

  Image room_for(const avifImage& image, int channels) const {
    return make_image(name_, image.width, image.height, channels, image.depth > 8 ? 16 : 8,
                      file_.size());
  }

  Image colours(const avifImage& image) const {
    Image picture = room_for(image, image.alphaPlane != nullptr ? 4 : 3);
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, &image);
    rgb.format = picture.channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = uint32_t(bits_of(picture));
    rgb.chromaUpsampling = AVIF_CHROMA_UPSAMPLING_BEST_QUALITY;
    rgb.pixels = row_of(picture, 0);
    rgb.rowBytes = uint32_t(row_size(picture));
    require(avifImageYUVToRGB(&image, &rgb));
    return picture;
  }

  Image grey(const avifImage& image) const {
    Image picture = room_for(image, image.alphaPlane != nullptr ? 2 : 1);
    const bool deep = image.depth > 8;
    const Plane light{image.yuvPlanes[AVIF_CHAN_Y], image.yuvRowBytes[AVIF_CHAN_Y], deep};
    const Plane alpha{image.alphaPlane, image.alphaRowBytes, deep};
    const int most = (1 << image.depth) - 1, depth = int(image.depth);
    std::visit(
        [&](auto& samples) {
          using Sample = typename std::decay_t<decltype(samples)>::value_type;
          auto to = samples.begin();
          for_each_pixel(picture, [&](int y, int x) {
            int value = light.get(y, x);
            if (image.yuvRange == AVIF_RANGE_LIMITED) value = avifLimitedToFullY(depth, value);
            const int white = deep ? 0xffff : 0xff;
            *to++ = Sample(scaled(std::min(value, most), most, white));
            if (picture.channels == 2)
              *to++ = Sample(scaled(std::min(alpha.get(y, x), most), most, white));
          });
        },
        picture.samples);
    return picture;
  }

  /// What the box clap leaves of it.
  Image visible(const avifImage& image, Image picture) const {
    if ((image.transformFlags & AVIF_TRANSFORM_CLAP) == 0) return picture;
    avifCropRect part;
    avifDiagnostics ignored;
    if (avifCropRectConvertCleanApertureBox(&part, &image.clap, image.width, image.height,
                                            image.yuvFormat, &ignored) != AVIF_TRUE)
      require(AVIF_RESULT_BMFF_PARSE_FAILED);
    return cropped(std::move(picture), part);
  }

  std::vector<uint8_t> profile(const avifImage& image, ImageMetadata& metadata, int channels) {
    if (image.icc.size > 0) {
      adopt_profile(metadata, {image.icc.data, image.icc.data + image.icc.size}, channels);
      return std::move(metadata.icc);
    }
    const OpenColours colours =
        colours_by_open_code(name_, "AVIF", image.colorPrimaries, image.transferCharacteristics);
    says_colours_ = colours.are_said;
    return profile_of(colours.space, channels);
  }

  void read_metadata(const avifImage& image, Image& picture) {
    ImageMetadata& metadata = picture.metadata;
    metadata.icc = profile(image, metadata, picture.channels);
    const Bytes exif(image.exif.data, image.exif.size), xmp(image.xmp.data, image.xmp.size);
    adopt_exif(metadata, {exif.begin(), exif.end()});
    if (!says_colours_) adopt_colours_of_exif(metadata, picture.channels);
    metadata.orientation = orientation_of(image);
    metadata.xmp = xmp_in_utf8({xmp.begin(), xmp.end()});
    if (decoder_->imageCount > 1)
      metadata.notes.push_back(
          fmt::format("holds {} pictures; only the first is read", decoder_->imageCount));
  }

  const std::string& name_;
  Bytes file_;
  std::unique_ptr<avifDecoder, DestroyDecoder> decoder_;
  bool says_colours_ = true;
};

class Encoder {
 public:
  Encoder(const std::string& name, const Image& image, const WriteOptions& options)
      : name_(name),
        image_(image),
        options_(options),
        depth_(options.depth.value_or(bits_of(image) == 8 ? 8 : 10)),
        encoder_(avifEncoderCreate()),
        avif_(avifImageCreate(uint32_t(image.width), uint32_t(image.height), uint32_t(depth_),
                              pixel_format())) {}

  std::vector<uint8_t> encode() {
    if (encoder_ == nullptr || avif_ == nullptr) fail_unwritten(name_, "out of memory");
    check_limits();
    set_colours();
    set_metadata();
    if (is_grey(image_))
      fill_grey();
    else
      fill_colours();
    configure();
    throw_if_interrupted();
    return written();
  }

 private:
  bool is_lossless() const { return options_.quality == 100; }

  avifPixelFormat pixel_format() const {
    constexpr int full_chroma_from = 90;
    if (is_grey(image_)) return AVIF_PIXEL_FORMAT_YUV400;
    return options_.quality >= full_chroma_from ? AVIF_PIXEL_FORMAT_YUV444
                                                : AVIF_PIXEL_FORMAT_YUV420;
  }

  void require(avifResult result) const {
    if (result != AVIF_RESULT_OK) fail_unwritten(name_, reason(result, encoder_->diag));
  }

  void check_limits() const {
    if (uint32_t(std::max(image_.width, image_.height)) > longest_avif_side ||
        uint64_t(image_.width) * uint64_t(image_.height) > most_avif_pixels)
      fail(
          "{}: cannot be written, AVIF has at most {} pixels a side and {} million, not {}x{}; "
          "PNG and JPEG XL have more",
          name_, longest_avif_side, most_avif_pixels / 1000000, image_.width, image_.height);
  }

  void set_colours() {
    const std::vector<uint8_t>& profile = profile_to_write(name_, image_);
    avifImageSetProfileICC(avif_.get(), profile.data(), profile.size());
    const bool srgb = profile == srgb_profile(image_.channels);
    avif_->yuvRange = AVIF_RANGE_FULL;
    avif_->colorPrimaries = srgb ? AVIF_COLOR_PRIMARIES_BT709 : AVIF_COLOR_PRIMARIES_UNSPECIFIED;
    avif_->transferCharacteristics =
        srgb ? AVIF_TRANSFER_CHARACTERISTICS_SRGB : AVIF_TRANSFER_CHARACTERISTICS_UNSPECIFIED;
    avif_->matrixCoefficients = is_lossless() && !is_grey(image_)
                                    ? AVIF_MATRIX_COEFFICIENTS_IDENTITY
                                    : AVIF_MATRIX_COEFFICIENTS_BT601;
  }

  void set_metadata() {
    const MetadataToWrite metadata = metadata_to_write(name_, image_, options_);
    const std::vector<uint8_t> xmp = xmp_with_everything(metadata);
    // Sets irot and imir, too, by the orientation that stands in it.
    if (!metadata.exif.empty())
      avifImageSetMetadataExif(avif_.get(), metadata.exif.data(), metadata.exif.size());
    if (!xmp.empty()) avifImageSetMetadataXMP(avif_.get(), xmp.data(), xmp.size());
  }

  void fill_colours() {
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, avif_.get());
    rgb.format = has_alpha(image_) ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = uint32_t(bits_of(image_));
    rgb.pixels = const_cast<uint8_t*>(row_of(image_, 0));
    rgb.rowBytes = uint32_t(row_size(image_));
    require(avifImageRGBToYUV(avif_.get(), &rgb));
  }

  void fill_grey() {
    const avifPlanesFlags planes = has_alpha(image_) ? AVIF_PLANES_ALL : AVIF_PLANES_YUV;
#if AVIF_VERSION >= 110000
    require(avifImageAllocatePlanes(avif_.get(), planes));
#else
    avifImageAllocatePlanes(avif_.get(), planes);
#endif
    const bool deep = depth_ > 8;
    const Plane light{avif_->yuvPlanes[AVIF_CHAN_Y], avif_->yuvRowBytes[AVIF_CHAN_Y], deep};
    const Plane alpha{avif_->alphaPlane, avif_->alphaRowBytes, deep};
    const int most = (1 << depth_) - 1, white = bits_of(image_) == 8 ? 0xff : 0xffff;
    if (light.data == nullptr || (has_alpha(image_) && alpha.data == nullptr))
      fail_unwritten(name_, "out of memory");
    std::visit(
        [&](const auto& samples) {
          auto from = samples.begin();
          for_each_pixel(image_, [&](int y, int x) {
            light.set(y, x, scaled(int(*from++), white, most));
            if (has_alpha(image_)) alpha.set(y, x, scaled(int(*from++), white, most));
          });
        },
        image_.samples);
  }

  void configure() {
    constexpr int worst = AVIF_QUANTIZER_WORST_QUALITY;
    // As avifenc takes JPEG's numbers.
    const int quantizer = ((100 - options_.quality) * worst + 50) / 100;
    encoder_->minQuantizer = encoder_->maxQuantizer = quantizer;
    encoder_->minQuantizerAlpha = encoder_->maxQuantizerAlpha = AVIF_QUANTIZER_LOSSLESS;
    // From two on libaom's bytes do not depend on them.
    encoder_->maxThreads = std::max(2, options_.threads > 0 ? options_.threads : available_cores());
    // Of 0 to 10.
    encoder_->speed = 8;
    // By the picture's size, so that the file does not depend on the threads that share them.
    const auto halvings = [](int side) {
      constexpr unsigned tile = 1024;
      return std::clamp(int(std::bit_width(unsigned(side) / tile)) - 1, 0, 6);
    };
    encoder_->tileColsLog2 = halvings(image_.width);
    encoder_->tileRowsLog2 = halvings(image_.height);
  }

  std::vector<uint8_t> written() {
    avifRWData output = AVIF_DATA_EMPTY;
    const avifResult result = avifEncoderWrite(encoder_.get(), avif_.get(), &output);
    const std::unique_ptr<avifRWData, decltype(&avifRWDataFree)> owner(&output, avifRWDataFree);
    require(result);
    return {output.data, output.data + output.size};
  }

  const std::string& name_;
  const Image& image_;
  const WriteOptions& options_;
  int depth_;
  std::unique_ptr<avifEncoder, DestroyEncoder> encoder_;
  std::unique_ptr<avifImage, DestroyImage> avif_;
};

}  // namespace

Image decode_avif(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_avif(const std::string& name, const Image& image,
                                 const WriteOptions& options) {
  throw_if_interrupted();
  return Encoder(name, image, options).encode();
}

}  // namespace hyperconv
