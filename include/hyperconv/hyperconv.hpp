// The library: a camera's mosaic or a noisy photo in memory or in a file -> a clean picture.
//
//   hyperconv::Develop develop;                              // with the model that is shipped
//   develop.picture({.data = samples, .width = w, .height = h, .cfa = hyperconv::Cfa::rggb},
//                   {.data = rgb, .width = w, .height = h, .channels = 3});
//
// Every function that fails throws Error, which holds one line of text and an ErrorCode. A call
// that failed or was cancelled has written nothing, neither into memory nor into a file. No
// function writes to stdout or stderr or catches signals. The C API is hyperconv.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hyperconv/error.hpp"
#include "hyperconv/export.hpp"
#include "hyperconv/types.hpp"

namespace hyperconv {

/// Of the library that is loaded, like "0.1.0".
HYPERCONV_API std::string version();

/// The file of the model that is shipped for a task, "develop" or "denoise": in the folder that
/// $HYPERCONV_MODELS names, else where it is installed, or in the build that the library lies in.
/// Throws Error (bad_argument for another task; io where it is not there, with the places).
HYPERCONV_API std::filesystem::path shipped_model(const std::string& task);

/// What a model file says of itself.
struct ModelFacts {
  std::string task;          ///< "develop", "denoise", ...
  std::string name;          ///< like "develop-16"
  std::string summary;       ///< how it was trained
  std::string data_licence;  ///< terms of the data it saw
};
/// Throws Error (io, bad_file).
HYPERCONV_API ModelFacts read_model_facts(const std::filesystem::path& path);

/// Type of a sample in memory, in the machine's byte order. u8 and u16 use their whole range; in a
/// picture f32 has 0 = black and 1 = white.
enum class SampleType { u8, u16, f32 };

/// A picture in memory of the caller: rows from the top, samples of a pixel beside one another. It
/// is only read, and only during the call. Samples need no alignment.
struct ImageView {
  const void* data = nullptr;
  int width = 0, height = 0;  ///< pixels; at most 2^29 of them, sides up to 2^20
  int channels = 3;           ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
  std::ptrdiff_t stride = 0;  ///< bytes from one row's start to the next one's; 0: without gaps
  SampleType type = SampleType::u8;
};

/// The same, to be written into. Between the rows' ends and the stride nothing is written.
struct ImageBuffer {
  void* data = nullptr;
  int width = 0, height = 0;
  int channels = 3;
  std::ptrdiff_t stride = 0;
  SampleType type = SampleType::u8;
};

/// Where the first sample of a mosaic stands in Fujifilm's pattern of 6x6, which begins at
///     G G R G G B
///     G G B G G R
///     B R G R B G
///     G G B G G R
///     G G R G G B
///     R B G B R G
struct XTransPhase {
  int row = 0, column = 0;  ///< 0..5
};

/// What a sensor behind a colour filter array saw, in memory of the caller: one sample a pixel, in
/// the sensor's units. It is only read, and only during the call.
struct MosaicView {
  const void* data = nullptr;
  int width = 0, height = 0;  ///< of the active area; at least 2x2 (X-Trans 6x6), at most 2^29
  std::ptrdiff_t stride = 0;  ///< bytes from one row's start to the next one's; 0: without gaps
  SampleType type = SampleType::u16;
  Cfa cfa = Cfa::rggb;
  /// The filters are X-Trans' instead; all four black levels are then the same.
  std::optional<XTransPhase> x_trans = {};
  std::array<double, 4> black{};  ///< level of no light at (0,0) (0,1) (1,0) (1,1); 0 or more
  double white = 65535;           ///< level at which a sample is saturated; above every black
  /// Multipliers that make a grey grey, R G B; above 0.
  std::array<double, 3> white_balance{1, 1, 1};
  /// XYZ (D65) to camera RGB before white balance, as in DNG's ColorMatrix and LibRaw's cam_xyz;
  /// nothing: the camera's colours are taken for linear sRGB.
  std::optional<Matrix3> xyz_to_camera = {};
  /// For models that are told the noise; nothing: it is estimated from the samples.
  std::optional<NoiseProfile> noise = {};
};

/// Is told the progress of a call, from 0 to 1, never less than before; returns whether to go on:
/// false cancels. It is called on the thread that made the call, some fifty times a second, at
/// least at the start, and with 1 at the end, when the answer changes nothing any more. The work
/// itself then runs on other threads, so it may take a lock, such as Python's. What it throws
/// cancels too, and comes out of the call.
///
/// A cancelled call throws Error (cancelled) within 100 ms; decoding a file and predicting the
/// filters of the very largest networks are not stopped half-way. A call that has begun to write
/// its result into a buffer finishes.
using ProgressCallback = std::function<bool(double done)>;

struct Options {
  int threads = 0;  ///< 0: all the cores that this process may use
  /// Bytes that a picture's floats and the network's values may take. A mosaic or photo that needs
  /// more is processed in parts, and refused (out_of_memory) where even small parts need more. The
  /// caller's own buffers do not count. Nothing: three quarters of what is free.
  std::optional<int64_t> memory = {};
  /// Develop::file takes files whose noise was removed before, too, and removes it once more.
  bool again = false;
};

/// A camera's RAW file, or a mosaic as a one-channel PNG, decoded into memory. Immutable: any
/// number of threads may use one at the same time.
class HYPERCONV_API RawFile {
 public:
  /// Throws Error: io, bad_file (damaged, or no RAW file), unsupported (a sensor that is neither
  /// Bayer nor X-Trans: Develop::file takes frames of three colours and monochrome ones too).
  explicit RawFile(const std::filesystem::path& path);
  ~RawFile();
  RawFile(RawFile&&) noexcept;
  RawFile& operator=(RawFile&&) noexcept;

  /// Samples (u16) and what the file says of them. They live as long as this object.
  MosaicView mosaic() const;
  /// EXIF orientation 1..8 of the samples as stored.
  int orientation() const;
  const Shot& shot() const;
  /// One line each: what the file does not say, and what was assumed instead.
  const std::vector<std::string>& warnings() const;

 private:
  friend class Develop;
  class Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Which picture is made of a camera's mosaic or file. As it stands here it is what is made where
/// nothing is said: LibRaw's rendering without its noise. docs/rendering.md has more of each.
struct PictureOptions {
  /// The share of the noise that is removed; the rest is the photo's own grain. Less than all takes
  /// twice the time, and a model that is told the noise, as the shipped ones are.
  DenoiseStrength strength = {};
  WantedBalance white_balance = AsShot{};
  double exposure = 0;  ///< stops by which it is brighter, in linear light: -10 to 10
  HighlightMode highlights = HighlightMode::clip;
  OutputSpace colour_space = OutputSpace::srgb;  ///< a file gets its profile
  /// "none"; "auto": distortion, vignetting and lateral colour are corrected by the DNG's own
  /// opcodes, else as Lensfun knows the lens, and not where neither does; or the name of a lens of
  /// Lensfun's. Of a MosaicView, which says of no lens, "none".
  std::string lens = "none";
  /// Only this part, in pixels of the photo as it is stored (with a lens, of the corrected one): a
  /// preview, sample for sample what the whole picture would show there. Without crop and size.
  std::optional<Region> part = {};
  Crop crop = Crop::active;  ///< of a MosaicView all there is
  /// Degrees by which the samples as they are stored are turned clockwise: 0, 90, 180 or 270;
  /// nothing: as the file says, a MosaicView not at all.
  std::optional<int> rotate = {};
  /// In linear light, by Lanczos' filter: sides of 1 to 65535 pixels, a share of 0.001 to 4;
  /// nothing: as the sensor has it.
  std::optional<WantedSize> size = {};
};

/// The same of a file, and how it is written.
struct FileOptions {
  PictureOptions picture = {};
  int quality = 95;  ///< of JPEG, JPEG XL, AVIF and HEIF, 1 to 100
  /// Bits a sample: 8, 16 (PNG, TIFF, JPEG XL), 10 or 12 (AVIF, HEIF), or 32, which are floats in
  /// linear light, cut nowhere (TIFF, without size); nothing: 16, or 10, where the format has them.
  std::optional<int> depth = {};
  bool strip_metadata = false;  ///< without EXIF, XMP, IPTC and texts
};

/// In pixels.
struct PictureSize {
  int width = 0, height = 0;
  bool operator==(const PictureSize&) const = default;
};

/// Develops mosaics with one model. Any thread may use it, for one call at a time: a second call
/// waits for the first one, and can be cancelled while it does. It must not be moved or destroyed
/// during a call. A photo of the same size as the last is quicker: its buffers are reused.
/// Where the processor multiplies bf16 (AMX, AVX512_BF16) and is faster in it, the network is
/// computed in it; the environment variable HYPERCONV_PRECISION=f32 says otherwise. What is faster
/// is measured once and kept in the user's cache folder: $HYPERCONV_CACHE (empty: nothing is
/// kept), else $XDG_CACHE_HOME/hyperconv, else ~/.cache/hyperconv.
class HYPERCONV_API Develop {
 public:
  /// With the model of this file; empty: the one that is shipped. Throws Error: io, bad_file,
  /// bad_argument (a model for another task, threads or memory below 0).
  explicit Develop(const std::filesystem::path& model = {}, const Options& options = {});
  ~Develop();
  Develop(Develop&&) noexcept;
  Develop& operator=(Develop&&) noexcept;

  /// An sRGB picture of the mosaic's size and 3 channels, in any sample type, not turned. Throws
  /// Error: bad_argument (null, a size or stride that does not fit, a sample, level or matrix that
  /// is not finite or of no use), out_of_memory, cancelled.
  void picture(const MosaicView& mosaic, const ImageBuffer& out,
               const ProgressCallback& progress = {});

  /// The picture that one wants, in any sample type, of 3 channels and picture_size(). Of a RawFile
  /// it is turned upright; one whose noise was removed before is refused (bad_argument:
  /// Options::again). Throws Error as above, also where an option is out of its range or has no
  /// meaning for this photo (bad_argument), or lenses cannot be corrected in this build
  /// (unsupported).
  void picture(const MosaicView& mosaic, const ImageBuffer& out, const PictureOptions& options,
               const ProgressCallback& progress = {});
  void picture(const RawFile& raw, const ImageBuffer& out, const PictureOptions& options = {},
               const ProgressCallback& progress = {});

  /// Of the picture that these options make. Throws Error (bad_argument).
  static PictureSize picture_size(const MosaicView& mosaic, const PictureOptions& options = {});
  static PictureSize picture_size(const RawFile& raw, const PictureOptions& options = {});

  /// The camera's RGB instead: linear, white-balanced, 1 = the level at which the least amplified
  /// channel saturates; noise that is left may be below 0. `out` is f32.
  void camera_rgb(const MosaicView& mosaic, const ImageBuffer& out,
                  const ProgressCallback& progress = {});

  /// From file to file: as `hyperconv enhance`, turned upright, with the shot's EXIF. `out` ends in
  /// .jpg, .png, .tif, .jxl (16 bits), .avif, .heic (10) or .dng (linear, not turned) and appears
  /// whole or not at all. An X-Trans file, and one that has all colours at every pixel (linear DNG,
  /// sRAW, monochrome), is developed by the model that ships for it, unless a model was named.
  /// Throws Error: io, bad_file, unsupported, bad_argument (another ending, in and out are the
  /// same, its noise was removed already: Options::again), ...
  void file(const std::filesystem::path& in, const std::filesystem::path& out,
            const ProgressCallback& progress = {});

  /// The file that one wants. Of a .dng, which a raw converter renders, only strength, white
  /// balance, rotate and strip_metadata can be, of a monochrome photo no white balance, highlights
  /// or colour space. Throws Error likewise, also as picture() does.
  void file(const std::filesystem::path& in, const std::filesystem::path& out,
            const FileOptions& options, const ProgressCallback& progress = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Removes the noise of photos with one model. Any thread may use it, for one call at a time: a
/// second call waits for the first one, and can be cancelled while it does. It must not be moved or
/// destroyed during a call.
class HYPERCONV_API Denoise {
 public:
  /// With the model of this file; empty: the one that is shipped. Throws Error: io, bad_file,
  /// bad_argument (a model for another task, threads or memory below 0).
  explicit Denoise(const std::filesystem::path& model = {}, const Options& options = {});
  ~Denoise();
  Denoise(Denoise&&) noexcept;
  Denoise& operator=(Denoise&&) noexcept;

  /// The photo without its noise, into a buffer of the same size and number of channels; the sample
  /// types may differ. Samples are taken as sRGB-encoded; grey stays grey, alpha is handed on.
  /// `out` may be the same memory as `photo`. Throws Error: bad_argument (null, a size or stride
  /// that does not fit, a strength outside [0,1], a sample that is not finite), out_of_memory,
  /// cancelled.
  void picture(const ImageView& photo, const ImageBuffer& out, const DenoiseStrength& strength = {},
               const ProgressCallback& progress = {});

  /// A part of it alone, as for a preview: `out` has the part's size. Filters and noise level
  /// follow from the whole photo, so that the part looks as it will in the whole.
  void part(const ImageView& photo, const Region& part, const ImageBuffer& out,
            const DenoiseStrength& strength = {}, const ProgressCallback& progress = {});

  /// From file to file: JPEG, PNG, TIFF, JPEG XL, AVIF or HEIF, with their metadata. `out` appears
  /// whole or not at all.
  void file(const std::filesystem::path& in, const std::filesystem::path& out,
            const DenoiseStrength& strength = {}, const ProgressCallback& progress = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
