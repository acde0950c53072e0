// A training run as a TOML file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "network/zoo.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/photo_noise.hpp"
#include "simulation/random_sensor.hpp"

namespace hyperconv {

enum class Loss {
  l1,           ///< mean |a - b|
  charbonnier,  ///< mean sqrt((a - b)^2 + 1e-6)
  mse,          ///< mean (a - b)^2
  psnr,         ///< mean over samples of 10 log10(mean (a - b)^2 + 1e-8): minus the PSNR in dB
  ssim,         ///< 1 - SSIM, as metrics/metrics.hpp defines it
  ms_ssim       ///< 1 - MS-SSIM, likewise; patches of 176 samples or more
};
std::string loss_name(Loss loss);

/// A weighted sum of losses.
struct LossTerm {
  Loss loss = Loss::l1;
  double weight = 1;
};
using LossSum = std::vector<LossTerm>;
/// "l1", "0.84 ms-ssim + 0.16 l1".
std::string to_string(const LossSum& losses);

/// Which places of photos become patches.
enum class PatchDraw {
  even,   ///< all alike
  detail  ///< in proportion to their fine detail, so that sky and blur are rare (photo_pool.hpp)
};

struct PhotoDraw {
  /// Photos are shrunk by this in linear light (JPEG artefacts go with it). Of several values each
  /// has its share of the patches, in proportion to the others'.
  std::vector<int64_t> shrink = {2};
  std::vector<double> shrink_share = {1};  ///< one for each of `shrink`
  PatchDraw places = PatchDraw::even;      ///< the key `draw`
  auto operator<=>(const PhotoDraw&) const = default;
};

/// Simulated RAW patches from folders of photos, for the task `develop`.
struct SimulatedData {
  std::vector<std::filesystem::path> photos;  ///< one or a list; relative to the recipe's folder
  std::vector<std::filesystem::path>
      validation;  ///< photos that training does not see; may be none
  PhotoDraw draw;
  /// The key `sensors`: "plain" (the default) or "all" (simulation/random_sensor.hpp). Of its
  /// fields clean_share, least_shot, most_shot and least_exposure are keys too.
  SensorRange sensors = plain_sensors();
  LinearRange frames;  ///< for networks whose packing is three-colours
  /// "all" takes fast ones; "plain" those that its recipes always had.
  NormalNumbers normal_numbers = NormalNumbers::one_by_one;
};

/// Pairs from a folder in any layout that the room `data` knows, for the tasks `isp` and `denoise`.
struct PairData {
  std::filesystem::path pairs;       ///< relative to the recipe's folder
  std::filesystem::path validation;  ///< another folder; empty: the set's own test part, if any
  std::filesystem::path
      cache;            ///< start of the names of files that keep decoded pairs; empty: none
  bool augment = true;  ///< turned and mirrored in eight ways, Bayer-safe
  /// A training set of a known size: the middle of `limit` pairs from pair `first` on, as they are;
  /// 0: all pairs. Needs augment = false.
  int64_t limit = 0, first = 0;
  double label_noise = 0;  ///< with `limit`: deviation of noise that each target gets once
};

/// Photos with Gaussian noise whose strength changes over the frame, for the task `denoise`.
struct NoisyData {
  std::filesystem::path photos;      ///< relative to the recipe's folder
  std::filesystem::path validation;  ///< photos that training does not see; empty: none
  int shrink = 1;
  double most_sigma = 75;  ///< of 255; deviations are drawn from 0 to this, as VDN's authors do
};

/// Photos with a camera's noise (simulation/photo_noise.hpp), for the task `denoise`.
struct CameraNoiseData {
  std::filesystem::path photos;      ///< relative to the recipe's folder
  std::filesystem::path validation;  ///< photos that training does not see; empty: none
  PhotoDraw draw;
  PhotoNoiseRange range;
};

/// Photos as they are: input and target are the same. For the task `denoise`.
struct CleanData {
  std::filesystem::path photos;      ///< relative to the recipe's folder
  std::filesystem::path validation;  ///< photos that training does not see; empty: none
  PhotoDraw draw;
};

using OneSource = std::variant<SimulatedData, PairData, NoisyData, CameraNoiseData, CleanData>;

/// Several sources: each sample is of one of them, drawn by their shares.
struct MixedData {
  struct Part {
    double share = 1;  ///< in proportion to the others'
    OneSource source;
  };
  std::vector<Part> parts;
};

struct DataRecipe {
  std::variant<SimulatedData, PairData, NoisyData, CameraNoiseData, CleanData, MixedData> source;
  int patch = 128;  ///< side in the photo's samples
  int batch = 16;   ///< samples a step, over all ranks together
};

/// How the learning rate goes on after its linear warm-up.
enum class Schedule {
  cosine,    ///< half a cosine down to 1 % at the end
  steps,     ///< times `decay` at each of `decay_at`
  one_cycle  ///< up from 4 % to the peak over 30 % of the run and down to 0.01 %, by half cosines
};

enum class TrainingPrecision {
  fp32,
  /// Convolutions in bf16; weights, sums and Adam stay fp32. On a processor that multiplies in bf16
  /// by our kernels, elsewhere by libtorch's autocast, which rounds matrix products too.
  bf16,
  automatic  ///< bf16 where our kernels have the instructions, fp32 elsewhere: "auto"
};

/// VDN's training (training/variational.hpp): D-Net, which the recipe names, beside an S-Net.
struct VariationalRecipe {
  double eps2 = 1e-6;          ///< variance of the prior of the clean picture
  int radius = 3;              ///< of the window that the noise's variance is taken from
  double denoiser_clip = 1e4;  ///< joint L2 norm of D-Net's gradient, instead of gradient_clip
  double noise_clip = 1e3;     ///< of S-Net's
  int64_t clip_every = 5000;  ///< steps after which each limit becomes the mean norm since, if less
};

struct TrainingRecipe {
  int64_t steps = 20000;
  double learning_rate = 1e-3;
  double hyper_out_rate = 0.2;  ///< factor on the rate of A2, see nn::hyper_out_factor
  int64_t warmup = 300;         ///< steps of linear warm-up
  Schedule schedule = Schedule::cosine;
  std::vector<int64_t> decay_at;  ///< steps, rising
  double decay = 0.5;
  double gradient_clip = 1;  ///< joint L2 norm
  double average_decay = 0.999;
  int accumulate = 1;  ///< parts in which a batch is worked off: less memory
  TrainingPrecision precision = TrainingPrecision::fp32;
  LossSum losses = {{Loss::l1, 1}};
  std::optional<VariationalRecipe> variational;  ///< instead of `losses`; for the task `denoise`
  uint64_t seed = 1;
  int64_t checkpoint_every = 500;
  int64_t log_every = 50;
  int64_t validate_every = 0;        ///< 0: never
  int64_t validation_samples = 100;  ///< the first ones of the validation set
};

struct Recipe {
  std::string network;  ///< a name of the zoo
  ZooOptions options;
  /// Of a `develop` network, where it is not what the zoo says (network_domain()).
  std::optional<Domain> domain;
  std::string name;             ///< of the model it makes
  std::filesystem::path start;  ///< model whose weights it begins with; empty: untrained
  /// `start` holds a network that is like this one but with fewer inputs to some layers: grown().
  bool grows = false;
  std::string data_licence;  ///< one line for the model file
  DataRecipe data;
  TrainingRecipe training;
  std::string text;  ///< the file as it was read, and the seed where another was asked for
};

/// Throws Error naming the file and the key: unknown keys, wrong types and values out of range are
/// refused, so that a misspelt key does not train the wrong thing for a day. `seed`: instead of the
/// recipe's.
Recipe read_recipe(const std::filesystem::path& path, std::optional<uint64_t> seed = {});

/// The light that the network works in. Throws Error where the zoo does not know the network.
Domain network_domain(const Recipe& recipe);

/// Learning rate at a step (0-based).
double learning_rate_at(const TrainingRecipe& recipe, int64_t step);

}  // namespace hyperconv
