// A training run as a TOML file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "hyperconv/zoo.hpp"

namespace hyperconv {

enum class Loss {
  l1,           ///< mean |a - b|
  charbonnier,  ///< mean sqrt((a - b)^2 + 1e-6)
  psnr          ///< mean over samples of 10 log10(mean (a - b)^2 + 1e-8): minus the PSNR in dB
};

std::string loss_name(Loss loss);

/// Simulated RAW patches from a folder of photos.
struct PatchRecipe {
  std::filesystem::path photos;  ///< relative to the recipe's folder
  int shrink = 2;                ///< photos are shrunk by this in linear light (JPEG artefacts)
  int patch = 128;               ///< side in mosaic samples; a multiple of twice size_multiple
  int batch = 16;
  double clean_share = 0.1;  ///< share of patches without noise
  double least_shot = 1e-4;  ///< shot variance is drawn log-uniform between these two
  double most_shot = 1.6e-2;
  double least_exposure =
      0.3;  ///< half the patches are darkened by a log-uniform factor down to this
};

struct TrainingRecipe {
  int64_t steps = 20000;
  double learning_rate = 1e-3;
  double hyper_out_rate = 0.2;  ///< factor on the rate of A2
  int64_t warmup = 300;         ///< steps of linear warm-up; then cosine down to 1 % at the end
  double gradient_clip = 1;     ///< joint L2 norm
  double average_decay = 0.999;
  Loss loss = Loss::l1;
  uint64_t seed = 1;
  int64_t checkpoint_every = 500;
  int64_t log_every = 50;
};

struct Recipe {
  std::string network;  ///< a name of the zoo
  ZooOptions options;
  std::string name;             ///< of the model it makes
  std::filesystem::path start;  ///< model whose weights it begins with; empty: untrained
  std::string data_licence;     ///< one line for the model file
  PatchRecipe patches;
  TrainingRecipe training;
  std::string text;  ///< the file as it was read
};

/// Throws Error naming the file and the key: unknown keys, wrong types and values out of range are
/// refused, so that a misspelt key does not train the wrong thing for a day.
Recipe read_recipe(const std::filesystem::path& path);

/// Learning rate at a step (0-based): linear warm-up, then half a cosine down to 1 % of it.
double learning_rate_at(const TrainingRecipe& recipe, int64_t step);

}  // namespace hyperconv
