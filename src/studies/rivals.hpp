// The picture beside other people's: develop models, demosaickers and denoisers on the same
// simulated mosaics, through the same colours.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/develop.hpp"
#include "scoring/comparison_page.hpp"
#include "simulation/libraw_demosaic.hpp"
#include "studies/python_rivals.hpp"
#include "studies/results.hpp"

namespace hyperconv {

/// Someone who turns a mosaic into camera RGB.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual std::string name() const = 0;
  /// Of what decides its result, as far as it can be told: a score of another version is no score.
  virtual std::string version() const = 0;
  /// FLOPs a sample of the mosaic, as `profile` counts them; nothing where nobody counted.
  virtual std::optional<double> flops() const { return std::nullopt; }
  /// Whether it does anything where there is no noise.
  virtual bool takes_no_noise() const { return true; }
  /// Linear, white-balanced, as Developer::camera_rgb(); the mosaic's noise profile is the truth.
  virtual Tensor camera_rgb(const Mosaic& mosaic) = 0;
};

/// A develop model for mosaics of these filters. `estimates_noise`: it is not told the truth but
/// what estimate_noise() says of the mosaic. A model for frames of three colours is several: it
/// gets the mosaic through bilinear interpolation, and through LibRaw's two for these filters.
std::vector<std::unique_ptr<Contender>> contending_model(const std::filesystem::path& path,
                                                         bool estimates_noise, int threads,
                                                         const ColourFilters& filters);
std::unique_ptr<Contender> contending_libraw(LibRawMethod method);

/// Those of bench/rivals/picture_rival.py, in a Python process that all share.
std::vector<std::unique_ptr<Contender>> contending_python(const PythonHome& home);

/// None, the median noise of 433 camera models at ISO 100, 1600, 6400 and 25600, and beyond, on a
/// phone's side, the three levels of `evaluate`.
inline constexpr NoiseProfile rival_levels[] = {{0, 0},           {2e-5, 2.2e-8},  {2.5e-4, 7e-7},
                                                {8.6e-4, 3.7e-6}, {1e-3, 9.6e-7},  {2.4e-3, 1.2e-5},
                                                {4e-3, 2.0e-5},   {1.2e-2, 2.2e-4}};

struct RivalOptions {
  std::vector<std::filesystem::path> folders;  ///< of clean photos
  std::vector<int> shrinks = {1};
  ColourFilters filters = Cfa::rggb;  ///< of the simulated cameras
  int crop = 0;       ///< side of the square in the middle that is all that is taken; 0: all
  int64_t limit = 0;  ///< photos of a folder at most; 0: all
  uint64_t seed = 1;
  std::filesystem::path csv;       ///< scores; what stands there is not done again
  std::filesystem::path crops;     ///< a folder for pictures side by side; empty: none
  ComparisonPage* page = nullptr;  ///< for the same photos at the same levels; nullptr: none
};

/// A folder of photos, shrunk.
struct RivalTable {
  std::string set;
  int shrink = 1;
  int crop = 0;
  int64_t photos = 0;
  struct Cell {
    double psnr = 0, ssim = 0;  ///< means over the photos
    int64_t count = 0;
  };
  struct Row {
    std::string name;
    std::optional<double> flops;
    double seconds_per_megapixel = 0;
    std::vector<Cell> levels;
  };
  std::vector<Row> rows;
};

struct RivalOutcome {
  std::vector<RivalTable> tables;
  std::vector<std::string> skipped;  ///< photos that could not be used: a line each
};

/// Scores everyone on every photo at every level, as `evaluate` does. Throws Error when no photo
/// could be used, or someone fails.
RivalOutcome score_rivals(const std::vector<std::unique_ptr<Contender>>& contenders,
                          const RivalOptions& options);

/// The tables in Markdown, the best PSNR of a column in bold.
std::string to_markdown(const std::vector<RivalTable>& tables);

}  // namespace hyperconv
