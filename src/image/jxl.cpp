#include "image/jxl.hpp"

#include <jxl/decode.h>
#include <jxl/encode.h>
#include <jxl/version.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/metadata.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

/// libjxl's loops, on our threads: they end at Ctrl-C.
class Runner {
 public:
  explicit Runner(int threads = 0) : threads_(threads) {}

  static JxlParallelRetCode run(void* self, void* work, JxlParallelRunInit init,
                                JxlParallelRunFunction one, uint32_t begin, uint32_t end) {
    Threads& threads = static_cast<Runner*>(self)->threads_;
    const auto tasks = int64_t(end) - int64_t(begin);
    const int64_t count = std::clamp<int64_t>(tasks, 1, threads.count());
    if (const auto code = init(work, size_t(count)); code != 0) return code;
    std::atomic<int64_t> next = begin;
    try {
      threads.parallel_for(count, [&](int64_t thread) {
        for (int64_t i = 0; !should_stop() && (i = next++) < int64_t(end);)
          one(work, uint32_t(i), size_t(thread));
      });
    } catch (const std::exception&) {
      return JXL_PARALLEL_RET_RUNNER_ERROR;  // must not pass through C
    }
    return should_stop() ? JXL_PARALLEL_RET_RUNNER_ERROR : 0;
  }

 private:
  Threads threads_;
};

struct DestroyDecoder {
  void operator()(JxlDecoder* decoder) const { JxlDecoderDestroy(decoder); }
};
struct DestroyEncoder {
  void operator()(JxlEncoder* encoder) const { JxlEncoderDestroy(encoder); }
};

/// Whether these are sRGB's colours, or a grey of sRGB's curve.
bool is_srgb(const JxlColorEncoding& colours) {
  const bool has_primaries =
      colours.color_space == JXL_COLOR_SPACE_GRAY ||
      (colours.color_space == JXL_COLOR_SPACE_RGB && colours.primaries == JXL_PRIMARIES_SRGB);
  return has_primaries && colours.white_point == JXL_WHITE_POINT_D65 &&
         colours.transfer_function == JXL_TRANSFER_FUNCTION_SRGB;
}

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file)
      : name_(name), file_(file), decoder_(JxlDecoderCreate(nullptr)) {}

  Image decode() {
    constexpr int events =
        JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE | JXL_DEC_BOX;
    require(decoder_ != nullptr &&
            is_done(JxlDecoderSetParallelRunner(decoder_.get(), Runner::run, &runner_)) &&
            is_done(JxlDecoderSubscribeEvents(decoder_.get(), events)) &&
            is_done(JxlDecoderSetKeepOrientation(decoder_.get(), JXL_TRUE)) &&
            is_done(JxlDecoderSetUnpremultiplyAlpha(decoder_.get(), JXL_TRUE)) &&
            is_done(JxlDecoderSetInput(decoder_.get(), file_.data(), file_.size())));
    // Without Brotli in libjxl compressed boxes stay what they are, and are passed over.
    JxlDecoderSetDecompressBoxes(decoder_.get(), JXL_TRUE);
    JxlDecoderCloseInput(decoder_.get());
    while (step()) throw_if_interrupted();
    require(has_samples_);
    finish_metadata();
    return std::move(image_);
  }

 private:
  static bool is_done(JxlDecoderStatus status) { return status == JXL_DEC_SUCCESS; }

  void require(bool good) const {
    if (!good) fail_damaged(name_, "JPEG XL");
  }

  /// False at the end.
  bool step() {
    switch (JxlDecoderProcessInput(decoder_.get())) {
      case JXL_DEC_BASIC_INFO:
        read_info();
        return true;
      case JXL_DEC_COLOR_ENCODING:
        read_colours();
        return true;
      case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        make_room();
        return true;
      case JXL_DEC_FULL_IMAGE:
        has_samples_ = true;
        // Every other frame would be decoded for nothing.
        return info_.have_animation == JXL_FALSE;
      case JXL_DEC_BOX:
        end_box();
        begin_box();
        return true;
      case JXL_DEC_BOX_NEED_MORE_OUTPUT:
        lengthen_box();
        return true;
      case JXL_DEC_SUCCESS:
        end_box();
        return false;
      default:
        require(false);
    }
    return false;
  }

  void read_info() {
    require(is_done(JxlDecoderGetBasicInfo(decoder_.get(), &info_)));
    check_size(name_, info_.xsize, info_.ysize, file_.size());
    if (info_.exponent_bits_per_sample != 0)
      fail("{}: is a JPEG XL of floating-point samples; 8 to 16 bits are expected", name_);
    for (uint32_t i = 0; i < info_.num_extra_channels; ++i) {
      JxlExtraChannelInfo extra;
      require(is_done(JxlDecoderGetExtraChannelInfo(decoder_.get(), i, &extra)));
      if (extra.type == JXL_CHANNEL_BLACK)
        fail("{}: is a JPEG XL in CMYK; grey or RGB is expected", name_);
      has_others_ |= extra.type != JXL_CHANNEL_ALPHA;
    }
    format_.num_channels = info_.num_color_channels + (info_.alpha_bits > 0 ? 1 : 0);
    format_.data_type = info_.bits_per_sample > 8 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8;
    format_.endianness = JXL_NATIVE_ENDIAN;
  }

  void read_colours() {
    const auto target = JXL_COLOR_PROFILE_TARGET_DATA;
    JxlColorEncoding colours;
    size_t size = 0;
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    const bool is_known =
        is_done(JxlDecoderGetColorAsEncodedProfile(decoder_.get(), target, &colours));
#else
    const bool is_known =
        is_done(JxlDecoderGetColorAsEncodedProfile(decoder_.get(), &format_, target, &colours));
#endif
    if (is_known && (colours.transfer_function == JXL_TRANSFER_FUNCTION_PQ ||
                     colours.transfer_function == JXL_TRANSFER_FUNCTION_HLG))
      fail("{}: is a JPEG XL in HDR ({}); a picture for ordinary screens is expected", name_,
           colours.transfer_function == JXL_TRANSFER_FUNCTION_PQ ? "PQ" : "HLG");
    says_colours_ = true;
    if (is_known && is_srgb(colours)) return;
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    require(is_done(JxlDecoderGetICCProfileSize(decoder_.get(), target, &size)));
    icc_.resize(size);
    require(is_done(JxlDecoderGetColorAsICCProfile(decoder_.get(), target, icc_.data(), size)));
#else
    require(is_done(JxlDecoderGetICCProfileSize(decoder_.get(), &format_, target, &size)));
    icc_.resize(size);
    require(is_done(
        JxlDecoderGetColorAsICCProfile(decoder_.get(), &format_, target, icc_.data(), size)));
#endif
  }

  void make_room() {
    // libjxl works on floats, in a copy or two.
    constexpr uint64_t bytes_of_work = 2 * 3 * sizeof(float);
    const int bits = format_.data_type == JXL_TYPE_UINT8 ? 8 : 16;
    check_memory(name_, info_.xsize, info_.ysize, bytes_of_work);
    image_ =
        make_image(name_, info_.xsize, info_.ysize, int(format_.num_channels), bits, file_.size());
    size_t size = 0;
    require(
        is_done(JxlDecoderImageOutBufferSize(decoder_.get(), &format_, &size)) &&
        size == row_size(image_) * size_t(image_.height) &&
        is_done(JxlDecoderSetImageOutBuffer(decoder_.get(), &format_, row_of(image_, 0), size)));
  }

  struct Box {
    std::string type;
    std::vector<uint8_t> bytes;
    bool is_kept = true;  ///< it is not too long
  };
  static constexpr size_t longest_box = size_t(1) << 26;

  void begin_box() {
    JxlBoxType type;
    require(is_done(JxlDecoderGetBoxType(decoder_.get(), type, JXL_TRUE)));
    const std::string_view text(type, sizeof type);
    if (text != "Exif" && text != "xml ") return;
    constexpr size_t first_room = size_t(1) << 16;
    box_ = Box{std::string(text), std::vector<uint8_t>(first_room)};
    require(
        is_done(JxlDecoderSetBoxBuffer(decoder_.get(), box_->bytes.data(), box_->bytes.size())));
  }

  void lengthen_box() {
    require(box_.has_value());
    const size_t written = box_->bytes.size() - JxlDecoderReleaseBoxBuffer(decoder_.get());
    // Of one that is too long the rest goes where the end of it was.
    box_->is_kept &= box_->bytes.size() < longest_box;
    const size_t kept = box_->is_kept ? written : 0;
    if (box_->is_kept) box_->bytes.resize(2 * box_->bytes.size());
    require(is_done(JxlDecoderSetBoxBuffer(decoder_.get(), box_->bytes.data() + kept,
                                           box_->bytes.size() - kept)));
  }

  void end_box() {
    if (!box_) return;
    box_->bytes.resize(box_->bytes.size() - JxlDecoderReleaseBoxBuffer(decoder_.get()));
    auto& place = box_->type == "Exif" ? exif_ : xmp_;
    if (box_->is_kept && place.empty()) place = std::move(box_->bytes);
    if (!box_->is_kept)
      image_.metadata.notes.push_back(fmt::format("its {} is longer than {} MiB and left out",
                                                  box_->type == "Exif" ? "EXIF" : "XMP",
                                                  longest_box >> 20));
    box_.reset();
  }

  void finish_metadata() {
    ImageMetadata& metadata = image_.metadata;
    adopt_profile(metadata, std::move(icc_), image_.channels);
    adopt_exif(metadata, tiff_of_exif_item(std::move(exif_)));
    // ISO/IEC 18181-2: the codestream's own counts.
    metadata.orientation = int(info_.orientation);
    if (!says_colours_) adopt_colours_of_exif(metadata, image_.channels);
    metadata.xmp = xmp_in_utf8(std::move(xmp_));
    if (info_.have_animation != JXL_FALSE)
      metadata.notes.push_back("is an animation; only its first frame is read");
    if (has_others_)
      metadata.notes.push_back("has channels beside colours and alpha, which are left out");
  }

  const std::string& name_;
  Bytes file_;
  Runner runner_;
  std::unique_ptr<JxlDecoder, DestroyDecoder> decoder_;
  JxlBasicInfo info_{};
  JxlPixelFormat format_{};
  Image image_;
  std::vector<uint8_t> icc_, exif_, xmp_;
  std::optional<Box> box_;
  bool has_samples_ = false, has_others_ = false, says_colours_ = false;
};

class Encoder {
 public:
  Encoder(const std::string& name, const Image& image, const WriteOptions& options)
      : name_(name),
        image_(image),
        options_(options),
        runner_(options.threads),
        encoder_(JxlEncoderCreate(nullptr)) {}

  std::vector<uint8_t> encode() {
    const MetadataToWrite metadata = metadata_to_write(name_, image_, options_);
    require(encoder_ != nullptr &&
            is_done(JxlEncoderSetParallelRunner(encoder_.get(), Runner::run, &runner_)));
    set_info();
    add_box("Exif", exif_item_of(metadata.exif));
    add_box("xml ", xmp_with_everything(metadata));
    add_samples();
    JxlEncoderCloseInput(encoder_.get());
    return output();
  }

 private:
  static bool is_done(JxlEncoderStatus status) { return status == JXL_ENC_SUCCESS; }

  void require(bool good) const {
    if (!good)
      fail_unwritten(name_, fmt::format("libjxl's error {}",
                                        encoder_ ? int(JxlEncoderGetError(encoder_.get())) : -1));
  }

  bool is_lossless() const { return options_.quality == 100; }

  void set_info() {
    const std::vector<uint8_t>& profile = profile_to_write(name_, image_);
    const bool srgb = profile == srgb_profile(image_.channels);
    const bool alpha = has_alpha(image_);
    JxlBasicInfo info;
    JxlEncoderInitBasicInfo(&info);
    info.xsize = uint32_t(image_.width);
    info.ysize = uint32_t(image_.height);
    info.bits_per_sample = uint32_t(bits_of(image_));
    info.num_color_channels = is_grey(image_) ? 1 : 3;
    info.num_extra_channels = alpha ? 1 : 0;
    info.alpha_bits = alpha ? info.bits_per_sample : 0;
    info.orientation = JxlOrientation(image_.metadata.orientation);
    // libjxl's own colours (XYB) give a reader no way back to a profile that is not a matrix.
    info.uses_original_profile = is_lossless() || !srgb ? JXL_TRUE : JXL_FALSE;
    require(is_done(JxlEncoderSetBasicInfo(encoder_.get(), &info)));
    if (srgb) {
      JxlColorEncoding colours{};
      JxlColorEncodingSetToSRGB(&colours, is_grey(image_) ? JXL_TRUE : JXL_FALSE);
      require(is_done(JxlEncoderSetColorEncoding(encoder_.get(), &colours)));
    } else if (!is_done(JxlEncoderSetICCProfile(encoder_.get(), profile.data(), profile.size()))) {
      fail("{}: cannot be written, libjxl refuses its ICC profile; JPEG or TIFF may take it",
           name_);
    }
  }

  void add_box(const char* type, const std::vector<uint8_t>& bytes) {
    if (bytes.empty()) return;
    if (!has_boxes_) require(is_done(JxlEncoderUseBoxes(encoder_.get())));
    has_boxes_ = true;
    require(is_done(JxlEncoderAddBox(encoder_.get(), type, bytes.data(), bytes.size(), JXL_FALSE)));
  }

  void add_samples() {
    JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder_.get(), nullptr);
    // Of 1 to 9: one that needs no search over the picture, and for samples that are all kept the
    // fastest that still predicts well.
    const int effort = is_lossless() ? 3 : 4;
    require(settings != nullptr && is_done(JxlEncoderFrameSettingsSetOption(
                                       settings, JXL_ENC_FRAME_SETTING_EFFORT, effort)));
    if (is_lossless())
      require(is_done(JxlEncoderSetFrameLossless(settings, JXL_TRUE)));
    else
      require(is_done(JxlEncoderSetFrameDistance(settings, distance())));
    const JxlPixelFormat format = {uint32_t(image_.channels),
                                   bits_of(image_) == 8 ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16,
                                   JXL_NATIVE_ENDIAN, 0};
    require(is_done(JxlEncoderAddImageFrame(settings, &format, row_of(image_, 0),
                                            row_size(image_) * size_t(image_.height))));
  }

  /// As cjxl takes JPEG's numbers: 1 is where a difference begins to be seen.
  float distance() const {
    const auto quality = float(options_.quality);
    constexpr float good = 30;
    return quality >= good ? 0.1f + (100 - quality) * 0.09f
                           : 53.0f / 3000 * quality * quality - 23.0f / 20 * quality + 25;
  }

  std::vector<uint8_t> output() {
    std::vector<uint8_t> bytes(size_t(1) << 16);
    size_t written = 0;
    for (;;) {
      uint8_t* next = bytes.data() + written;
      size_t room = bytes.size() - written;
      const JxlEncoderStatus status = JxlEncoderProcessOutput(encoder_.get(), &next, &room);
      written = bytes.size() - room;
      if (status != JXL_ENC_NEED_MORE_OUTPUT) {
        require(is_done(status));
        bytes.resize(written);
        return bytes;
      }
      bytes.resize(2 * bytes.size());
    }
  }

  const std::string& name_;
  const Image& image_;
  const WriteOptions& options_;
  Runner runner_;
  std::unique_ptr<JxlEncoder, DestroyEncoder> encoder_;
  bool has_boxes_ = false;
};

}  // namespace

Image decode_jxl(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_jxl(const std::string& name, const Image& image,
                                const WriteOptions& options) {
  throw_if_interrupted();
  return Encoder(name, image, options).encode();
}

}  // namespace hyperconv
