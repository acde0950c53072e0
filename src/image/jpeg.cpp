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
#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/jpeg_bands.hpp"

namespace hyperconv {
namespace {

constexpr int exif_marker = JPEG_APP0 + 1;
constexpr int icc_marker = JPEG_APP0 + 2;
constexpr std::string_view exif_signature{"Exif\0\0", 6};
constexpr size_t longest_marker = 65533;

/// libjpeg reports through this, and leaves by a long jump.
struct Reporter {
  jpeg_error_mgr manager{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";
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

/// Warnings that leave every sample as it was. Extra bytes before a marker are common in cameras'
/// files; before a restart marker they mean lost data.
bool is_harmless(const jpeg_error_mgr& manager) {
  switch (manager.msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
      return true;
    case JWRN_EXTRANEOUS_DATA: {
      const int marker = manager.msg_parm.i[1];
      return marker < JPEG_RST0 || marker > JPEG_RST0 + 7;
    }
    default:
      return false;
  }
}

void report(j_common_ptr info, int level) {
  if (level < 0 && !is_harmless(*info->err)) leave(info);
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
void limit_scans(j_common_ptr info) {
  constexpr int most_scans = 100;
  const auto decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= most_scans) return;
  std::snprintf(reporter_of(info).message, JMSG_LENGTH_MAX, "more than %d scans", most_scans);
  std::longjmp(reporter_of(info).escape, 1);
}

class Decoder {
 public:
  Decoder(const std::string& name, Bytes file) : name_(name), file_(file) {
    info_.err = prepare(reporter_);
    progress_.progress_monitor = limit_scans;
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image decode() {
    read_header();
    Image image = make_image(name_, info_.image_width, info_.image_height, info_.num_components, 8,
                             file_.size());
    // Markers go when the samples are done.
    image.metadata.icc = icc(image.channels);
    adopt_exif(image.metadata, exif());
    read_samples(image);
    return image;
  }

 private:
  template <class Work>
  void guarded(const Work& work) {
    if (!run(reporter_, work))
      fail("{}: is a truncated or damaged JPEG, or of a rare kind ({})", name_, reporter_.message);
  }

  void read_header() {
    guarded([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, file_.data(), file_.size());
      jpeg_save_markers(&info_, exif_marker, 0xffff);
      jpeg_save_markers(&info_, icc_marker, 0xffff);
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

  std::vector<uint8_t> icc(int channels) {
    JOCTET* data = nullptr;
    unsigned size = 0;
    guarded([&] { jpeg_read_icc_profile(&info_, &data, &size); });
    const std::unique_ptr<JOCTET, decltype(&std::free)> owner(data, &std::free);
    std::vector<uint8_t> profile(data, data + size);
    return profile_fits(profile, channels) ? profile : std::vector<uint8_t>();
  }

  std::vector<uint8_t> exif() const {
    for (auto marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (marker->marker == exif_marker && data.substr(0, exif_signature.size()) == exif_signature)
        return {data.begin() + exif_signature.size(), data.end()};
    }
    return {};
  }

  const std::string& name_;
  Bytes file_;
  Reporter reporter_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

/// Markers that are neither libjpeg's own nor the scan's.
struct Extras {
  std::vector<uint8_t> exif, icc;  ///< EXIF with JPEG's signature before it
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
      info_.write_JFIF_header = extras.exif.empty() ? TRUE : FALSE;
      jpeg_start_compress(&info_, TRUE);
      if (!extras.exif.empty())
        jpeg_write_marker(&info_, exif_marker, extras.exif.data(), unsigned(extras.exif.size()));
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

  void write_samples(const Image& image, const Band& band) {
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<uint8_t*>(row_of(image, band.first + int(info_.next_scanline)));
      jpeg_write_scanlines(&info_, &row, 1);
    }
  }

  const std::string& name_;
  Reporter reporter_;
  jpeg_compress_struct info_{};
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

/// With JPEG's signature; exiv2 has shortened the block where it was too long for a marker.
std::vector<uint8_t> exif_payload(const std::string& name, const Image& image) {
  const std::vector<uint8_t> block = exif_to_write(name, image);
  if (block.empty()) return {};
  std::vector<uint8_t> payload(exif_signature.begin(), exif_signature.end());
  payload.insert(payload.end(), block.begin(), block.end());
  if (payload.size() > longest_marker)
    fail("{}: cannot be written, JPEG has room for {} bytes of EXIF, not {}; PNG or TIFF have more",
         name, longest_marker - exif_signature.size(), block.size());
  return payload;
}

}  // namespace

bool is_jpeg(Bytes file) {
  return file.size() >= 3 && file[0] == 0xff && file[1] == 0xd8 && file[2] == 0xff;
}

Image decode_jpeg(const std::string& name, Bytes file) { return Decoder(name, file).decode(); }

std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image, int quality,
                                 int threads) {
  check_writable(name, image, quality);
  const Extras extras{exif_payload(name, image), profile_to_write(name, image)};
  const int count = int(ceil_div(image.height, jpeg_band_rows));
  auto files = std::vector<std::vector<uint8_t>>(size_t(count));
  Threads pool(std::min(count, threads > 0 ? threads : available_cores()));
  pool.parallel_for(count, [&](int64_t i) {
    throw_if_interrupted();
    const int first = int(i) * jpeg_band_rows;
    const Band band{first, std::min(jpeg_band_rows, image.height - first)};
    files[size_t(i)] = Encoder(name).encode(image, band, quality, i == 0 ? extras : Extras());
  });
  return join_jpeg_bands(files, image.height);
}

}  // namespace hyperconv
