// A photo as the sensor saw it: one sample a pixel under a colour filter array (CFA), Bayer's or
// Fujifilm's X-Trans.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.hpp"
#include "base/x_trans.hpp"
#include "hyperconv/types.hpp"

namespace hyperconv {

/// 0 red, 1 green, 2 blue at row y, column x.
int cfa_colour(Cfa cfa, int64_t y, int64_t x);

/// Row and column of the red sample within the 2x2 cell: {0,0} for rggb, {1,1} for bggr, ...
std::array<int, 2> red_offset(Cfa cfa);

/// The pattern seen from an origin moved by (dy, dx).
Cfa shifted(Cfa cfa, int64_t dy, int64_t dx);

std::string to_string(Cfa cfa);
/// Throws Error that lists the four names.
Cfa cfa_from_string(const std::string& name);

/// A tag that one DNG takes over from another: TIFF's type and count, the value little-endian.
struct DngTag {
  uint16_t tag = 0, type = 0;
  uint32_t count = 0;
  std::vector<uint8_t> value;
};

/// What a DNG says of noise that was removed before.
struct NoiseReduction {
  double applied = 0;         ///< NoiseReductionApplied: 0 none, 1 all that there should be
  bool by_hyperconv = false;  ///< it was this program
};

/// A sensor's colour filters: a pattern of 2x2, or X-Trans.
class ColourFilters {
 public:
  ColourFilters(Cfa bayer) : kind_(bayer) {}                // NOLINT(google-explicit-constructor)
  ColourFilters(const XTrans& pattern) : kind_(pattern) {}  // NOLINT(google-explicit-constructor)

  /// Null where it is the other kind.
  const Cfa* bayer() const { return std::get_if<Cfa>(&kind_); }
  const XTrans* x_trans() const { return std::get_if<XTrans>(&kind_); }

  friend bool operator==(const ColourFilters&, const ColourFilters&) = default;

 private:
  std::variant<Cfa, XTrans> kind_;
};

/// 0 red, 1 green, 2 blue at row y, column x; from 0 on.
int cfa_colour(const ColourFilters& filters, int64_t y, int64_t x);

/// "rggb", ..., "x-trans".
std::string to_string(const ColourFilters& filters);

struct Mosaic {
  int width = 0;  ///< of the active area, in samples
  int height = 0;
  std::vector<uint16_t> samples;  ///< rows from the top; sample (y,x) at y*width + x
  ColourFilters cfa = Cfa::rggb;
  /// By place in the 2x2 cell: (0,0) (0,1) (1,0) (1,1); of X-Trans, all the same.
  std::array<double, 4> black{};
  /// Level at which a sample is saturated, at most 65535; samples may be above it.
  double white = 65535;
  /// Multipliers that make a grey grey, R G B, with G = 1.
  std::array<double, 3> white_balance{1, 1, 1};
  /// XYZ (D65) to camera RGB before white balance, as in DNG's ColorMatrix and LibRaw's cam_xyz;
  /// nothing: the camera's colours are not known and are taken for linear sRGB.
  std::optional<Matrix3> xyz_to_camera;
  int orientation = 1;  ///< EXIF orientation 1..8 of the samples as stored
  /// The part that the camera's own pictures show (DNG's DefaultCrop, or what LibRaw found of it);
  /// nothing: the file says none, or one that is no part of the active area.
  std::optional<Region> camera_crop;
  /// Sample value from which on this frame's samples are clipped, where that is below white: all
  /// colours are cut there, so that highlights are neutral, and brightness stays the file's.
  std::optional<double> saturated_at;
  double pixel_aspect = 1;       ///< width of a pixel / its height
  double baseline_exposure = 0;  ///< stops by which DNG has the rendered picture brightened
  std::optional<NoiseProfile> noise;
  Shot shot;
  /// As the file holds them, for the pictures that are made of it: EXIF as a TIFF stream (what
  /// describes the photo), XMP packet, IPTC-IIM records; may be empty.
  std::vector<uint8_t> exif, xmp, iptc;
  std::vector<std::string> opcodes;  ///< names of the DNG opcodes that acted on the samples
  /// DNG's OpcodeList3, of what acts after demosaicing (lens corrections); may be empty.
  std::vector<uint8_t> later_opcodes;
  /// The area that their coordinates are of, seen from the first sample; nothing: the mosaic's own.
  std::optional<Region> opcode_area;
  /// What a DNG says of its camera and colours to raw converters; of other files none.
  std::vector<DngTag> dng_tags;
  std::optional<NoiseReduction> noise_reduction;  ///< nothing: the file does not say
  /// What a DNG that is written says was done, as one line more in its ImageHistory; may be empty.
  std::string history;
  std::vector<std::string> warnings;  ///< one line each: what was missing and what was taken for it
};

/// A RAW frame that is no mosaic: it has three colours at every pixel (linear DNG, sRAW) or one
/// brightness (a monochrome sensor).
struct LinearFrame {
  Mosaic facts;  ///< all but samples, CFA and levels; of a monochrome one no colours either
  /// Linear light, white-balanced, 1 = the level at which the least amplified channel saturates;
  /// the others go on above it to their own: [1,3,height,width], or [1,1,height,width] of a
  /// monochrome one.
  Tensor light;
  /// The sensor's colour filters, from the frame's first pixel on, where it was demosaicked: as
  /// found in its light (raw/linear_frame.hpp) by who read it, or known to who interpolated it.
  /// Nothing: what it has at a pixel was measured there.
  std::optional<ColourFilters> demosaicked_from = {};
};

using RawFrame = std::variant<Mosaic, LinearFrame>;

/// A frame of either kind, to look at.
struct FrameView {
  FrameView(const Mosaic& mosaic) : facts(mosaic) {}  // NOLINT(google-explicit-constructor)
  FrameView(const LinearFrame& frame)                 // NOLINT(google-explicit-constructor)
      : facts(frame.facts), light(&frame.light), demosaicked_from(frame.demosaicked_from) {}
  FrameView(const RawFrame& frame);  // NOLINT(google-explicit-constructor)

  bool is_monochrome() const { return light != nullptr && light->shape().c == 1; }

  /// The colour filters that a linear frame was demosaicked from; where it was not, of which any
  /// are as good, rggb.
  ColourFilters filters_behind() const { return demosaicked_from.value_or(Cfa::rggb); }

  const Mosaic& facts;
  const Tensor* light = nullptr;  ///< null: a mosaic, whose samples are among the facts
  std::optional<ColourFilters> demosaicked_from = {};  ///< LinearFrame's
};

/// Reads any camera file that can be developed: as read_camera_file, and LinearFrames. Throws Error
/// likewise, where a sensor is another kind still (Foveon, GMCY).
RawFrame read_raw_frame(const std::filesystem::path& path);

/// Reads a camera file (through LibRaw), of several pictures the first. White is what the file or
/// LibRaw's table of cameras says, whatever the picture: LibRaw's own rendering lowers it to the
/// brightest sample unless adjust_maximum_thr is 0. Black levels that do not repeat with the cell
/// are evened out in the samples. Of a noise profile for three planes green's is taken. An active
/// area that starts at an odd row or column loses it, as in LibRaw. Throws Error naming the file
/// when it is missing, a directory, empty, truncated, no RAW file, smaller than 22x22, larger than
/// 2^29 samples, or its sensor is none of Bayer, Quad Bayer, X-Trans (says so).
Mosaic read_camera_file(const std::filesystem::path& path);

/// Facts that a mosaic without a header lacks.
struct MosaicFormat {
  int width = 0, height = 0;  ///< only for headerless files
  Cfa cfa = Cfa::rggb;
  int bits = 10;  ///< white level is 2^bits - 1 unless `white` says otherwise
  std::optional<double> white;
  double black = 0;
  std::array<double, 3> white_balance{0, 0, 0};  ///< zeros: grey-world is taken, with a warning
};

/// Headerless little-endian u16 samples. Throws Error when the size of the file does not fit (says
/// what would), or more than one sample in a thousand is above what `bits` hold; fewer are left
/// above white, with a warning.
Mosaic read_headerless(const std::filesystem::path& path, const MosaicFormat& format);

/// A mosaic as a one-channel PNG, 8 or 16 bit, its values in sensor units whatever the depth (the
/// kind Zurich RAW-to-DSLR uses: 10-bit units in either). Width and height are the picture's.
/// Throws Error as read_headerless does, and when the file is no PNG of one channel.
Mosaic read_mosaic_png(const std::filesystem::path& path, const MosaicFormat& format);

/// A DNG 1.4 with one uncompressed 16-bit CFA plane and everything the mosaic knows, X-Trans' 6x6
/// filters too; the white level is rounded. Where the camera's matrix is not known it says linear
/// sRGB, which DNG cannot leave open. The file appears whole or not at all. Throws Error when it
/// cannot be written.
void write_dng(const std::filesystem::path& path, const Mosaic& mosaic);
std::vector<uint8_t> encode_dng(const Mosaic& mosaic);

/// How a DNG's samples are stored.
enum class DngCompression {
  none,          ///< 2 bytes a sample
  lossless_jpeg  ///< tiles of lossless JPEG, which every raw converter reads
};
std::string to_string(DngCompression compression);

struct DngOptions {
  DngCompression compression = DngCompression::lossless_jpeg;
  int threads = 0;  ///< 0: all the cores that this process may use; they change no byte
};

/// As write_dng, for raw converters and who looks through folders: with a thumbnail of 256 pixels
/// and a JPEG of up to 2048 a side, rendered of the light that a network made of the mosaic
/// ([1,3,H,W], as in write_linear_dng).
void write_mosaic_dng(const std::filesystem::path& path, const Mosaic& mosaic,
                      const Tensor& camera_rgb, const DngOptions& options = {});

/// A developed, cleaned photo as a DNG for raw converters: LinearRaw, three 16-bit samples a pixel,
/// one of a monochrome photo, with thumbnail and JPEG as write_mosaic_dng has them. `camera_rgb` is
/// [1,3,H,W] or [1,1,H,W], linear, white-balanced, 1 = the level at which the least amplified
/// channel saturates; above it is cut. The white balance is taken back and stands in AsShotNeutral,
/// so that a converter can set another. Every channel has its black at 0, the only level that raw
/// converters agree on in files of three colours (what is below is cut), and its white at 65535,
/// which the least amplified one reaches; channel c ends at min(white_balance) / white_balance[c]
/// of it. Of the facts colours, orientation, shot, metadata, noise (as what is left of it), noise
/// reduction and what acts in a raw converter are taken. The file appears whole or not at all.
/// Throws Error when it cannot be written.
void write_linear_dng(const std::filesystem::path& path, const Tensor& camera_rgb,
                      const Mosaic& facts, const DngOptions& options = {});

}  // namespace hyperconv
