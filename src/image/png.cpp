#include "image/png.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "image/cicp.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/metadata.hpp"
#include "image/png_rows.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

struct Message {
  char text[128] = "";
};

[[noreturn]] void leave(png_structp png, png_const_charp text) {
  auto& message = *static_cast<Message*>(png_get_error_ptr(png));
  std::snprintf(message.text, sizeof message.text, "%s", text);
  png_longjmp(png, 1);
}

void stay_silent(png_structp, png_const_charp) {}

/// Runs `work`; false when libpng jumped out of it. `work` must hold nothing that needs
/// destruction.
template <class Work>
bool run(png_structp png, const Work& work) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  work();
  return true;
}

constexpr const char* xmp_keyword = "XML:com.adobe.xmp";
// ImageMagick's way, which exiv2, exiftool and others read: a text of hexadecimal digits.
constexpr const char* iptc_keyword = "Raw profile type iptc";

/// PNG 3, 11.3.2.6. Throws Error as colours_by_code does, and where the samples are no RGB of full
/// range.
ColourSpace colours_of_codes(const std::string& name, Bytes codes) {
  const int matrix = codes[2], full_range = codes[3];
  if (matrix != 0 || full_range != 1)
    fail("{}: is a PNG whose cICP means matrix {} and {} range; RGB of full range is expected",
         name, matrix, full_range == 1 ? "full" : "narrow");
  return colours_by_code(name, "PNG", codes[0], codes[1]);
}

/// The bytes of "\niptc\n    1234\n0123abcd...\n"; empty where it is none.
std::vector<uint8_t> bytes_of_raw_profile(std::string_view text) {
  const auto line_end = [&](size_t from) { return std::min(text.find('\n', from), text.size()); };
  if (text.empty() || text[0] != '\n') return {};
  const size_t name_end = line_end(1), length_end = line_end(std::min(name_end + 1, text.size()));
  std::vector<uint8_t> bytes;
  int high = -1;
  for (const char c : text.substr(std::min(length_end + 1, text.size()))) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(uint8_t(high * 16 + digit));
    high = high < 0 ? digit : -1;
  }
  return bytes;
}

std::string raw_profile(const std::vector<uint8_t>& bytes) {
  std::string text = fmt::format("\niptc\n{:8}", bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i)
    text += fmt::format("{}{:02x}", i % 36 == 0 ? "\n" : "", bytes[i]);
  return text + "\n";
}

/// The records in such a text, which may stand in Photoshop's image resources.
std::vector<uint8_t> iptc_of_raw_profile(std::string_view text) {
  const auto bytes = bytes_of_raw_profile(text);
  const auto in_resources = iptc_in_resources(bytes);
  return in_resources.empty() ? bytes : in_resources;
}

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file)
      : name_(name),
        file_(file),
        rest_(file),
        png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, leave, stay_silent)),
        info_(png_ != nullptr ? png_create_info_struct(png_) : nullptr) {}
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image decode() {
    if (info_ == nullptr) fail("{}: cannot be read, out of memory", name_);
    guarded([this] { read_header(); });
    // libpng is about to ask for two rows of whatever width the header claims.
    check_size(name_, png_get_image_width(png_, info_), png_get_image_height(png_, info_),
               file_.size());
    guarded([this] { choose_samples(); });
    Image image =
        make_image(name_, png_get_image_width(png_, info_), png_get_image_height(png_, info_),
                   png_get_channels(png_, info_), png_get_bit_depth(png_, info_), file_.size());
    guarded([&] { read_samples(image); });
    read_metadata(image);
    return image;
  }

 private:
  template <class Work>
  void guarded(const Work& work) {
    if (!run(png_, work)) fail("{}: is a truncated or damaged PNG ({})", name_, message_.text);
  }

  static void read(png_structp png, png_bytep to, size_t count) {
    auto& rest = static_cast<Decoder*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "it ends too early");
    std::memcpy(to, rest.data(), count);
    rest = rest.subspan(count);
  }

  void read_header() {
    png_set_read_fn(png_, this, read);
    // A faulty copy of sRGB's profile is better than none; the chunk of PNG 3 is not in libpng yet.
    png_set_option(png_, PNG_SKIP_sRGB_CHECK_PROFILE, PNG_OPTION_ON);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_ALWAYS,
                                reinterpret_cast<png_const_bytep>("cICP"), 1);
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // check_size() has the limits and the words
    png_read_info(png_, info_);
  }

  void choose_samples() {
    png_set_expand(png_);
    if constexpr (std::endian::native == std::endian::little) png_set_swap(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void read_samples(Image& image) {
    if (png_get_rowbytes(png_, info_) != row_size(image)) png_error(png_, "rows of an odd length");
    for (int pass = 0; pass < passes_; ++pass)
      for (int y = 0; y < image.height; ++y) {
        throw_if_interrupted();
        png_read_row(png_, row_of(image, y), nullptr);
      }
    png_read_end(png_, info_);
  }

  void read_metadata(Image& image) {
    ImageMetadata& metadata = image.metadata;
    metadata.icc = colours(metadata, image.channels);
    metadata.resolution = resolution();
    adopt_exif(metadata, exif());
    if (!says_colours_) adopt_colours_of_exif(metadata, image.channels);
    read_texts(metadata);
  }

  /// PNG 3, 4.3: of several the first of these counts.
  std::vector<uint8_t> colours(ImageMetadata& metadata, int channels) {
    says_colours_ = true;
    if (const auto codes = colour_codes(); !codes.empty())
      return profile_of(colours_of_codes(name_, codes), channels);
    adopt_profile(metadata, icc(), channels);
    if (!metadata.icc.empty()) return std::move(metadata.icc);
    if (png_get_valid(png_, info_, PNG_INFO_sRGB) != 0) return {};
    ColourSpace space;
    double gamma = 0;
    says_colours_ = png_get_gAMA(png_, info_, &gamma) != 0 && gamma > 0;
    if (!says_colours_) return {};
    space.curve = GammaCurve{1 / gamma};
    png_get_cHRM(png_, info_, &space.white.x, &space.white.y, &space.red.x, &space.red.y,
                 &space.green.x, &space.green.y, &space.blue.x, &space.blue.y);
    space.name = fmt::format("PNG gamma {:.5f}", gamma);
    return profile_of(space, channels);
  }

  Bytes colour_codes() {
    png_unknown_chunkp chunks = nullptr;
    const int count = png_get_unknown_chunks(png_, info_, &chunks);
    for (int i = 0; i < count; ++i)
      if (std::memcmp(chunks[i].name, "cICP", 4) == 0 && chunks[i].size == 4)
        return {chunks[i].data, chunks[i].size};
    return {};
  }

  std::optional<Resolution> resolution() {
    png_uint_32 x = 0, y = 0;
    int unit = 0;
    if (png_get_pHYs(png_, info_, &x, &y, &unit) == 0 || x == 0 || y == 0) return {};
    constexpr double centimetres = 100;
    if (unit == PNG_RESOLUTION_METER)
      return Resolution{x / centimetres, y / centimetres, Resolution::Unit::centimetre};
    if (x == y) return {};
    return Resolution{double(x), double(y), Resolution::Unit::none};
  }

  void read_texts(ImageMetadata& metadata) {
    png_textp texts = nullptr;
    const int count = png_get_text(png_, info_, &texts, nullptr);
    for (int i = 0; i < count; ++i) {
      const bool is_utf8 = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
      const size_t length = is_utf8 ? texts[i].itxt_length : texts[i].text_length;
      const std::string_view keyword = texts[i].key, text(texts[i].text, length);
      if (keyword == xmp_keyword)
        metadata.xmp = xmp_in_utf8({text.begin(), text.end()});
      else if (keyword == iptc_keyword)
        metadata.iptc = iptc_of_raw_profile(text);
      else if (!keyword.starts_with("Raw profile type"))
        metadata.texts[std::string(keyword)] = is_utf8 ? std::string(text) : utf8_of(text);
    }
  }

  /// From Latin-1, which tEXt and zTXt are in.
  static std::string utf8_of(std::string_view text) {
    std::string result;
    for (const char c : text) {
      const auto code = uint8_t(c);
      if (code < 0x80) {
        result += c;
      } else {
        result += char(0xc0 | code >> 6);
        result += char(0x80 | (code & 0x3f));
      }
    }
    return result;
  }

  std::vector<uint8_t> icc() {
    png_charp profile_name = nullptr;
    png_bytep data = nullptr;
    png_uint_32 size = 0;
    int compression = 0;
    if (png_get_iCCP(png_, info_, &profile_name, &compression, &data, &size) == 0) return {};
    return {data, data + size};
  }

  std::vector<uint8_t> exif() {
    png_bytep data = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &data) == 0) return {};
    return {data, data + size};
  }

  const std::string& name_;
  Bytes file_;
  Bytes rest_;
  Message message_;
  png_structp png_;
  png_infop info_;
  int passes_ = 1;
  bool says_colours_ = false;  ///< in a chunk of its own
};

/// What stands before the rows.
struct Chunks {
  MetadataToWrite metadata;
  std::vector<uint8_t> icc;
  std::vector<png_text> texts;  ///< points into these
  std::string iptc;
  std::optional<Resolution> resolution;
};

class Encoder {
 public:
  explicit Encoder(const std::string& name)
      : name_(name),
        png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, &message_, leave, stay_silent)),
        info_(png_ != nullptr ? png_create_info_struct(png_) : nullptr) {}
  ~Encoder() { png_destroy_write_struct(&png_, &info_); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Whether the picture's file could have this profile.
  bool would_take(const Image& image, const std::vector<uint8_t>& icc) {
    bool taken = false;
    if (info_ == nullptr) fail("{}: cannot be written, out of memory", name_);
    guarded([&] {
      configure(image);
      taken = takes(icc);
    });
    return taken;
  }

  std::vector<uint8_t> encode(const Image& image, Chunks chunks, int threads) {
    if (info_ == nullptr) fail("{}: cannot be written, out of memory", name_);
    // A third of the default's time for 4 to 9 % more bytes, on noisy photos of 5 megapixels.
    constexpr int compression = 3;
    const auto rows = deflated_rows(image, compression, threads);
    guarded([&] {
      configure(image);
      if (!takes(chunks.icc))
        png_error(png_, "PNG refuses its ICC profile; JPEG or TIFF may take it");
      auto& exif = chunks.metadata.exif;
      if (!exif.empty()) png_set_eXIf_1(png_, info_, png_uint_32(exif.size()), exif.data());
      if (chunks.resolution) set_resolution(*chunks.resolution);
      png_set_text(png_, info_, chunks.texts.data(), int(chunks.texts.size()));
      write_samples(rows);
    });
    return std::move(bytes_);
  }

 private:
  template <class Work>
  void guarded(const Work& work) {
    if (!run(png_, work)) fail("{}: cannot be written ({})", name_, message_.text);
  }

  static void write(png_structp png, png_bytep from, size_t count) {
    auto& bytes = static_cast<Encoder*>(png_get_io_ptr(png))->bytes_;
    bool done = false;
    try {
      bytes.insert(bytes.end(), from, from + count);
      done = true;
    } catch (const std::bad_alloc&) {
      // An exception must not pass through C.
    }
    if (!done) png_error(png, "out of memory");
  }

  /// libpng says by omission that it refuses a profile: for its length, an intent that there is
  /// none of, a white that is not D50. It then takes no other for the same file.
  bool takes(const std::vector<uint8_t>& icc) {
    png_set_iCCP(png_, info_, "ICC profile", PNG_COMPRESSION_TYPE_BASE, icc.data(),
                 png_uint_32(icc.size()));
    return png_get_valid(png_, info_, PNG_INFO_iCCP) != 0;
  }

  void set_resolution(const Resolution& resolution) {
    const double per_metre = resolution.unit == Resolution::Unit::inch         ? 100 / 2.54
                             : resolution.unit == Resolution::Unit::centimetre ? 100
                                                                               : 1;
    const auto whole = [&](double value) {
      return png_uint_32(std::lround(std::clamp(value * per_metre, 1.0, 2e9)));
    };
    png_set_pHYs(
        png_, info_, whole(resolution.x), whole(resolution.y),
        resolution.unit == Resolution::Unit::none ? PNG_RESOLUTION_UNKNOWN : PNG_RESOLUTION_METER);
  }

  void configure(const Image& image) {
    // A copy of sRGB's profile that is known to be faulty may pass, and so may what is not wrong
    // enough to be an error.
    png_set_option(png_, PNG_SKIP_sRGB_CHECK_PROFILE, PNG_OPTION_ON);
    png_set_benign_errors(png_, 1);
    constexpr std::array<int, 4> colour_types = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                                 PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    png_set_write_fn(png_, this, write, nullptr);
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(png_, info_, png_uint_32(image.width), png_uint_32(image.height), bits_of(image),
                 colour_types[size_t(image.channels - 1)], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  }

  /// Chunks of rows, which libpng would make on one thread.
  void write_samples(const std::vector<std::vector<uint8_t>>& rows) {
    constexpr std::array<uint8_t, 5> samples = {'I', 'D', 'A', 'T', 0},
                                     end = {'I', 'E', 'N', 'D', 0};
    png_write_info(png_, info_);
    constexpr size_t around = 12;  // a chunk's length, name and checksum
    size_t size = bytes_.size() + around;
    for (const auto& chunk : rows) size += chunk.size() + around;
    bytes_.reserve(size);
    for (const auto& chunk : rows)
      png_write_chunk(png_, samples.data(), chunk.data(), chunk.size());
    png_write_chunk(png_, end.data(), nullptr, 0);
  }

  const std::string& name_;
  std::vector<uint8_t> bytes_;
  Message message_;
  png_structp png_;
  png_infop info_;
};

png_text text_chunk(const char* keyword, const std::string& text) {
  png_text chunk{};
  const bool is_long = text.size() > 1000;
  chunk.compression = is_long ? PNG_ITXT_COMPRESSION_zTXt : PNG_ITXT_COMPRESSION_NONE;
  chunk.key = const_cast<char*>(keyword);
  chunk.text = const_cast<char*>(text.c_str());
  chunk.itxt_length = text.size();
  return chunk;
}

/// `chunks` stays where it is until it is written.
void fill(Chunks& chunks, const std::string& name, const Image& image,
          const WriteOptions& options) {
  chunks.metadata = metadata_to_write(name, image, options);
  chunks.icc = profile_to_write(name, image);
  if (!Encoder(name).would_take(image, chunks.icc)) chunks.icc = mended_profile(chunks.icc);
  chunks.resolution = image.metadata.resolution;
  chunks.iptc = chunks.metadata.iptc.empty() ? "" : raw_profile(chunks.metadata.iptc);
  auto& xmp = chunks.metadata.xmp;
  xmp = xmp_with_more(xmp, chunks.metadata.more_xmp);
  if (!xmp.empty()) {
    // Readers look for XMP that is not compressed.
    xmp.push_back(0);
    png_text chunk{};
    chunk.compression = PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(xmp_keyword);
    chunk.text = reinterpret_cast<char*>(xmp.data());
    chunk.itxt_length = xmp.size() - 1;
    chunks.texts.push_back(chunk);
  }
  if (!chunks.iptc.empty()) {
    png_text chunk{};
    chunk.compression = PNG_TEXT_COMPRESSION_zTXt;
    chunk.key = const_cast<char*>(iptc_keyword);
    chunk.text = const_cast<char*>(chunks.iptc.c_str());
    chunk.text_length = chunks.iptc.size();
    chunks.texts.push_back(chunk);
  }
  for (const auto& [keyword, text] : chunks.metadata.texts)
    chunks.texts.push_back(text_chunk(keyword.c_str(), text));
}

}  // namespace

bool is_png(Bytes file) {
  constexpr size_t signature = 8;
  return file.size() >= signature && png_sig_cmp(file.data(), 0, signature) == 0;
}

Image decode_png(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_png(const std::string& name, const Image& image,
                                const WriteOptions& options) {
  Chunks chunks;
  fill(chunks, name, image, options);
  return Encoder(name).encode(image, std::move(chunks), options.threads);
}

}  // namespace hyperconv
