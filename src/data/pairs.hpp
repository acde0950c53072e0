// Pairs of pictures on disk, as published data sets lay them out: what a camera gave, and what a
// network should make of it. The folder's layout is found out by looking; trainer and evaluation
// read all of them in the same way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// How a set of pairs lies on disk.
enum class Layout {
  zrr,          ///< Zurich RAW-to-DSLR: huawei_raw/N.png + canon/N.jpg
  simzrr,       ///< the same, made by `hyperconv simulate`: simzrr.json says so
  sidd_srgb,    ///< SIDD, sRGB: (Data/)SCENE/[SCENE_]NOISY_SRGB_NNN.PNG + ...GT_SRGB_NNN.PNG
  sidd_blocks,  ///< ValidationNoisyBlocksSrgb.mat + ValidationGtBlocksSrgb.mat
  folders,      ///< two folders, like noisy/ + clean/, files of the same stem
  suffixes,     ///< one folder, like X_real.JPG + X_mean.JPG (PolyU, CC15)
  rhid,         ///< N.raw (headerless) + N.png
};

/// "zrr", "sidd-srgb", ...: what commands print.
std::string to_string(Layout layout);

/// A set may come in two splits that must not mix.
enum class Split { train, test };
std::string to_string(Split split);

/// The input is a mosaic, RGGB, in a sensor's units. As a tensor it is packed at half the size,
/// [1,4,h/2,w/2], channels (B, Gb, R, Gr) with R = mosaic[0::2,0::2], Gb = mosaic[0::2,1::2],
/// Gr = mosaic[1::2,0::2], B = mosaic[1::2,1::2] (the names are Zurich RAW-to-DSLR's), each sample
/// divided by `white`. The black level stays in: this is the task `isp`.
struct MosaicInput {
  double white = 1020;
};

/// The input is an sRGB photo: as a tensor [1,3,h,w], R G B in [0,1]. This is the task `denoise`.
struct PhotoInput {};

using InputKind = std::variant<MosaicInput, PhotoInput>;

/// A pair as it was stored. Both pictures have the same size; a mosaic's is even. They are taken as
/// they lie in the files: a pair is aligned in its samples, so no EXIF orientation is applied.
struct Pair {
  std::string name;
  Image input;   ///< mosaic: one channel, sensor units in either depth; photo: RGB, 8 or 16 bits
  Image target;  ///< RGB, sRGB-encoded, 8 or 16 bits
};

struct TensorPair {
  Tensor input;   ///< as InputKind says
  Tensor target;  ///< [1,3,h,w], R G B, sRGB-encoded, in [0,1]
};

TensorPair to_tensors(const Pair& pair, const InputKind& kind);
/// The same into the caller's memory, of exactly that many floats.
void fill_input(const Pair& pair, const InputKind& kind, std::span<float> input);
void fill_target(const Pair& pair, std::span<float> target);

class PairSource;
struct Window;

/// The pairs of one folder. Cheap to copy; safe to read from several threads.
class PairSet {
 public:
  PairSet(Layout layout, std::filesystem::path folder, InputKind kind,
          std::shared_ptr<const PairSource> source);

  Layout layout() const { return layout_; }
  /// Where the pairs were found: the folder that was asked for, or its split's.
  const std::filesystem::path& folder() const { return folder_; }
  const InputKind& kind() const { return kind_; }
  bool is_mosaic() const { return std::holds_alternative<MosaicInput>(kind_); }

  /// With the damaged ones; more than 0.
  size_t size() const;
  /// Unique in the set, like "17" or "0001_001_S6_00100_00060_3200_L/010"; index < size().
  std::string name(size_t index) const;

  /// Reads and checks one pair. Throws Error, one line that names the file, when the pair is
  /// damaged: a picture is missing, empty, undecodable, of a depth or with samples that the layout
  /// rules out, or the two differ in size.
  Pair decode(size_t index) const;
  /// decode(), as tensors.
  TensorPair read(size_t index) const { return to_tensors(decode(index), kind_); }
  /// What is wrong with a pair as far as can be told without reading it: a picture that is missing
  /// or empty. Nothing does not mean that it is sound.
  std::optional<std::string> visible_damage(size_t index) const;

  const std::shared_ptr<const PairSource>& source() const { return source_; }

 private:
  Layout layout_;
  std::filesystem::path folder_;
  InputKind kind_;
  std::shared_ptr<const PairSource> source_;
};

/// Looks into the folder, and where no layout fits there into the split's: train/, or test/, val/
/// and the like (a set without splits is read whole, whichever is requested). Pairs are in the
/// natural order of their names (2 before 10). Throws Error that says what was looked for where
/// nothing fits, and what is missing where a layout half fits.
PairSet find_pairs(const std::filesystem::path& folder, Split split = Split::train);

struct SplitOfSet {
  std::optional<Split> split;  ///< nothing: the set has no splits, and this is all of it
  PairSet set;
};

/// Every split of the set in this folder, at least one. Throws Error as find_pairs does.
std::vector<SplitOfSet> find_splits(const std::filesystem::path& folder);

}  // namespace hyperconv
