// Denoisers beside each other: ours and other people's, on real noise and on photos that get some.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/grain.hpp"
#include "scoring/comparison_page.hpp"
#include "scoring/synthetic_noise.hpp"
#include "studies/python_rivals.hpp"

namespace hyperconv {

/// Of a photo with and without noise.
struct TrueNoise {
  double deviation = 0;  ///< over the whole photo and all colours
  Grain grain;
};

/// Someone who cleans a photo.
class DenoisingContender {
 public:
  virtual ~DenoisingContender() = default;
  virtual std::string name() const = 0;
  /// Of what decides its result, as far as it can be told.
  virtual std::string version() const = 0;
  /// FLOPs a pixel, as `profile` counts them; nothing where nobody counted.
  virtual std::optional<double> flops() const { return std::nullopt; }
  /// sRGB [1,3,h,w], not cut to [0,1], and what comes out. `truth` is for who is told.
  virtual Tensor picture(const Tensor& noisy, const TrueNoise& truth) = 0;
};

/// The photo as it is.
std::unique_ptr<DenoisingContender> contending_input();
/// A model of the task `denoise`, as `enhance` runs it: at most `noise_limit` times the photo's
/// noise is removed; 0: what the network says. `is_told`: it gets the true grain instead of an
/// estimate, where it takes one.
struct ModelTerms {
  double noise_limit = 0;
  bool is_told = false;
};
std::unique_ptr<DenoisingContender> contending_denoiser(const std::filesystem::path& path,
                                                        const ModelTerms& terms, int threads);
/// Those of bench/rivals/picture_rival.py, each twice: it estimates the deviation itself, or
/// (", told") gets the true one.
std::vector<std::unique_ptr<DenoisingContender>> contending_denoisers_of_python(
    const PythonHome& home);

struct DenoisersOptions {
  std::vector<std::filesystem::path> pairs;   ///< folders of pairs with real noise
  int crop = 0;                               ///< pairs in squares of this side; 0: whole
  std::vector<std::filesystem::path> photos;  ///< folders of clean photos
  std::vector<SyntheticNoise> noises;         ///< that they get
  int64_t limit = 0;                          ///< pairs or photos of a folder at most; 0: all
  uint64_t seed = 1;
  std::filesystem::path csv;  ///< scores; what stands there is not done again
  /// For the first pictures of each set and noise, as everyone made them. nullptr: none.
  ComparisonPage* page = nullptr;
};

/// One folder, with one kind of noise.
struct DenoisersColumn {
  std::string set;    ///< the folder's last two names
  std::string noise;  ///< "real", "25", "camera"
  int64_t pictures = 0;
};

struct DenoisersTable {
  std::vector<DenoisersColumn> columns;
  struct Cell {
    double psnr = 0;  ///< of pictures in 8 bits, as SIDD and PolyU are published
    double ssim = 0;
  };
  struct Row {
    std::string name;
    std::optional<double> flops;
    double seconds_per_megapixel = 0;
    std::vector<Cell> cells;  ///< one for each column: means
  };
  std::vector<Row> rows;
  std::vector<std::string> skipped;  ///< what could not be read: a line each
};

/// Throws Error when a folder holds nothing that could be used, or someone fails.
DenoisersTable score_denoisers(const std::vector<std::unique_ptr<DenoisingContender>>& contenders,
                               const DenoisersOptions& options);

/// In Markdown, the best PSNR of a column in bold.
std::string to_markdown(const DenoisersTable& table);

}  // namespace hyperconv
