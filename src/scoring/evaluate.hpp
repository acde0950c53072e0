// How good a develop model is, on photos that a simulated camera took.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/denoise.hpp"
#include "pipeline/develop.hpp"
#include "scoring/comparison_page.hpp"
#include "simulation/libraw_demosaic.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {

/// Means over the photos, on 16-bit sRGB pictures.
struct Quality {
  double psnr = 0;  ///< dB
  double ssim = 0;
  std::optional<double> ms_ssim;  ///< nothing where a photo is too small for it
};

struct LevelResult {
  NoiseProfile noise;
  Quality model;
  /// Evaluation::rivals on the same frames, through the same colours.
  std::vector<Quality> rivals;
};

struct EvaluateOptions {
  int shrink = 2;     ///< photos are shrunk by this in linear light: their JPEG artefacts go
  uint64_t seed = 1;  ///< of cameras and noise
  int64_t limit = 0;  ///< photos at most; 0: all
  int crop = 0;       ///< side of the square in the middle that is all that is taken; 0: all
  bool estimates_noise = false;  ///< the model is told not the truth but what noise_of() finds
  /// For models whose packing is three-colours: how frames came to their colours, and the model for
  /// photos that they are compared with; nothing: it is left out.
  LinearShot shot = {};
  std::shared_ptr<const Model> denoiser = nullptr;
  EngineOptions engine = {};  ///< of the denoiser
  /// For the first photos at every level: what there was (mosaics bilinearly interpolated), what
  /// the model and its rivals made of it, and the clean picture. nullptr: none.
  ComparisonPage* page = nullptr;
};

struct Evaluation {
  int64_t images = 0;
  /// LibRaw's demosaicers for the model's mosaics; of frames that need none "noisy", as they are,
  /// and "denoiser", cleaned as `enhance` cleans photos.
  std::vector<std::string> rivals;
  std::vector<LevelResult> levels;
  /// Photos that could not be read or are too small: one line each.
  std::vector<std::string> skipped;
};

/// The noise levels that we report: none, and three on the line of typical cameras.
inline constexpr NoiseProfile evaluation_levels[] = {
    {0, 0}, {1e-3, 9.6e-7}, {4e-3, 2.0e-5}, {1.2e-2, 2.2e-4}};

/// Every photo of the folder, in the order of names, seen by a random camera (the same for all
/// levels) with the filters that the model's packing is of, or none, and developed. Throws Error
/// when no photo could be used.
Evaluation evaluate_develop(Developer& developer, const std::filesystem::path& folder,
                            const EvaluateOptions& options);

/// One photo before one simulated camera.
struct Subject {
  Tensor scene;  ///< in the camera's colours
  SimulatedCamera camera;
  uint64_t seed = 0;  ///< of the noise
};

/// A photo before the camera that belongs to its place in the folder. Throws Error naming the file
/// where it cannot be read or is smaller than 22 pixels after shrinking. `crop` > 0: its middle
/// alone, sides no longer than that.
Subject subject_of(const std::filesystem::path& photo, int shrink, uint64_t seed, uint64_t index,
                   int crop = 0);

/// What that camera (RGGB or other filters, 14 bits) records, and the 16-bit sRGB picture that a
/// perfect developer would make of it. Noise is drawn from the same numbers at every level: only
/// its size differs.
struct Take {
  Mosaic mosaic;
  Matrix3 colours;  ///< camera RGB to linear sRGB
  Image truth;
};
Take take(const Subject& subject, const NoiseProfile& noise,
          const ColourFilters& filters = Cfa::rggb);

}  // namespace hyperconv
