#include "image/heif.hpp"

#include <libheif/heif.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

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

/// What libheif says of an error, which may end in more than one line.
std::string_view line_of(const heif_error& error) {
  const std::string_view text = error.message;
  return text.substr(0, text.find('\n'));
}

template <auto release>
struct Releases {
  template <class Object>
  void operator()(Object* object) const {
    release(object);
  }
};
using Context = std::unique_ptr<heif_context, Releases<heif_context_free>>;
using Handle = std::unique_ptr<heif_image_handle, Releases<heif_image_handle_release>>;
using Picture = std::unique_ptr<heif_image, Releases<heif_image_release>>;
using Codes = std::unique_ptr<heif_color_profile_nclx, Releases<heif_nclx_color_profile_free>>;
using DecodingOptions =
    std::unique_ptr<heif_decoding_options, Releases<heif_decoding_options_free>>;
using HevcEncoder = std::unique_ptr<heif_encoder, Releases<heif_encoder_release>>;

/// How libheif holds samples of more than 8 bits: two bytes, in this order, of which `bits` are
/// used.
struct Words {
  int bits;

  uint16_t to_sixteen(const uint8_t* word) const {
    const uint32_t most = (1u << bits) - 1, value = uint32_t(word[0]) | uint32_t(word[1]) << 8;
    return uint16_t((std::min(value, most) * 0xffffu + most / 2) / most);
  }
  void from_sixteen(uint16_t sample, uint8_t* word) const {
    const uint32_t most = (1u << bits) - 1, value = (sample * most + 0x7fffu) / 0xffffu;
    word[0] = uint8_t(value);
    word[1] = uint8_t(value >> 8);
  }
};

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file)
      : name_(name), file_(file), context_(heif_context_alloc()) {}

  Image decode() {
    if (context_ == nullptr) fail("{}: cannot be read, out of memory", name_);
    heif_context_set_max_decoding_threads(context_.get(), available_cores());
    require(heif_context_read_from_memory_without_copy(context_.get(), file_.data(), file_.size(),
                                                       nullptr));
    heif_image_handle* handle = nullptr;
    require(heif_context_get_primary_image_handle(context_.get(), &handle));
    handle_.reset(handle);
    const auto width = uint64_t(std::max(0, heif_image_handle_get_width(handle)));
    const auto height = uint64_t(std::max(0, heif_image_handle_get_height(handle)));
    check_size(name_, width, height, file_.size());
    check_stored_size();
    // Planes of 16 bits, three times: decoded, put together of tiles and as RGB.
    check_memory(name_, width, height, 3 * 4 * sizeof(uint16_t));
    ImageMetadata metadata;
    const std::vector<uint8_t> icc = profile();
    const bool grey = !icc.empty() && profile_fits(icc, 1);
    throw_if_interrupted();
    Image image = samples(grey);
    adopt_profile(metadata, icc, image.channels);
    read_metadata(metadata, image.channels);
    image.metadata = std::move(metadata);
    return image;
  }

 private:
  void require(const heif_error& error) const {
    if (error.code != heif_error_Ok) fail_damaged(name_, "HEIF", line_of(error));
  }

  /// Before it is turned and cropped.
  void check_stored_size() const {
    const int width = heif_image_handle_get_ispe_width(handle_.get());
    const int height = heif_image_handle_get_ispe_height(handle_.get());
    check_size(name_, uint64_t(std::max(0, width)), uint64_t(std::max(0, height)), file_.size());
  }

  std::vector<uint8_t> profile() const {
    const size_t size = heif_image_handle_get_raw_color_profile_size(handle_.get());
    std::vector<uint8_t> bytes(std::min(size, file_.size()));
    if (bytes.empty()) return {};
    require(heif_image_handle_get_raw_color_profile(handle_.get(), bytes.data()));
    return bytes;
  }

  Image samples(bool grey) const {
    const bool deep = heif_image_handle_get_luma_bits_per_pixel(handle_.get()) > 8;
    const bool alpha = heif_image_handle_has_alpha_channel(handle_.get()) != 0;
    const DecodingOptions options(heif_decoding_options_alloc());
    if (options == nullptr) fail("{}: cannot be read, out of memory", name_);
    options->strict_decoding = 1;
    heif_image* decoded = nullptr;
    require(heif_decode_image(handle_.get(), &decoded,
                              grey ? heif_colorspace_undefined : heif_colorspace_RGB,
                              grey ? heif_chroma_undefined : chroma(deep, alpha), options.get()));
    const Picture picture(decoded);
    return grey ? grey_samples(*picture, alpha) : colours(*picture, alpha);
  }

  static heif_chroma chroma(bool deep, bool alpha) {
    if (!deep) return alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
    return alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE;
  }

  /// Row y of a channel, of which so many bytes a row have to be there.
  struct Rows {
    const uint8_t* data = nullptr;
    int stride = 0;
    Words words{8};
    const uint8_t* operator[](int y) const { return data + ptrdiff_t(y) * stride; }
  };

  Rows rows_of(const heif_image& picture, heif_channel channel, int samples_a_pixel) const {
    Rows rows;
    rows.data = heif_image_get_plane_readonly(&picture, channel, &rows.stride);
    rows.words.bits = heif_image_get_bits_per_pixel_range(&picture, channel);
    const int bytes = rows.words.bits > 8 ? 2 : 1;
    const int width = heif_image_get_width(&picture, channel);
    const int height = heif_image_get_height(&picture, channel);
    if (rows.data == nullptr || rows.words.bits < 8 || rows.words.bits > 16 ||
        int64_t(rows.stride) < int64_t(width) * samples_a_pixel * bytes ||
        width != heif_image_get_primary_width(&picture) ||
        height != heif_image_get_primary_height(&picture))
      fail("{}: is a HEIF whose samples are not where they should be", name_);
    return rows;
  }

  Image room_for(const heif_image& picture, int channels, int bits) const {
    const int width = heif_image_get_primary_width(&picture);
    const int height = heif_image_get_primary_height(&picture);
    return make_image(name_, uint64_t(std::max(0, width)), uint64_t(std::max(0, height)), channels,
                      bits > 8 ? 16 : 8, file_.size());
  }

  /// Puts a channel of `from` samples a pixel into the picture, from sample `first` of each pixel
  /// on.
  static void place(const Rows& rows, int from, Image& image, int first) {
    std::visit(
        [&](auto& samples) {
          using Sample = typename std::decay_t<decltype(samples)>::value_type;
          const bool words = rows.words.bits > 8;
          for (int y = 0; y < image.height; ++y)
            for (int x = 0; x < image.width; ++x)
              for (int c = 0; c < from; ++c) {
                const uint8_t* at = rows[y] + (ptrdiff_t(x) * from + c) * (words ? 2 : 1);
                auto& to =
                    samples[(size_t(y) * size_t(image.width) + size_t(x)) * size_t(image.channels) +
                            size_t(first + c)];
                if constexpr (std::is_same_v<Sample, uint8_t>)
                  to = words ? uint8_t(rows.words.to_sixteen(at) >> 8) : *at;
                else
                  to = Sample(words ? rows.words.to_sixteen(at) : *at * 257);
              }
        },
        image.samples);
  }

  Image colours(const heif_image& picture, bool alpha) const {
    const int channels = alpha ? 4 : 3;
    const Rows rows = rows_of(picture, heif_channel_interleaved, channels);
    Image image = room_for(picture, channels, rows.words.bits);
    place(rows, channels, image, 0);
    return image;
  }

  Image grey_samples(const heif_image& picture, bool alpha) const {
    // A grid of tiles becomes RGB, three times the same.
    const bool has_light = heif_image_has_channel(&picture, heif_channel_Y) != 0;
    const Rows light = rows_of(picture, has_light ? heif_channel_Y : heif_channel_R, 1);
    Image image = room_for(picture, alpha ? 2 : 1, light.words.bits);
    place(light, 1, image, 0);
    if (alpha) place(rows_of(picture, heif_channel_Alpha, 1), 1, image, 1);
    return image;
  }

  /// The first block of metadata of this type and content.
  std::vector<uint8_t> block(const char* type, std::string_view content) const {
    const int count = heif_image_handle_get_number_of_metadata_blocks(handle_.get(), type);
    std::vector<heif_item_id> ids(size_t(std::max(0, count)));
    const int filled = heif_image_handle_get_list_of_metadata_block_IDs(
        handle_.get(), type, ids.data(), int(ids.size()));
    for (int i = 0; i < filled; ++i) {
      const heif_item_id id = ids[size_t(i)];
      const char* told = heif_image_handle_get_metadata_content_type(handle_.get(), id);
      if (!content.empty() && (told == nullptr || content != told)) continue;
      std::vector<uint8_t> bytes(heif_image_handle_get_metadata_size(handle_.get(), id));
      if (!bytes.empty()) require(heif_image_handle_get_metadata(handle_.get(), id, bytes.data()));
      return bytes;
    }
    return {};
  }

  void read_metadata(ImageMetadata& metadata, int channels) const {
    bool says_colours = !metadata.icc.empty();
    heif_color_profile_nclx* codes = nullptr;
    if (heif_image_handle_get_nclx_color_profile(handle_.get(), &codes).code == heif_error_Ok &&
        codes != nullptr) {
      const Codes owner(codes);
      const OpenColours colours = colours_by_open_code(name_, "HEIF", codes->color_primaries,
                                                       codes->transfer_characteristics);
      if (!says_colours) metadata.icc = profile_of(colours.space, channels);
      says_colours |= colours.are_said;
    }
    adopt_exif(metadata, tiff_of_exif_item(block("Exif", {})));
    // libheif has turned the samples; EXIF's number tells how they lay.
    metadata.orientation = 1;
    if (!says_colours) adopt_colours_of_exif(metadata, channels);
    metadata.xmp = xmp_in_utf8(block("mime", "application/rdf+xml"));
    const int others = heif_context_get_number_of_top_level_images(context_.get()) - 1;
    if (others > 0)
      metadata.notes.push_back(
          fmt::format("holds {} pictures; only the main one is read", others + 1));
    constexpr int neither = LIBHEIF_AUX_IMAGE_FILTER_OMIT_ALPHA;
    if (heif_image_handle_get_number_of_auxiliary_images(handle_.get(), neither) > 0)
      metadata.notes.push_back(
          "holds pictures beside the photo (depth, a gain map for HDR), which are left out");
  }

  const std::string& name_;
  Bytes file_;
  Context context_;
  Handle handle_;
};

class Encoder {
 public:
  Encoder(const std::string& name, const Image& image, const WriteOptions& options)
      : name_(name),
        image_(image),
        options_(options),
        depth_(options.depth.value_or(bits_of(image) == 8 ? 8 : 10)),
        context_(heif_context_alloc()) {}

  std::vector<uint8_t> encode() {
    if (context_ == nullptr) fail_unwritten(name_, "out of memory");
    const Picture picture = filled();
    const HevcEncoder encoder = configured();
    throw_if_interrupted();
    heif_image_handle* handle = nullptr;
    require(
        heif_context_encode_image(context_.get(), picture.get(), encoder.get(), nullptr, &handle));
    handle_.reset(handle);
    add_metadata();
    return written();
  }

 private:
  void require(const heif_error& error) const {
    if (error.code != heif_error_Ok) fail_unwritten(name_, line_of(error));
  }

  HevcEncoder configured() const {
    heif_encoder* found = nullptr;
    if (heif_have_encoder_for_format(heif_compression_HEVC) == 0)
      fail(
          "{}: cannot be written, libheif here has no encoder for HEVC (libheif1 of Debian brings "
          "x265); .avif and .jxl are alike",
          name_);
    require(heif_context_get_encoder_for_format(context_.get(), heif_compression_HEVC, &found));
    HevcEncoder encoder(found);
    require(heif_encoder_set_lossy_quality(found, options_.quality));
    const int threads = options_.threads > 0 ? options_.threads : available_cores();
    // Of x265, which libheif may have replaced by another: then they are not known, and not needed.
    // Of 2 megapixels "slow", the default, takes some four times as long for 5 % fewer bytes.
    heif_encoder_set_parameter_string(found, "preset", "ultrafast");
    heif_encoder_set_parameter_integer(found, "tu-intra-depth", 1);
    heif_encoder_set_parameter(found, "x265:pools", std::to_string(threads).c_str());
    return encoder;
  }

  void set_colours(heif_image* picture) const {
    const std::vector<uint8_t>& profile = profile_to_write(name_, image_);
    require(heif_image_set_raw_color_profile(picture, "prof", profile.data(), profile.size()));
  }

  Picture filled() const {
    heif_image* made = nullptr;
    const bool deep = depth_ > 8;
    const heif_chroma chroma = is_grey(image_)     ? heif_chroma_monochrome
                               : has_alpha(image_) ? (deep ? heif_chroma_interleaved_RRGGBBAA_LE
                                                           : heif_chroma_interleaved_RGBA)
                               : deep              ? heif_chroma_interleaved_RRGGBB_LE
                                                   : heif_chroma_interleaved_RGB;
    require(heif_image_create(image_.width, image_.height,
                              is_grey(image_) ? heif_colorspace_monochrome : heif_colorspace_RGB,
                              chroma, &made));
    Picture picture(made);
    set_colours(made);
    if (is_grey(image_)) {
      add_plane(made, heif_channel_Y, 0, 1);
      if (has_alpha(image_)) add_plane(made, heif_channel_Alpha, 1, 1);
    } else {
      add_plane(made, heif_channel_interleaved, 0, image_.channels);
    }
    return picture;
  }

  /// Of `count` samples a pixel, from sample `first` of each pixel on.
  void add_plane(heif_image* picture, heif_channel channel, int first, int count) const {
    require(heif_image_add_plane(picture, channel, image_.width, image_.height, depth_));
    int stride = 0;
    uint8_t* data = heif_image_get_plane(picture, channel, &stride);
    if (data == nullptr) fail_unwritten(name_, "out of memory");
    const Words words{depth_};
    std::visit(
        [&](const auto& samples) {
          using Sample = typename std::decay_t<decltype(samples)>::value_type;
          for (int y = 0; y < image_.height; ++y) {
            uint8_t* to = data + ptrdiff_t(y) * stride;
            for (int x = 0; x < image_.width; ++x)
              for (int c = 0; c < count; ++c) {
                const Sample sample = samples[(size_t(y) * size_t(image_.width) + size_t(x)) *
                                                  size_t(image_.channels) +
                                              size_t(first + c)];
                if constexpr (std::is_same_v<Sample, uint8_t>) {
                  *to++ = sample;
                } else {
                  words.from_sixteen(uint16_t(sample), to);
                  to += 2;
                }
              }
          }
        },
        image_.samples);
  }

  void add_metadata() const {
    const MetadataToWrite metadata = metadata_to_write(name_, image_, options_);
    const std::vector<uint8_t> xmp = xmp_with_everything(metadata);
    // libheif puts the offset before it that the item begins with.
    if (!metadata.exif.empty())
      require(heif_context_add_exif_metadata(context_.get(), handle_.get(), metadata.exif.data(),
                                             int(metadata.exif.size())));
    if (!xmp.empty())
      require(heif_context_add_XMP_metadata(context_.get(), handle_.get(), xmp.data(),
                                            int(xmp.size())));
  }

  std::vector<uint8_t> written() const {
    std::vector<uint8_t> bytes;
    heif_writer writer{1, append};
    require(heif_context_write(context_.get(), &writer, &bytes));
    return bytes;
  }

  static heif_error append(heif_context*, const void* data, size_t size, void* bytes) {
    const auto* from = static_cast<const uint8_t*>(data);
    auto& all = *static_cast<std::vector<uint8_t>*>(bytes);
    try {
      all.insert(all.end(), from, from + size);
    } catch (const std::bad_alloc&) {
      // An exception must not pass through C.
      return {heif_error_Memory_allocation_error, heif_suberror_Unspecified, "out of memory"};
    }
    return {heif_error_Ok, heif_suberror_Unspecified, "done"};
  }

  const std::string& name_;
  const Image& image_;
  const WriteOptions& options_;
  int depth_;
  Context context_;
  Handle handle_;
};

}  // namespace

Image decode_heif(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_heif(const std::string& name, const Image& image,
                                 const WriteOptions& options) {
  throw_if_interrupted();
  if (image.metadata.orientation == 1) return Encoder(name, image, options).encode();
  const Image seen = upright(image);
  return Encoder(name, seen, options).encode();
}

}  // namespace hyperconv
