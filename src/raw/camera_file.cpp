// Camera files through LibRaw (0.20 and later; docs/formats.md says what newer ones read). Where
// LibRaw has a view of its own on black, white and colours, it is LibRaw's that counts, so that our
// pictures can be compared with its.
#include <libraw/libraw.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <span>
#include <string_view>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "image/tiff_view.hpp"
#include "raw/decode.hpp"
#include "raw/dng_opcodes.hpp"
#include "raw/dng_tags.hpp"
#include "raw/exif.hpp"
#include "raw/limits.hpp"
#include "raw/linear_frame.hpp"
#include "raw/matrix3.hpp"
#include "raw/mosaic.hpp"
#include "raw/sample_check.hpp"
#include "raw/saturation.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

// ---- Tags that LibRaw passes by

/// Facts that LibRaw 0.20 does not hand on; noted while it walks through the file's tags.
struct PassingTags {
  const LibRaw* raw = nullptr;  ///< at work on them
  std::optional<NoiseProfile> noise;
  std::string date;  ///< EXIF's DateTimeOriginal; LibRaw's own went through the local time zone
  std::array<uint32_t, 2> filter_repeat{2, 2};
  std::optional<std::array<uint32_t, 2>> active_origin;  ///< row, column
  std::optional<std::array<uint32_t, 2>> active_size;    ///< rows, columns
};

/// One value of a TIFF tag, as LibRaw's stream stands at it.
template <class T>
T read_value(LibRaw_abstract_datastream& stream, bool little_endian) {
  std::array<uint8_t, sizeof(T)> bytes{};
  stream.read(bytes.data(), 1, sizeof(T));
  if (little_endian != (std::endian::native == std::endian::little))
    std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// The profile of the only plane, or of green where there is one for each of three.
std::optional<NoiseProfile> read_noise(LibRaw_abstract_datastream& stream, int count,
                                       bool little_endian) {
  if (count != 2 && count != 6) return std::nullopt;
  std::array<double, 6> values{};
  for (int i = 0; i < count; ++i) values[size_t(i)] = read_value<double>(stream, little_endian);
  const size_t plane = count == 6 ? 2 : 0;
  const NoiseProfile noise{values[plane], values[plane + 1]};
  const auto is_variance = [](double value) { return value >= 0 && value <= 1; };
  if (!is_variance(noise.shot) || !is_variance(noise.read) || noise == NoiseProfile{})
    return std::nullopt;
  return noise;
}

constexpr int date_time_original = 36867;
constexpr size_t date_length = 19;

/// Empty where it is none.
std::string read_date(LibRaw_abstract_datastream& stream) {
  std::string date(date_length, ' ');
  stream.read(date.data(), 1, date_length);
  return is_exif_date(date) ? date : std::string();
}

/// LibRaw 0.20.2 runs over the end of its X-Trans pattern (undefined behaviour that g++ makes an
/// endless loop of) when 36 filters come without a repeat of 6x6 before them.
bool would_overrun_libraw(const LibRaw& raw, int tag, int count) {
  if (count != 36) return false;
  return tag == 64777 || (tag == 33422 && raw.imgdata.idata.filters != LIBRAW_XTRANS);
}

/// LibRaw's callback for every tag; LibRaw puts the stream back afterwards.
void note_tag(void* context, int tag, int type, int count, unsigned order, void* stream_pointer,
              INT64 /*base*/) {
  auto& tags = *static_cast<PassingTags*>(context);
  if (tag == date_time_original && count >= int(date_length))
    tags.date = read_date(*static_cast<LibRaw_abstract_datastream*>(stream_pointer));
  if (tag < 1 << 20) return;  // of the EXIF, GPS or maker's part, not of an image
  // LibRaw catches its own exceptions and gives the file up.
  if (would_overrun_libraw(*tags.raw, tag & 0xffff, count)) throw LIBRAW_EXCEPTION_IO_CORRUPT;
  auto& stream = *static_cast<LibRaw_abstract_datastream*>(stream_pointer);
  const bool little_endian = order == 0x4949;
  const auto read_integer = [&]() -> uint32_t {
    return type == LIBRAW_EXIFTAG_TYPE_LONG ? read_value<uint32_t>(stream, little_endian)
                                            : read_value<uint16_t>(stream, little_endian);
  };
  switch (tag & 0xffff) {
    case 33421:  // CFARepeatPatternDim
      if (count == 2) tags.filter_repeat = {read_integer(), read_integer()};
      break;
    case 50829:  // ActiveArea
      if (count == 4) {
        tags.active_origin = {read_integer(), read_integer()};
        const uint32_t bottom = read_integer(), right = read_integer();
        tags.active_size = {bottom - (*tags.active_origin)[0], right - (*tags.active_origin)[1]};
      }
      break;
    case 51041:  // NoiseProfile
      if (type == LIBRAW_EXIFTAG_TYPE_DOUBLE) tags.noise = read_noise(stream, count, little_endian);
      break;
    default:
      break;
  }
}

// ---- Opening

std::string reason(int libraw_code) {
  switch (libraw_code) {
    case LIBRAW_FILE_UNSUPPORTED:
      return fmt::format(
          "is no camera file that LibRaw {} knows (DNG, NEF, CR2, CR3, ARW, ... with integer "
          "samples and at least 22 rows and columns); a newer LibRaw knows newer cameras",
          LibRaw::version());
    case LIBRAW_IO_ERROR:
    case LIBRAW_DATA_ERROR:
      return "is cut off or damaged; a whole file is wanted";
    case LIBRAW_TOO_BIG:
      return fmt::format("claims more than {} samples", most_samples);
    case LIBRAW_UNSUFFICIENT_MEMORY:
      return "needs more memory than there is";
    default:
      return fmt::format("cannot be read ({})", libraw_strerror(libraw_code));
  }
}

/// Prepares LibRaw for a file from a stranger.
void set_limits(LibRaw& raw) {
  // LibRaw's own handlers write to stderr.
  raw.set_dataerror_handler(nullptr, nullptr);
  // The default limit of 2 GiB, in terms of samples; LibRaw adds eight rows of its own.
  const auto most_megabytes = unsigned(most_samples * 2 >> 20) + 2;
#if LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
  raw.imgdata.rawparams.max_raw_memory_mb = most_megabytes;
#else
  raw.set_memerror_handler([](void*, const char*, const char*) {}, nullptr);
  raw.imgdata.params.max_raw_memory_mb = most_megabytes;
#endif
}

/// Whether a file begins like one of the formats that cameras write, so that its length is not all
/// that speaks for one. TIFF's starts, and those of Olympus, Panasonic, Canon, Phase One, Fuji,
/// Minolta and Sigma.
bool has_known_start(std::span<const uint8_t> bytes) {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                               std::min<size_t>(bytes.size(), 16));
  using namespace std::string_view_literals;
  for (const std::string_view known :
       {"II*\0"sv, "MM\0*"sv, "IIRO"sv, "IIRS"sv, "MMOR"sv, "IIU\0"sv, "II\x1a\0\0\0HEAP"sv,
        "IIII"sv, "MMMM"sv, "FUJIFILM"sv, "\0MRM"sv, "FOVb"sv})
    if (start.starts_with(known)) return true;
  return start.size() > 8 && start.substr(4, 4) == "ftyp"sv;
}

/// A file that LibRaw has opened and, after unpack(), decoded.
class CameraFile {
 public:
  CameraFile(std::string name, std::vector<uint8_t> bytes)
      : name_(std::move(name)),
        bytes_(std::move(bytes)),
        view_(bytes_),
        raw_(std::make_unique<LibRaw>()) {
    if (bytes_.empty()) fail("{}: is empty", name_);
    set_limits(*raw_);
    tags_.raw = raw_.get();
    raw_->set_exifparser_handler(note_tag, &tags_);
    // Makes LibRaw choose the colour matrix that it takes for as-shot white balance.
    raw_->imgdata.params.use_camera_wb = 1;
    check(raw_->open_buffer(bytes_.data(), bytes_.size()));
    refuse_known_by_length();
    const auto& sizes = raw_->imgdata.sizes;
    if (int64_t(sizes.raw_width) * sizes.raw_height > most_samples) check(LIBRAW_TOO_BIG);
  }

  void unpack() {
    if (const std::string missing = missing_samples(view_); !missing.empty())
      fail("{}: {}", name_, missing);
    check(raw_->unpack());
    // Some decoders go on after damage and only count it.
    if (raw_->error_count() > 0) check(LIBRAW_DATA_ERROR);
  }

  LibRaw& raw() { return *raw_; }
  const libraw_data_t& data() const { return raw_->imgdata; }
  const PassingTags& tags() const { return tags_; }
  const TiffView& view() const { return view_; }
  std::span<const uint8_t> bytes() const { return bytes_; }
  const std::string& name() const { return name_; }

 private:
  void check(int code) const {
    if (code == LIBRAW_SUCCESS) return;
    const std::string compression = unreadable_compression(view_);
    fail("{}: {}", name_, compression.empty() ? reason(code) : compression);
  }

  /// LibRaw takes a file without a header for a camera's by nothing but its length: it does not
  /// know the same bytes and one more.
  void refuse_known_by_length() {
    if (has_known_start(bytes_)) return;
    std::vector<uint8_t> longer = bytes_;
    longer.push_back(0);
    LibRaw other;
    set_limits(other);
    if (other.open_buffer(longer.data(), longer.size()) == LIBRAW_SUCCESS) return;
    fail(
        "{}: only its length of {} bytes speaks for a camera's file ({} {}), which any bytes may "
        "have; if it is a mosaic without a header, say --raw-size WxH",
        name_, bytes_.size(), raw_->imgdata.idata.make, raw_->imgdata.idata.model);
  }

  std::string name_;
  std::vector<uint8_t> bytes_;  // LibRaw reads from it until the end
  TiffView view_;
  PassingTags tags_;
  std::unique_ptr<LibRaw> raw_;
};

// ---- Sensor

/// The pattern that starts at the first visible sample; nothing where it is not Bayer's. LibRaw's
/// filters repeat every eight rows and two columns, and call the green of the blue rows 3.
std::optional<Cfa> bayer_pattern(LibRaw& raw) {
  const auto colour = [&raw](int y, int x) {
    const int index = raw.COLOR(y, x);
    return index == 3 ? 1 : index;
  };
  for (const Cfa cfa : {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg}) {
    bool fits = true;
    for (int i = 0; i < 16; ++i) fits &= colour(i / 2, i % 2) == cfa_colour(cfa, i / 2, i % 2);
    if (fits) return cfa;
  }
  return std::nullopt;
}

/// 4x4 in which each of Bayer's samples is four, as it is from the frame's first whole block on.
struct QuadBayer {
  Cfa cfa = Cfa::rggb;           ///< of the blocks
  int top = 0, left = 0;         ///< samples before the first block, 0 or 1
  std::array<int, 16> colour{};  ///< of the frame's first 4x4
};

std::optional<QuadBayer> quad_bayer_pattern(const CameraFile& file) {
  constexpr uint16_t cfa_pattern = 33422;
  constexpr int side = 4;
  const auto* sensor = file.view().sensor();
  if (sensor == nullptr || file.tags().filter_repeat != std::array<uint32_t, 2>{side, side})
    return std::nullopt;
  const auto filters = TiffView::bytes(*sensor, cfa_pattern);
  if (filters.size() != side * side) return std::nullopt;
  // The pattern begins with the active area, of which LibRaw leaves out an odd row or column.
  const auto origin = file.tags().active_origin.value_or(std::array<uint32_t, 2>{0, 0});
  const auto& sizes = file.data().sizes;
  const int down = sizes.top_margin - int(origin[0]), across = sizes.left_margin - int(origin[1]);
  QuadBayer quad;
  for (int i = 0; i < side * side; ++i)
    quad.colour[size_t(i)] =
        filters[size_t((down + i / side) % side * side + (across + i % side) % side)];
  const auto colour_at = [&](int y, int x) {
    return quad.colour[size_t(y % side * side + x % side)];
  };
  for (const Cfa cfa : {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg})
    for (int start = 0; start < 4; ++start) {
      const int top = start / 2, left = start % 2;
      bool fits = true;
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          fits &= colour_at(top + y, left + x) == cfa_colour(cfa, y / 2, x / 2);
      if (!fits) continue;
      quad.cfa = cfa;
      quad.top = top;
      quad.left = left;
      return quad;
    }
  return std::nullopt;
}

/// Colours at every place, or brightness alone: what needs no demosaicing.
bool is_linear(LibRaw& raw) {
  const auto& id = raw.imgdata.idata;
  return id.filters == 0 && id.is_foveon == 0 && (id.colors == 1 || id.colors == 3) &&
         !raw.is_floating_point();
}

/// What the sensor is, where it is no mosaic of 2x2 red, green and blue; empty where it may be.
std::string other_sensor(LibRaw& raw, const PassingTags& tags) {
  const auto& id = raw.imgdata.idata;
  const std::string_view colours = id.cdesc;
  if (raw.is_floating_point()) return "its samples are floating-point numbers";
  if (id.is_foveon != 0) return "its Foveon sensor records three colours at every place";
  if (id.filters == 0 && id.colors == 1) return "its sensor is monochrome";
  if (id.filters == 0) return "it is demosaiced already (linear DNG, sRAW or the like)";
  if (raw.is_fuji_rotated() != 0) return "its Super CCD is turned by 45 degrees";
  if (id.filters < 1000) return "its pattern is 16x16";
  if (id.colors != 3 || !colours.starts_with("RGB"))
    return fmt::format("its colour filters are {}", colours);
  if (tags.filter_repeat != std::array<uint32_t, 2>{2, 2})
    return fmt::format("its pattern is {}x{}{}", tags.filter_repeat[0], tags.filter_repeat[1],
                       tags.filter_repeat[0] == 4 ? ", which is not Quad Bayer's" : "");
  return {};
}

/// Where the visible area begins in X-Trans' pattern; nothing where its 6x6 are others.
std::optional<XTrans> x_trans_pattern(LibRaw& raw) {
  constexpr int side = XTrans::side;
  for (int place = 0; place < side * side; ++place) {
    const XTrans pattern{place / side, place % side};
    bool fits = true;
    for (int i = 0; i < side * side; ++i)
      fits &= raw.COLOR(i / side, i % side) == pattern.colour(i / side, i % side);
    if (fits) return pattern;
  }
  return std::nullopt;
}

ColourFilters pattern_of(CameraFile& file) {
  LibRaw& raw = file.raw();
  std::string other;
  if (raw.imgdata.idata.filters == LIBRAW_XTRANS && raw.is_floating_point() == 0) {
    if (const auto pattern = x_trans_pattern(raw)) return *pattern;
    other = "its pattern of 6x6 is not X-Trans";
  } else {
    other = other_sensor(raw, file.tags());
    const auto cfa = other.empty() ? bayer_pattern(raw) : std::nullopt;
    if (cfa) return *cfa;
  }
  if (other.empty()) other = "its pattern is another one";
  fail_as(
      ErrorCode::unsupported,
      "{}: only mosaics of Bayer's pattern (2x2 red, green, green, blue), Quad Bayer and X-Trans "
      "can be developed, but {}",
      file.name(), other);
}

// ---- Samples

/// Phase One's compressed files need a correction for each row and column, which LibRaw makes on
/// the way to its four-channel image.
bool needs_phase_one_correction(CameraFile& file) {
  return std::string_view(file.raw().unpack_function_name()) == "phase_one_load_raw_c()";
}

void copy_corrected(CameraFile& file, Mosaic& mosaic) {
  LibRaw& raw = file.raw();
  if (raw.raw2image() != LIBRAW_SUCCESS) fail("{}: {}", file.name(), reason(LIBRAW_DATA_ERROR));
  for (int y = 0, i = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x, ++i)
      mosaic.samples[size_t(i)] = raw.imgdata.image[i][raw.COLOR(y, x)];
}

void copy_rows(const libraw_data_t& data, Mosaic& mosaic) {
  const auto& sizes = data.sizes;
  const size_t pitch = sizes.raw_pitch / sizeof(uint16_t);
  for (int y = 0; y < mosaic.height; ++y) {
    const uint16_t* from =
        data.rawdata.raw_image + size_t(sizes.top_margin + y) * pitch + sizes.left_margin;
    std::copy_n(from, mosaic.width, mosaic.samples.data() + size_t(y) * size_t(mosaic.width));
  }
}

void read_samples(CameraFile& file, Mosaic& mosaic) {
  const libraw_data_t& data = file.data();
  const auto& sizes = data.sizes;
  if (data.rawdata.raw_image == nullptr)
    fail_as(ErrorCode::unsupported,
            "{}: LibRaw gives no mosaic for it; it may be demosaiced already", file.name());
  mosaic.width = std::min<int>(sizes.width, sizes.raw_width - sizes.left_margin);
  mosaic.height = std::min<int>(sizes.height, sizes.raw_height - sizes.top_margin);
  if (mosaic.width <= 0 || mosaic.height <= 0)
    fail("{}: its active area is empty; the file is damaged", file.name());
  mosaic.samples.resize(size_t(mosaic.width) * size_t(mosaic.height));
  if (needs_phase_one_correction(file) && sizes.width == mosaic.width &&
      sizes.height == mosaic.height)
    copy_corrected(file, mosaic);
  else
    copy_rows(data, mosaic);
}

// ---- Levels

/// The part of the black level that repeats over rows x columns, 0x0 where there is none.
class BlackPattern {
 public:
  /// LibRaw moves the visible area to even rows and columns, but not the pattern with it.
  BlackPattern(const libraw_data_t& data, const PassingTags& tags) : values_(data.color.cblack) {
    rows_ = values_[4];
    columns_ = values_[5];
    if (rows_ == 0 || columns_ == 0 || uint64_t(rows_) * columns_ > LIBRAW_CBLACK_SIZE - 6)
      rows_ = columns_ = 0;
    if (!tags.active_origin) return;
    const auto [top, left] = *tags.active_origin;
    dy_ = top % 2 == 1 && data.sizes.top_margin == top + 1 ? 1 : 0;
    dx_ = left % 2 == 1 && data.sizes.left_margin == left + 1 ? 1 : 0;
  }

  bool fits_the_cell() const { return rows_ == 0 || (2 % rows_ == 0 && 2 % columns_ == 0); }
  unsigned at(int y, int x) const { return rows_ == 0 ? 0 : values_[6 + index(y, x)]; }
  double fraction(const libraw_dng_levels_t& exact, int y, int x) const {
    return rows_ == 0 ? 0 : double(exact.dng_fcblack[6 + index(y, x)]);
  }

  /// Mean over one period at the places of the cell that (y, x) stands in, rounded.
  unsigned mean(int y, int x) const {
    uint64_t sum = 0, count = 0;
    for (unsigned i = 0; i < rows_; ++i)
      for (unsigned j = 0; j < columns_; ++j, ++count) sum += at(y + int(2 * i), x + int(2 * j));
    return unsigned((sum + count / 2) / std::max<uint64_t>(count, 1));
  }

 private:
  size_t index(int y, int x) const {
    return size_t(unsigned(y + dy_) % rows_) * columns_ + unsigned(x + dx_) % columns_;
  }

  const unsigned* values_;
  unsigned rows_ = 0, columns_ = 0;
  int dy_ = 0, dx_ = 0;
};

void move(uint16_t& sample, int64_t step, const Mosaic& mosaic) {
  if (sample < mosaic.white) sample = uint16_t(std::clamp<int64_t>(sample + step, 0, 65535));
}

/// Moves every sample by what its black level differs from its cell place's, so that four numbers
/// say all. Saturated samples stay saturated.
void level(const BlackPattern& pattern, Mosaic& mosaic) {
  for (int y = 0; y < mosaic.height; ++y) {
    uint16_t* row = mosaic.samples.data() + size_t(y) * size_t(mosaic.width);
    const std::array<int, 2> means = {int(pattern.mean(y % 2, 0)), int(pattern.mean(y % 2, 1))};
    for (int x = 0; x < mosaic.width; ++x) {
      const int step = means[size_t(x % 2)] - int(pattern.at(y, x));
      move(row[x], step, mosaic);
    }
  }
}

/// A DNG's black levels are fractions; LibRaw works with whole numbers but keeps them.
double with_fraction(double whole, double fraction) {
  return std::abs(whole - fraction) < 1 ? fraction : whole;
}

void check_black(const CameraFile& file, const Mosaic& mosaic) {
  const double highest = *std::max_element(mosaic.black.begin(), mosaic.black.end());
  if (mosaic.white <= highest)
    fail("{}: its white level {} is not above its black level {}; the file is damaged", file.name(),
         mosaic.white, highest);
}

/// As read_levels(), of any pattern of side x side with these colours; the levels of colours and of
/// the pattern are evened out in the samples.
template <class ColourAt>
void read_even_levels(CameraFile& file, int side, const ColourAt& colour_at, Mosaic& mosaic) {
  const auto& color = file.data().color;
  const BlackPattern pattern(file.data(), file.tags());
  const auto black_at = [&](int y, int x) {
    return int64_t{color.black} + color.cblack[colour_at(y, x)] + pattern.at(y, x);
  };
  int64_t sum = 0;
  for (int i = 0; i < side * side; ++i) sum += black_at(i / side, i % side);
  const int64_t mean = std::llround(double(sum) / (side * side));
  mosaic.white = color.maximum;
  mosaic.black.fill(double(mean));
  check_black(file, mosaic);
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x)
      if (const int64_t step = mean - black_at(y, x); step != 0)
        move(mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)], step, mosaic);
}

/// Black = black + cblack[colour] + the pattern; white = maximum. Neither depends on the picture:
/// LibRaw's adjust_maximum, which lowers the white level to the brightest sample, is not followed,
/// because brightness and noise would then differ from one frame of a series to the next.
void read_levels(CameraFile& file, Mosaic& mosaic) {
  const libraw_data_t& data = file.data();
  const auto& color = data.color;
  const auto& exact = color.dng_levels;
  const BlackPattern pattern(data, file.tags());
  mosaic.white = color.maximum;
  for (int place = 0; place < 4; ++place) {
    const int y = place / 2, x = place % 2, colour = file.raw().COLOR(y, x);
    double black = double(color.black) + color.cblack[colour];
    double fraction = double(exact.dng_fblack) + exact.dng_fcblack[colour];
    if (pattern.fits_the_cell()) {
      black += pattern.at(y, x);
      fraction += pattern.fraction(exact, y, x);
      black = with_fraction(black, fraction);
    } else {
      black += pattern.mean(y, x);
    }
    mosaic.black[size_t(place)] = black;
  }
  check_black(file, mosaic);
  if (!pattern.fits_the_cell()) level(pattern, mosaic);
}

// ---- Colours

/// Three positive multipliers with G = 1; nothing where they cannot be meant.
std::optional<std::array<double, 3>> multipliers(const float (&mul)[4]) {
  std::array<double, 3> result{};
  for (size_t c = 0; c < 3; ++c) {
    result[c] = double(mul[c]) / double(mul[1]);
    if (!(mul[c] > 0) || !(result[c] > 1e-3) || !(result[c] < 1e3)) return std::nullopt;
  }
  return result;
}

/// LibRaw fills up an AsShotNeutral that is partly zero; such a tag says nothing.
bool has_broken_neutral(const libraw_colordata_t& color) {
  const auto& neutral = color.dng_levels.asshotneutral;
  const auto is_zero = [](float value) { return !(value > 0); };
  return std::any_of(neutral, neutral + 3, is_zero) && !std::all_of(neutral, neutral + 3, is_zero);
}

template <class T>
std::optional<Matrix3> three_rows(const T (&rows)[4][3]) {
  Matrix3 matrix{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) matrix[i][j] = rows[i][j];
  return inverse(matrix) ? std::optional(matrix) : std::nullopt;
}

/// Which of a DNG's two matrices LibRaw takes: that for D65, else for another daylight, else the
/// second.
size_t daylight_matrix(const libraw_dng_color_t (&colours)[2]) {
  const auto is = [&colours](size_t i, std::initializer_list<int> lights) {
    return std::find(lights.begin(), lights.end(), colours[i].illuminant) != lights.end();
  };
  for (size_t i = 0; i < 2; ++i)
    if (is(i, {LIBRAW_WBI_D65})) return i;
  for (size_t i = 0; i < 2; ++i)
    if (is(i,
           {LIBRAW_WBI_Daylight, LIBRAW_WBI_D55, LIBRAW_WBI_D75, LIBRAW_WBI_D50, LIBRAW_WBI_Flash}))
      return i;
  return 1;
}

/// AnalogBalance * CameraCalibration * ColorMatrix. LibRaw's cam_xyz is of no use for a DNG: it
/// holds what LibRaw's table says about the model, or nothing.
std::optional<Matrix3> dng_matrix(const libraw_colordata_t& color) {
  const auto& colours = color.dng_color;
  const auto first = three_rows(colours[0].colormatrix);
  const auto second = three_rows(colours[1].colormatrix);
  if (!first && !second) return std::nullopt;
  const size_t chosen = first && second ? daylight_matrix(colours) : (second ? 1 : 0);
  Matrix3 matrix = chosen == 0 ? *first : *second;

  Matrix3 calibration{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) calibration[i][j] = double(colours[chosen].calibration[i][j]);
  if (inverse(calibration)) matrix = multiply(calibration, matrix);
  for (size_t i = 0; i < 3; ++i) {
    const double balance = double(color.dng_levels.analogbalance[i]);
    if (balance > 0)
      for (double& value : matrix[i]) value *= balance;
  }
  return matrix;
}

/// From LibRaw's camera -> sRGB, whose rows sum to 1.
std::optional<Matrix3> matrix_from_rgb(const libraw_colordata_t& color) {
  Matrix3 to_srgb{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) to_srgb[i][j] = double(color.rgb_cam[i][j]);
  const auto from_srgb = inverse(to_srgb);
  if (!from_srgb) return std::nullopt;
  return multiply(*from_srgb, *inverse(xyz_from_srgb));
}

/// The matrix with which LibRaw renders: a DNG's own; a matrix that the camera wrote; LibRaw's
/// table by model; a matrix to sRGB that LibRaw knows for a few old cameras.
std::optional<Matrix3> colour_matrix(const libraw_data_t& data) {
  const auto& color = data.color;
  if (data.idata.dng_version != 0)
    if (const auto matrix = dng_matrix(color)) return matrix;
  const bool camera_wrote_one = color.cmatrix[0][0] > 0.125F;  // as LibRaw's identify() asks
  if (!camera_wrote_one)
    if (const auto matrix = three_rows(color.cam_xyz)) return matrix;
  if (data.rawdata.ioparams.raw_color == 0) return matrix_from_rgb(color);
  return std::nullopt;
}

/// As shot; nothing where the file does not say it.
std::optional<std::array<double, 3>> white_balance_of(const CameraFile& file,
                                                      const std::optional<Matrix3>& matrix) {
  constexpr uint16_t as_shot_white_xy = 50729;
  const auto& color = file.data().color;
  if (color.as_shot_wb_applied != 0) return std::array<double, 3>{1, 1, 1};  // as LibRaw has it
  const auto as_shot = multipliers(color.cam_mul);
  if (as_shot && !has_broken_neutral(color)) return as_shot;
  for (const auto& directory : file.view().directories()) {
    const auto xy = file.view().numbers(directory, as_shot_white_xy);
    if (xy.size() != 2 || !matrix) continue;
    if (const auto balance = balance_of_white({xy[0], xy[1]}, *matrix)) return balance;
  }
  return std::nullopt;
}

constexpr const char* no_matrix =
    "no colour matrix; the camera's colours are taken for linear sRGB";

/// After samples and levels, from which the balance follows where the file says none.
void read_colours(const CameraFile& file, Mosaic& mosaic) {
  mosaic.xyz_to_camera = colour_matrix(file.data());
  if (const auto balance = white_balance_of(file, mosaic.xyz_to_camera))
    mosaic.white_balance = *balance;
  else
    take_grey_world(mosaic);
  if (!mosaic.xyz_to_camera) mosaic.warnings.push_back(no_matrix);
}

// ---- The rest

/// LibRaw's flip: 1 mirrors left and right, 2 top and bottom, 4 then swaps rows and columns.
int exif_orientation(int flip) {
  constexpr std::array<int, 8> orientation = {1, 2, 4, 3, 5, 8, 6, 7};
  return orientation[size_t(flip & 7)];
}

/// Of a file whose EXIF has no date: LibRaw's timestamp. CIFF (Canon's CRW) counts seconds of the
/// camera's clock as if it were UTC; all others went through mktime, of which this is the way back.
std::string date_of(std::time_t timestamp, bool is_ciff) {
  std::tm clock{};
  if (timestamp <= 0) return {};
  if ((is_ciff ? ::gmtime_r(&timestamp, &clock) : ::localtime_r(&timestamp, &clock)) == nullptr)
    return {};
  std::array<char, 32> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y:%m:%d %H:%M:%S", &clock);
  return length == 19 ? std::string(text.data(), length) : std::string();
}

/// A field of fixed size, which need not end in 0.
template <size_t size>
std::string text_of(const char (&field)[size]) {
  return std::string(field, std::find(field, field + size, '\0'));
}

double positive(float value) { return std::isfinite(value) && value > 0 ? double(value) : 0; }

Shot shot_of(const CameraFile& file) {
  const libraw_data_t& data = file.data();
  Shot shot;
  if (text_of(data.color.UniqueCameraModel) != no_camera) {
    shot.make = text_of(data.idata.make);
    shot.model = text_of(data.idata.model);
    if (shot.make == "DNG") shot.make.clear();  // LibRaw's stopgap
  }
  shot.lens = text_of(data.lens.Lens);
  if (shot.lens.empty()) shot.lens = text_of(data.lens.makernotes.Lens);
  // read_metadata() knows better where EXIF does.
  shot.date_time = file.tags().date.empty() ? date_of(data.other.timestamp, is_ciff(file.bytes()))
                                            : file.tags().date;
  shot.iso = positive(data.other.iso_speed);
  shot.exposure_seconds = positive(data.other.shutter);
  shot.f_number = positive(data.other.aperture);
  shot.focal_length_mm = positive(data.other.focal_len);
  return shot;
}

/// What raw converters apply after demosaicing, by default or at a wish.
void read_rendering(const CameraFile& file, Mosaic& facts) {
  constexpr uint16_t baseline_exposure = 50730, opcodes_of_rendering = 51022;
  const auto& directories = file.view().directories();
  if (file.data().idata.dng_version == 0 || directories.empty()) return;
  facts.dng_tags = lasting_dng_tags(file.view());
  facts.noise_reduction = noise_reduction_in(file.view());
  const double exposure = file.view().number(directories[0], baseline_exposure).value_or(0);
  constexpr double most_stops = 10;
  if (std::isfinite(exposure) && std::abs(exposure) <= most_stops)
    facts.baseline_exposure = exposure;
  if (const auto* sensor = file.view().sensor()) {
    const auto list = TiffView::bytes(*sensor, opcodes_of_rendering);
    if (parse_opcodes(list) && !opcode_names(list).empty())
      facts.later_opcodes.assign(list.begin(), list.end());
    const auto& [origin, size] = std::pair(file.tags().active_origin, file.tags().active_size);
    const auto& sizes = file.data().sizes;
    if (origin && size)
      facts.opcode_area = Region{int64_t((*origin)[0]) - sizes.top_margin,
                                 int64_t((*origin)[1]) - sizes.left_margin, (*size)[0], (*size)[1]};
  }
}

/// In rows and columns of the raw frame: a DNG's DefaultCrop, which counts from the active area, or
/// what LibRaw knows of a maker's.
std::optional<Region> crop_in_frame(const CameraFile& file) {
  const auto& sizes = file.data().sizes;
  if (file.data().idata.dng_version != 0) {
    constexpr uint16_t default_crop_origin = 50719, default_crop_size = 50720;
    const auto* sensor = file.view().sensor();
    if (sensor == nullptr) return std::nullopt;
    const auto origin = file.view().numbers(*sensor, default_crop_origin);  // across, down
    const auto size = file.view().numbers(*sensor, default_crop_size);
    const auto fits = [](double value) { return value >= 0 && value < 1 << 24; };
    if (origin.size() != 2 || size.size() != 2 || !std::ranges::all_of(origin, fits) ||
        !std::ranges::all_of(size, fits))
      return std::nullopt;
    const auto active = file.tags().active_origin.value_or(std::array<uint32_t, 2>{0, 0});
    return Region{std::lround(origin[1]) + active[0], std::lround(origin[0]) + active[1],
                  std::lround(size[1]), std::lround(size[0])};
  }
#if LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
  const auto& crop = sizes.raw_inset_crops[0];
#else
  const auto& crop = sizes.raw_inset_crop;
#endif
  constexpr int unknown = 0xffff;
  if (crop.cleft == unknown || crop.ctop == unknown) return std::nullopt;
  return Region{crop.ctop, crop.cleft, crop.cheight, crop.cwidth};
}

/// After width and height.
void read_crop(const CameraFile& file, Mosaic& facts) {
  const auto crop = crop_in_frame(file);
  if (!crop) return;
  const auto& sizes = file.data().sizes;
  const int64_t top = std::max<int64_t>(crop->top - sizes.top_margin, 0);
  const int64_t left = std::max<int64_t>(crop->left - sizes.left_margin, 0);
  const int64_t bottom =
      std::min<int64_t>(crop->top + crop->height - sizes.top_margin, facts.height);
  const int64_t right =
      std::min<int64_t>(crop->left + crop->width - sizes.left_margin, facts.width);
  // A thumbnail's size, or nothing, is no crop.
  if (bottom - top < facts.height / 4 || right - left < facts.width / 4) return;
  if (bottom <= top || right <= left) return;
  facts.camera_crop = Region{top, left, bottom - top, right - left};
}

/// What stands in the file whatever its sensor is.
void read_facts(CameraFile& file, Mosaic& facts) {
  facts.orientation = exif_orientation(file.data().sizes.flip);
  read_crop(file, facts);
  facts.noise = file.tags().noise;
  facts.shot = shot_of(file);
  read_metadata(file.bytes(), facts);
  read_rendering(file, facts);
  const double aspect = file.data().sizes.pixel_aspect;
  if (std::isfinite(aspect) && aspect > 0.25 && aspect < 4) facts.pixel_aspect = aspect;
}

/// A DNG's opcodes that act on samples: on the mosaic, or one plane of a picture. Coordinates of
/// the first list are the whole sensor's, those of the second the active area's.
void apply_sample_opcodes(const CameraFile& file, int plane, Mosaic& mosaic) {
  constexpr uint16_t first_list = 51008, second_list = 51009;
  const auto* sensor = file.data().idata.dng_version == 0 ? nullptr : file.view().sensor();
  if (sensor == nullptr) return;
  const auto& sizes = file.data().sizes;
  const auto origin = file.tags().active_origin.value_or(std::array<uint32_t, 2>{0, 0});
  const auto area =
      file.tags().active_size.value_or(std::array<uint32_t, 2>{sizes.raw_height, sizes.raw_width});
  const int top = sizes.top_margin, left = sizes.left_margin;
  apply_opcodes(TiffView::bytes(*sensor, first_list),
                {false, top, left, sizes.raw_height, sizes.raw_width, plane}, mosaic);
  apply_opcodes(
      TiffView::bytes(*sensor, second_list),
      {true, top - int(origin[0]), left - int(origin[1]), int(area[0]), int(area[1]), plane},
      mosaic);
}

/// Each block of four samples of a colour as one, whose noise is as white and a quarter as strong:
/// their sum where 16 bits hold it, else their mean. A block with a clipped sample is clipped.
void bin(const QuadBayer& quad, Mosaic& mosaic) {
  const int wide = mosaic.width, width = (wide - quad.left) / 2,
            height = (mosaic.height - quad.top) / 2;
  const int share = mosaic.white * 4 <= 65535 ? 1 : 4;
  const double scale = 4.0 / share;
  std::vector<uint16_t> binned(size_t(width) * size_t(height));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const uint16_t* above =
          &mosaic.samples[size_t(quad.top + 2 * y) * size_t(wide) + size_t(quad.left + 2 * x)];
      const uint16_t* below = above + wide;
      const uint16_t most = std::max({above[0], above[1], below[0], below[1]});
      const int sum = above[0] + above[1] + below[0] + below[1];
      binned[size_t(y) * size_t(width) + size_t(x)] =
          most >= mosaic.white ? uint16_t(std::min(std::lround(mosaic.white * scale), 65535L))
                               : uint16_t((sum + share / 2) / share);
    }
  mosaic.samples = std::move(binned);
  mosaic.width = width;
  mosaic.height = height;
  mosaic.cfa = quad.cfa;
  mosaic.white *= scale;
  for (double& black : mosaic.black) black *= scale;
  if (mosaic.noise) mosaic.noise = NoiseProfile{mosaic.noise->shot / 4, mosaic.noise->read / 4};
  if (auto& crop = mosaic.camera_crop) {
    // Whole blocks within it.
    const int64_t top = std::max<int64_t>(crop->top - quad.top + 1, 0) / 2,
                  left = std::max<int64_t>(crop->left - quad.left + 1, 0) / 2;
    *crop = {top, left, std::min<int64_t>(crop->height / 2, height - top),
             std::min<int64_t>(crop->width / 2, width - left)};
  }
  mosaic.warnings.emplace_back(
      "its Quad Bayer pattern is binned: four samples of a colour are one, the picture half as "
      "wide "
      "and high");
  if (mosaic.later_opcodes.empty()) return;
  mosaic.warnings.emplace_back(
      "its DNG opcodes for what comes after demosaicing are of its full size and left out");
  mosaic.later_opcodes.clear();
  mosaic.opcode_area.reset();
}

Mosaic mosaic_of(CameraFile& file) {
  Mosaic mosaic;
  const auto quad = quad_bayer_pattern(file);
  // Before unpack(), which would decode what cannot be used.
  if (!quad) mosaic.cfa = pattern_of(file);
  file.unpack();
  read_samples(file, mosaic);
  const XTrans* x_trans = mosaic.cfa.x_trans();
  if (quad)
    read_even_levels(
        file, 4, [&](int y, int x) { return quad->colour[size_t(y % 4 * 4 + x % 4)]; }, mosaic);
  else if (x_trans != nullptr)
    read_even_levels(
        file, XTrans::side, [&](int y, int x) { return x_trans->colour(y, x); }, mosaic);
  else
    read_levels(file, mosaic);
  if (const std::string why = given_up(mosaic); !why.empty()) fail("{}: {}", file.name(), why);
  if (quad) {
    // What the file says of places is of the full size.
    read_facts(file, mosaic);
    apply_sample_opcodes(file, 0, mosaic);
    bin(*quad, mosaic);
    mosaic.saturated_at = clipped_below_white(mosaic);
    read_colours(file, mosaic);
    return mosaic;
  }
  mosaic.saturated_at = clipped_below_white(mosaic);
  read_colours(file, mosaic);
  read_facts(file, mosaic);
  apply_sample_opcodes(file, 0, mosaic);
  return mosaic;
}

// ---- Frames without a mosaic

/// LibRaw keeps three colours side by side, with a fourth or without, and brightness alone as it
/// keeps a mosaic.
class PixelReader {
 public:
  explicit PixelReader(const libraw_data_t& data) : data_(data) {}

  bool has_any() const {
    const auto& raw = data_.rawdata;
    return raw.raw_image != nullptr || raw.color3_image != nullptr || raw.color4_image != nullptr;
  }

  uint16_t operator()(int y, int x, size_t colour) const {
    const auto& sizes = data_.sizes;
    const auto row = size_t(y + sizes.top_margin), column = size_t(x + sizes.left_margin);
    const auto& raw = data_.rawdata;
    if (raw.raw_image != nullptr) return raw.raw_image[row * (sizes.raw_pitch / 2) + column];
    if (raw.color3_image != nullptr)
      return raw.color3_image[row * (sizes.raw_pitch / sizeof(*raw.color3_image)) + column][colour];
    return raw.color4_image[row * (sizes.raw_pitch / sizeof(*raw.color4_image)) + column][colour];
  }

 private:
  const libraw_data_t& data_;
};

/// black + cblack[colour] + a pattern's first value, as LibRaw adds them.
std::array<double, 3> linear_black(const libraw_colordata_t& color) {
  std::array<double, 3> black{};
  const bool has_pattern = color.cblack[4] > 0 && color.cblack[5] > 0;
  for (size_t c = 0; c < 3; ++c)
    black[c] = double(color.black) + color.cblack[c] + (has_pattern ? color.cblack[6] : 0);
  return black;
}

/// Of frames whose file says none: by the mean of what is not saturated.
std::array<double, 3> grey_world_of(const Tensor& light) {
  std::array<double, 3> sum{}, gain = {1, 1, 1};
  for (int64_t y = 0; y < light.shape().h; ++y)
    for (int64_t x = 0; x < light.shape().w; ++x) {
      const std::array<float, 3> pixel = {light.row(0, 0, y)[x], light.row(0, 1, y)[x],
                                          light.row(0, 2, y)[x]};
      if (*std::max_element(pixel.begin(), pixel.end()) >= 1) continue;
      for (size_t c = 0; c < 3; ++c) sum[c] += double(pixel[c]);
    }
  for (const size_t c : {0, 2})
    if (sum[c] > 0 && sum[1] > 0) gain[c] = std::clamp(sum[1] / sum[c], 0.25, 8.0);
  return gain;
}

/// Of one plane, as samples, with the opcodes that act on them applied.
Mosaic plane_of(const CameraFile& file, const PixelReader& pixel, int colour, int width,
                int height) {
  Mosaic plane;
  plane.width = width;
  plane.height = height;
  plane.samples.reserve(size_t(width) * size_t(height));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) plane.samples.push_back(pixel(y, x, size_t(colour)));
  plane.black.fill(linear_black(file.data().color)[size_t(colour)]);
  plane.white = file.data().color.maximum;
  if (plane.white <= plane.black[0])
    fail("{}: its white level {} is not above its black level; the file is damaged", file.name(),
         plane.white);
  apply_sample_opcodes(file, colour, plane);
  return plane;
}

/// Black subtracted, 1 = white, not balanced yet; what opcodes did goes into `facts`.
Tensor unbalanced_light(CameraFile& file, Mosaic& facts) {
  const auto& sizes = file.data().sizes;
  const PixelReader pixel(file.data());
  const int channels = file.data().idata.colors;
  const int width = std::min<int>(sizes.width, sizes.raw_width - sizes.left_margin);
  const int height = std::min<int>(sizes.height, sizes.raw_height - sizes.top_margin);
  if (width <= 0 || height <= 0 || !pixel.has_any())
    fail("{}: its active area is empty; the file is damaged", file.name());
  Tensor light({1, channels, height, width});
  bool empty = true;
  for (int c = 0; c < channels; ++c) {
    const Mosaic plane = plane_of(file, pixel, c, width, height);
    empty &= std::ranges::all_of(plane.samples, [](uint16_t sample) { return sample == 0; });
    auto sample = plane.samples.begin();
    for (int y = 0; y < height; ++y)
      for (float *at = light.row(0, c, y), *end = at + width; at != end; ++at)
        *at = float((*sample++ - plane.black[0]) / (plane.white - plane.black[0]));
    // Every plane has the same opcodes.
    if (c > 0) continue;
    facts.opcodes = plane.opcodes;
    facts.warnings = plane.warnings;
  }
  if (empty) fail("{}: holds no picture: every sample is 0", file.name());
  return light;
}

void balance(Tensor& light, const std::array<double, 3>& white_balance) {
  const double least = *std::min_element(white_balance.begin(), white_balance.end());
  for (int64_t c = 0; c < light.shape().c; ++c) {
    const auto gain = float(white_balance[size_t(c)] / least);
    for (int64_t y = 0; y < light.shape().h; ++y)
      for (float *at = light.row(0, c, y), *end = at + light.shape().w; at != end; ++at)
        *at = std::min(*at, 1.f) * gain;
  }
}

LinearFrame linear_frame_of(CameraFile& file) {
  file.unpack();
  LinearFrame frame;
  Mosaic& facts = frame.facts;
  frame.light = unbalanced_light(file, facts);
  facts.width = int(frame.light.shape().w);
  facts.height = int(frame.light.shape().h);
  if (frame.light.shape().c == 3) {
    facts.xyz_to_camera = colour_matrix(file.data());
    if (const auto found = white_balance_of(file, facts.xyz_to_camera)) {
      facts.white_balance = *found;
    } else {
      facts.white_balance = grey_world_of(frame.light);
      warn_of_grey_world(facts);
    }
    if (!facts.xyz_to_camera) facts.warnings.push_back(no_matrix);
  }
  balance(frame.light, facts.white_balance);
  frame.demosaicked_from = demosaicked_from(frame.light);
  read_facts(file, facts);
  return frame;
}

}  // namespace

RawFrame decode_raw_frame(const std::string& name, std::vector<uint8_t> bytes) {
  try {
    CameraFile file(name, std::move(bytes));
    if (is_linear(file.raw())) return linear_frame_of(file);
    return mosaic_of(file);
  } catch (const std::bad_alloc&) {
    fail("{}: {}", name, reason(LIBRAW_UNSUFFICIENT_MEMORY));
  }
}

RawFrame read_raw_frame(const fs::path& path) {
  return decode_raw_frame(path.string(), read_file(path));
}

Mosaic read_camera_file(const fs::path& path) {
  try {
    CameraFile file(path.string(), read_file(path));
    return mosaic_of(file);
  } catch (const std::bad_alloc&) {
    fail_as(ErrorCode::out_of_memory, "{}: {}", path.string(), reason(LIBRAW_UNSUFFICIENT_MEMORY));
  }
}

}  // namespace hyperconv
