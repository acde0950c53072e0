// What noise is like: how strong at each brightness, how coarse, how coloured. Of real pairs beside
// what is simulated (simulation/photo_noise.hpp).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "studies/picture_set.hpp"

namespace hyperconv {

/// Of what one picture has beyond its clean one, in the half of its areas of 16x16 pixels in which
/// the clean one varies least: pairs do not lie on each other to the pixel, and edges would show as
/// noise.
struct NoiseLook {
  static constexpr int brightnesses = 4;  ///< equal ranges of the clean picture's luma
  static constexpr int distances = 9;     ///< 0 to 8 pixels

  double psnr = 0;  ///< of the whole picture, dB
  /// Luma's standard deviation, of 255, where as many as four areas have that brightness.
  std::array<std::optional<double>, brightnesses> deviation;
  /// Deviation of blue - luma and red - luma (the root of the mean of their squares) over luma's.
  double colour = 0;
  /// Correlation of luma's and of colours' noise at two places so many pixels apart, along rows and
  /// columns; 1 at 0.
  std::array<double, distances> luma_correlation{}, colour_correlation{};
};

/// Both [1,3,H,W], sRGB-encoded. Nothing where the picture has no area of 16x16, or no noise there.
std::optional<NoiseLook> noise_look(const Tensor& noisy, const Tensor& clean);

/// Medians over the pictures of a set.
struct NoiseLookRow {
  std::string set, noise;
  int64_t pictures = 0;
  double low_psnr = 0, high_psnr = 0;  ///< a tenth, nine tenths of the pictures are below
  NoiseLook middle;
};

struct GrainTable {
  std::vector<NoiseLookRow> rows;
  std::vector<std::string> skipped;  ///< what could not be read: a line each
};

/// The first `limit` pictures of each set; 0: all. Throws Error where a set has none that can be
/// used.
GrainTable grain_table(const std::vector<PictureSet>& sets, int64_t limit);

std::string to_markdown(const GrainTable& table);

/// Figures, each with the CSV that it is drawn from (tools/gnuplot.hpp): STEM-luma and STEM-colour,
/// correlation over distance, and STEM-deviation, luma's over brightness. Their paths without
/// endings.
std::vector<std::filesystem::path> draw(const GrainTable& table, const std::filesystem::path& stem);

}  // namespace hyperconv
