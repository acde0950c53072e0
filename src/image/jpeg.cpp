#include "image/jpeg.hpp"

// jpeglib.h uses FILE and size_t without their headers.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/jpeg_bands.hpp"
#include "image/metadata.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

constexpr int exif_marker = JPEG_APP0 + 1;
constexpr int icc_marker = JPEG_APP0 + 2;
constexpr int photoshop_marker = JPEG_APP0 + 13;
/// Of makers and programs: infrared pictures, depth, signatures of a file's history, ...
constexpr std::array<int, 11> others_markers = {
    JPEG_APP0 + 3, JPEG_APP0 + 4,  JPEG_APP0 + 5,  JPEG_APP0 + 6,  JPEG_APP0 + 7, JPEG_APP0 + 8,
    JPEG_APP0 + 9, JPEG_APP0 + 10, JPEG_APP0 + 11, JPEG_APP0 + 12, JPEG_APP0 + 15};
constexpr std::string_view exif_signature{"Exif\0\0", 6};
constexpr std::string_view xmp_signature{"http://ns.adobe.com/xap/1.0/\0", 29};
constexpr std::string_view more_xmp_signature{"http://ns.adobe.com/xmp/extension/\0", 35};
constexpr std::string_view photoshop_signature{"Photoshop 3.0\0", 14};
constexpr std::string_view pictures_signature{"MPF\0", 4};
constexpr size_t longest_marker = 65533;

/// libjpeg reports through this, and leaves by a long jump.
struct Reporter {
  jpeg_error_mgr manager{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";
  char oddity[JMSG_LENGTH_MAX] = "";  ///< the first that cost no sample
};

Reporter& reporter_of(j_common_ptr info) {
  // The manager is the first member.
  return *reinterpret_cast<Reporter*>(info->err);
}

[[noreturn]] void leave(j_common_ptr info) {
  Reporter& reporter = reporter_of(info);
  reporter.manager.format_message(info, reporter.message);
  std::longjmp(reporter.escape, 1);
}

/// Whether every scan holds whole samples: a sequential file has no later ones that refine them.
bool has_one_scan(j_common_ptr info) {
  const auto decompress = reinterpret_cast<j_decompress_ptr>(info);
  return info->is_decompressor != FALSE && decompress->progressive_mode == FALSE &&
         decompress->comps_in_scan == decompress->num_components;
}

/// Warnings that leave every sample as it was. Extra bytes before a marker are common in cameras'
/// files; before a restart marker they mean lost data. The file may end without its last marker
/// (EOI): where samples are missing before that, libjpeg warns of them, too.
bool is_harmless(j_common_ptr info) {
  const jpeg_error_mgr& manager = *info->err;
  switch (manager.msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
    case JWRN_NOT_SEQUENTIAL:  // Ss, Se, Ah, Al of a baseline scan, which mean nothing there
      return true;
    case JWRN_JPEG_EOF:
      return has_one_scan(info);
    case JWRN_EXTRANEOUS_DATA: {
      const int marker = manager.msg_parm.i[1];
      return marker < JPEG_RST0 || marker > JPEG_RST0 + 7;
    }
    default:
      return false;
  }
}

void report(j_common_ptr info, int level) {
  if (level >= 0) return;
  if (!is_harmless(info)) leave(info);
  Reporter& reporter = reporter_of(info);
  if (reporter.oddity[0] == '\0') reporter.manager.format_message(info, reporter.oddity);
}

jpeg_error_mgr* prepare(Reporter& reporter) {
  jpeg_std_error(&reporter.manager);
  reporter.manager.error_exit = leave;
  reporter.manager.emit_message = report;
  return &reporter.manager;
}

/// Runs `work`; false when libjpeg jumped out of it, and the reporter then has the message. `work`
/// must hold nothing that needs destruction.
template <class Work>
bool run(Reporter& reporter, const Work& work) {
  if (setjmp(reporter.escape) != 0) return false;
  work();
  return true;
}

/// A progressive file of a few bytes a scan would otherwise keep us busy for hours. Encoders write
/// about ten.
void look_up(j_common_ptr info) {
  constexpr int most_scans = 100;
  const auto decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (should_stop()) std::longjmp(reporter_of(info).escape, 1);
  if (decompress->input_scan_number <= most_scans) return;
  std::snprintf(reporter_of(info).message, JMSG_LENGTH_MAX, "more than %d scans", most_scans);
  std::longjmp(reporter_of(info).escape, 1);
}

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file) : name_(name), file_(file) {
    info_.err = prepare(reporter_);
    progress_.progress_monitor = look_up;
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image decode() {
    read_header();
    Image image = make_image(name_, info_.image_width, info_.image_height, info_.num_components, 8,
                             file_.size());
    // Markers go when the samples are done.
    read_metadata(image);
    read_samples(image);
    if (reporter_.oddity[0] != '\0')
      image.metadata.notes.push_back(
          fmt::format("is an odd JPEG ({}); no sample is lost by it", reporter_.oddity));
    return image;
  }

 private:
  template <class Work>
  void guarded(const Work& work) {
    if (run(reporter_, work)) return;
    throw_if_interrupted();
    fail("{}: is a truncated or damaged JPEG, or of a rare kind ({})", name_, reporter_.message);
  }

  void read_header() {
    guarded([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, file_.data(), file_.size());
      for (const int marker : {exif_marker, icc_marker, photoshop_marker, JPEG_COM})
        jpeg_save_markers(&info_, marker, 0xffff);
      constexpr unsigned names_length = 24;
      for (const int marker : others_markers) jpeg_save_markers(&info_, marker, names_length);
      jpeg_read_header(&info_, TRUE);
    });
    const bool grey = info_.num_components == 1;
    const bool colour = info_.num_components == 3 &&
                        (info_.jpeg_color_space == JCS_YCbCr || info_.jpeg_color_space == JCS_RGB);
    if (!grey && !colour)
      fail("{}: is a JPEG in {}; grey or RGB is expected", name_,
           info_.num_components == 4 ? "CMYK" : "unknown colours");
    info_.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  }

  void read_samples(Image& image) {
    guarded([&] {
      jpeg_start_decompress(&info_);
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = row_of(image, int(info_.output_scanline));
        jpeg_read_scanlines(&info_, &row, 1);
      }
      jpeg_finish_decompress(&info_);
    });
  }

  std::vector<uint8_t> icc() {
    JOCTET* data = nullptr;
    unsigned size = 0;
    guarded([&] { jpeg_read_icc_profile(&info_, &data, &size); });
    const std::unique_ptr<JOCTET, decltype(&std::free)> owner(data, &std::free);
    return {data, data + size};
  }

  void read_metadata(Image& image) {
    ImageMetadata& metadata = image.metadata;
    adopt_profile(metadata, icc(), image.channels);
    metadata.resolution = density();
    adopt_exif(metadata, first_after(exif_marker, exif_signature));
    // 72 an inch is what programs write who know of none.
    constexpr Resolution usual = {72, 72, Resolution::Unit::inch};
    if (metadata.resolution == usual)
      metadata.resolution = exif_resolution(metadata.exif).value_or(usual);
    adopt_colours_of_exif(metadata, image.channels);
    read_documents(metadata);
    if (!first_after(icc_marker, pictures_signature).empty())
      metadata.notes.push_back(
          "holds more pictures (MPF: previews, a gain map for HDR); only the first is read");
    if (const std::string others = others_segments(); !others.empty())
      metadata.notes.push_back("has segments of other programs, which are left out: " + others);
  }

  void read_documents(ImageMetadata& metadata) const {
    metadata.xmp = xmp_in_utf8(first_after(exif_marker, xmp_signature));
    const auto more = each_after(exif_marker, more_xmp_signature);
    metadata.more_xmp = joined_xmp(more);
    if (!more.empty() && metadata.more_xmp.empty())
      metadata.notes.push_back("its extended XMP is damaged and left out");
    const auto resources = all_after(photoshop_marker, photoshop_signature);
    metadata.iptc = iptc_in_resources(resources);
    metadata.photoshop = lasting_resources(resources);
    std::string comment;
    for (const auto& part : each_after(JPEG_COM, {}))
      comment.append(comment.empty() ? "" : "\n").append(part.begin(), part.end());
    if (!comment.empty()) metadata.texts["Comment"] = comment;
  }

  /// Like "APP7 (Qualcomm)"; those of no use to anyone else's program are not named.
  std::string others_segments() const {
    std::string text;
    for (const int number : others_markers)
      for (const auto& segment : each_after(number, {}, 1)) {
        const auto end =
            std::ranges::find_if(segment, [](uint8_t c) { return c < ' ' || c > '~'; });
        const std::string name(segment.begin(), end);
        if (segment.empty() || name == "Ducky") continue;
        text += fmt::format("{}APP{}{}", text.empty() ? "" : ", ", number - JPEG_APP0,
                            name.empty() ? "" : fmt::format(" ({})", name));
      }
    return text;
  }

  /// JFIF's; nothing where it says that pixels are square and no more.
  std::optional<Resolution> density() const {
    if (info_.saw_JFIF_marker == FALSE || info_.X_density == 0 || info_.Y_density == 0) return {};
    const bool has_unit = info_.density_unit == 1 || info_.density_unit == 2;
    if (!has_unit && info_.X_density == info_.Y_density) return {};
    return Resolution{double(info_.X_density), double(info_.Y_density),
                      has_unit ? Resolution::Unit(info_.density_unit) : Resolution::Unit::none};
  }

  /// What the segments of this marker hold behind this signature.
  std::vector<std::vector<uint8_t>> each_after(int number, std::string_view signature,
                                               size_t most = 10000) const {
    std::vector<std::vector<uint8_t>> parts;
    for (auto marker = info_.marker_list; marker != nullptr && parts.size() < most;
         marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (marker->marker == number && data.starts_with(signature))
        parts.emplace_back(data.begin() + long(signature.size()), data.end());
    }
    return parts;
  }

  /// One behind the other.
  std::vector<uint8_t> all_after(int number, std::string_view signature) const {
    std::vector<uint8_t> bytes;
    for (const auto& part : each_after(number, signature))
      bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  }

  std::vector<uint8_t> first_after(int number, std::string_view signature) const {
    auto parts = each_after(number, signature, 1);
    return parts.empty() ? std::vector<uint8_t>() : std::move(parts.front());
  }

  const std::string& name_;
  Bytes file_;
  Reporter reporter_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

/// Markers that are neither libjpeg's own nor the scan's.
struct Extras {
  struct Segment {
    int marker = 0;
    std::vector<uint8_t> bytes;
  };
  std::vector<Segment> segments;  ///< EXIF first, where there is any
  bool wants_jfif = true;
  std::vector<uint8_t> icc;
  std::optional<Resolution> resolution;
};

/// Rows [first, first + rows) of a picture.
struct Band {
  int first = 0, rows = 0;
};

/// Makes a file of its own of one band.
class Encoder {
 public:
  explicit Encoder(const std::string& name) : name_(name) { info_.err = prepare(reporter_); }
  ~Encoder() {
    jpeg_destroy_compress(&info_);
    std::free(data_);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  std::vector<uint8_t> encode(const Image& image, const Band& band, int quality,
                              const Extras& extras) {
    const bool done = run(reporter_, [&] {
      jpeg_create_compress(&info_);
      jpeg_mem_dest(&info_, &data_, &size_);
      configure(image, band, quality);
      // The EXIF standard wants its marker first, where JFIF wants its own.
      info_.write_JFIF_header = extras.wants_jfif ? TRUE : FALSE;
      if (extras.resolution) set_density(*extras.resolution);
      jpeg_start_compress(&info_, TRUE);
      for (const auto& segment : extras.segments)
        jpeg_write_marker(&info_, segment.marker, segment.bytes.data(),
                          unsigned(segment.bytes.size()));
      if (!extras.icc.empty())
        jpeg_write_icc_profile(&info_, extras.icc.data(), unsigned(extras.icc.size()));
      write_samples(image, band);
      jpeg_finish_compress(&info_);
    });
    if (!done) fail("{}: cannot be written ({})", name_, reporter_.message);
    return {data_, data_ + size_};
  }

 private:
  void configure(const Image& image, const Band& band, int quality) {
    info_.image_width = JDIMENSION(image.width);
    info_.image_height = JDIMENSION(band.rows);
    info_.input_components = image.channels;
    info_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    // The standard's Huffman tables, the same for every band: a photo's own would be smaller by a
    // little, and would have to see all of it first.
    info_.restart_in_rows = 1;
    constexpr int full_chroma_from = 90;
    if (quality >= full_chroma_from)
      info_.comp_info[0].h_samp_factor = info_.comp_info[0].v_samp_factor = 1;
  }

  void set_density(const Resolution& resolution) {
    const auto whole = [](double value) { return UINT16(std::clamp(value + 0.5, 1.0, 65535.0)); };
    info_.density_unit = UINT8(resolution.unit);
    info_.X_density = whole(resolution.x);
    info_.Y_density = whole(resolution.y);
  }

  void write_samples(const Image& image, const Band& band) {
    row_.resize(size_t(image.width) * size_t(image.channels));
    while (info_.next_scanline < info_.image_height) {
      round_row(image, band.first + int(info_.next_scanline), row_);
      JSAMPROW samples = row_.data();
      jpeg_write_scanlines(&info_, &samples, 1);
    }
  }

  const std::string& name_;
  Reporter reporter_;
  jpeg_compress_struct info_{};
  std::vector<uint8_t> row_;  // a member: an error of the library's jumps past destructors
  unsigned char* data_ = nullptr;
  unsigned long size_ = 0;
};

void check_writable(const std::string& name, const Image& image, int quality) {
  if (image.channels == 2 || image.channels == 4)
    fail("{}: cannot be written, JPEG would lose the alpha channel; PNG or TIFF keep it", name);
  if (quality < 1 || quality > 100)
    fail("{}: cannot be written, JPEG's quality is 1 to 100, not {}", name, quality);
  if (std::max(image.width, image.height) > JPEG_MAX_DIMENSION)
    fail("{}: cannot be written, JPEG has at most {} pixels a side, not {}x{}; PNG has more", name,
         JPEG_MAX_DIMENSION, image.width, image.height);
}

/// Adds what a single segment has to hold.
void add_segment(Extras& extras, const std::string& name, const char* what, int marker,
                 std::string_view signature, const std::vector<uint8_t>& data) {
  if (data.empty()) return;
  const size_t room = longest_marker - signature.size();
  if (data.size() > room)
    fail("{}: cannot be written, JPEG has room for {} bytes of {}, not {}; PNG or TIFF have more",
         name, room, what, data.size());
  std::vector<uint8_t> bytes(signature.begin(), signature.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  extras.segments.push_back({marker, std::move(bytes)});
}

/// Adds what may go on in further segments.
void add_resources(Extras& extras, Bytes resources) {
  constexpr size_t room = longest_marker - photoshop_signature.size();
  while (!resources.empty()) {
    std::vector<uint8_t> bytes(photoshop_signature.begin(), photoshop_signature.end());
    const auto part = resources.first(std::min(room, resources.size()));
    bytes.insert(bytes.end(), part.begin(), part.end());
    extras.segments.push_back({photoshop_marker, std::move(bytes)});
    resources = resources.subspan(part.size());
  }
}

/// Whether EXIF says as much as JFIF would, so that it may stand first, as its standard wants it.
bool says_resolution(const std::vector<uint8_t>& exif, const std::optional<Resolution>& wanted) {
  if (!wanted) return true;
  const auto told = exif_resolution(exif);
  const auto is_near = [&](double a, double b) { return std::abs(a - b) < 0.01 * b; };
  const auto in_inches = [](const Resolution& r) {
    return r.unit == Resolution::Unit::centimetre ? 2.54 : 1.0;
  };
  if (!told) return false;
  const double a = in_inches(*told), b = in_inches(*wanted);
  return is_near(told->x * a, wanted->x * b) && is_near(told->y * a, wanted->y * b);
}

Extras extras_of(const std::string& name, const Image& image, const WriteOptions& options) {
  const MetadataToWrite metadata = metadata_to_write(name, image, options);
  Extras extras;
  extras.icc = profile_to_write(name, image);
  extras.resolution = image.metadata.resolution;
  const auto& exif = metadata.exif;
  add_segment(extras, name, "EXIF", exif_marker, exif_signature,
              exif.size() > longest_jpeg_exif ? exif_without_notes(exif) : exif);
  extras.wants_jfif = exif.empty() || !says_resolution(exif, extras.resolution);
  add_segment(extras, name, "XMP", exif_marker, xmp_signature, metadata.xmp);
  for (const auto& part :
       xmp_in_segments(metadata.more_xmp, longest_marker - more_xmp_signature.size()))
    add_segment(extras, name, "XMP", exif_marker, more_xmp_signature, part);
  add_resources(extras, resources_with_iptc(metadata.iptc, metadata.photoshop));
  if (const auto found = metadata.texts.find("Comment"); found != metadata.texts.end())
    for (std::string_view rest = found->second; !rest.empty();) {
      const auto part = rest.substr(0, longest_marker);
      add_segment(extras, name, "comment", JPEG_COM, {}, {part.begin(), part.end()});
      rest.remove_prefix(part.size());
    }
  return extras;
}

using Files = std::vector<std::vector<uint8_t>>;

/// A file for each band of a picture's first rows.
void append_bands(const std::string& name, const Image& image, int rows,
                  const WriteOptions& options, const Extras& extras, Files& files) {
  const size_t before = files.size();
  const int count = int(ceil_div(rows, jpeg_band_rows));
  files.resize(before + size_t(count));
  Threads pool(std::min(count, options.threads > 0 ? options.threads : available_cores()));
  pool.parallel_for(count, [&](int64_t i) {
    throw_if_interrupted();
    const int first = int(i) * jpeg_band_rows;
    const Band band{first, std::min(jpeg_band_rows, rows - first)};
    files[before + size_t(i)] =
        Encoder(name).encode(image, band, options.quality, i == 0 ? extras : Extras());
  });
}

}  // namespace

bool is_jpeg(Bytes file) {
  return file.size() >= 3 && file[0] == 0xff && file[1] == 0xd8 && file[2] == 0xff;
}

Image decode_jpeg(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image,
                                 const WriteOptions& options) {
  check_writable(name, image, options.quality);
  Files files;
  append_bands(name, image, image.height, options, extras_of(name, image, options), files);
  return join_jpeg_bands(files, image.height);
}

struct JpegRows::Impl {
  std::string name;
  WriteOptions options;
  Extras extras;
  int height = 0, rows = 0;  ///< of the picture, and those that are in files
  Image waiting;             ///< 8 bits, a band for each thread
  int waiting_rows = 0;
  Files files = {};

  void compress() {
    append_bands(name, waiting, waiting_rows, options, rows == 0 ? extras : Extras(), files);
    rows += waiting_rows;
    waiting_rows = 0;
  }
};

JpegRows::JpegRows(std::string name, const Image& picture, const WriteOptions& options) {
  check_writable(name, picture, options.quality);
  Extras extras = extras_of(name, picture, options);
  const int threads = options.threads > 0 ? options.threads : available_cores();
  const int64_t rows = std::min<int64_t>(picture.height, int64_t(threads) * jpeg_band_rows);
  Image waiting{picture.width, int(rows), picture.channels, {}, {}};
  waiting.samples = std::vector<uint8_t>(waiting.count());
  impl_ = std::make_unique<Impl>(Impl{.name = std::move(name),
                                      .options = options,
                                      .extras = std::move(extras),
                                      .height = picture.height,
                                      .waiting = std::move(waiting)});
}

JpegRows::~JpegRows() = default;

void JpegRows::add(const Image& rows) {
  Impl& to = *impl_;
  assert(rows.width == to.waiting.width && rows.channels == to.waiting.channels);
  const size_t row_samples = size_t(rows.width) * size_t(rows.channels);
  for (int y = 0; y < rows.height;) {
    const int count = std::min(rows.height - y, to.waiting.height - to.waiting_rows);
    Threads(to.options.threads).parallel_for(count, [&](int64_t i) {
      round_row(rows, y + int(i), {row_of(to.waiting, to.waiting_rows + int(i)), row_samples});
    });
    y += count;
    to.waiting_rows += count;
    if (to.waiting_rows == to.waiting.height) to.compress();
  }
}

std::vector<uint8_t> JpegRows::finish() {
  if (impl_->waiting_rows > 0) impl_->compress();
  assert(impl_->rows == impl_->height);
  return join_jpeg_bands(impl_->files, impl_->height);
}

}  // namespace hyperconv
