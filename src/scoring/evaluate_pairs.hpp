// How close a model's pictures are to those of a data set of pairs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/pairs.hpp"
#include "engine/engine.hpp"
#include "pipeline/shard.hpp"
#include "scoring/comparison_page.hpp"
#include "scoring/synthetic_noise.hpp"

namespace hyperconv {

/// One pair, by metrics/metrics.hpp: floats cut to [0,1], but for psnr_8bit, where both pictures
/// are rounded to 8 bits first.
struct PairScore {
  int64_t index = 0;  ///< the pair's place in the set
  std::string name;
  int width = 0, height = 0;
  double psnr = 0, psnr_8bit = 0, ssim = 0, ssim_volume = 0;
  /// Nothing where the picture is too small for them.
  std::optional<double> ms_ssim, ms_ssim_channels_first;
  /// The same of the input itself, where it is a photo: what there was to begin with.
  std::optional<double> input_psnr, input_psnr_8bit, input_ssim, input_ssim_volume;
  /// psnr_affine() of the network's picture, where the input is a mosaic: how much of the error is
  /// one map of colours for all of the picture.
  std::optional<double> psnr_affine;
};

/// A mean and half of its 95 % interval: 1.96 times the standard error; 0 for less than two values.
struct MeanScore {
  double mean = 0, interval = 0;
};

/// The columns that are scores, by their names in tables.
struct ScoreColumn {
  const char* name;
  std::optional<double> (*of)(const PairScore&);
};
const std::vector<ScoreColumn>& score_columns();

/// Nothing where one pair has no such score.
std::optional<MeanScore> mean_score(const std::vector<PairScore>& scores,
                                    const ScoreColumn& column);

struct PairEvaluateOptions {
  int64_t limit = 0;  ///< the first pairs only; 0: all
  int patch = 0;      ///< the network sees squares of this side, one by one, as in training; its
                      ///< statistics are then those of a square; 0: whole pictures
  /// Each pair is cut into squares of this side, from its upper left corner on, and each of them
  /// scored as a pair "NAME/TOP,LEFT" of its own, as CC15 and PolyU are published; what is left
  /// over at the right and below is not scored, a pair that is smaller is skipped. Even for
  /// mosaics; 0: whole pairs.
  int crop = 0;
  /// Photos as `enhance` cleans them: at most so many times their noise level is removed
  /// (DenoiseOptions). 0: what the network says, as published scores are. Not together with
  /// `patch`.
  double noise_limit = 0;
  Shard shard;
  std::filesystem::path save;  ///< folder for the network's pictures as PNG; empty: none
  /// For the first of what is scored: the input where it is a photo, what the model made of it, and
  /// the target. nullptr: none.
  ComparisonPage* page = nullptr;
  EngineOptions engine;
};

struct PairEvaluation {
  std::vector<PairScore> scores;     ///< of this shard, in the order of the set
  std::vector<std::string> skipped;  ///< damaged pairs, one line each
};

/// Runs a model of the task `isp` or `denoise` on the pairs of its kind. A picture whose size the
/// network does not take is mirrored at its right and lower edge up to one that it takes. Throws
/// Error when set and model do not fit, on Ctrl-C, and when too many pairs are damaged (DamageLog).
PairEvaluation evaluate_pairs(std::shared_ptr<const Model> model, const PairSet& set,
                              const PairEvaluateOptions& options);

/// A denoiser on a folder of clean photos with noise added to them, a photo's always the same for
/// the same seed. As published, photos are cut at their right and lower edges to multiples of 16,
/// and what the network sees is not cut to [0,1]. A photo that cannot be read or is too small for
/// an SSIM is skipped. Throws Error as evaluate_pairs does, and when no photo could be used.
PairEvaluation evaluate_noisy_photos(std::shared_ptr<const Model> model,
                                     const std::filesystem::path& folder,
                                     const SyntheticNoise& noise, uint64_t seed,
                                     const PairEvaluateOptions& options);

/// "index,name,width,height,psnr,..." and a row a pair; and back, without lines that begin with #.
/// Reading throws Error that names the file and the line.
std::string scores_to_csv(const std::vector<PairScore>& scores);
std::vector<PairScore> scores_from_csv(const std::filesystem::path& path);

/// Where a share of the scores of FILE.csv waits for the others: FILE.csv.part-2-of-8.
std::filesystem::path part_path(const std::filesystem::path& csv, const Shard& shard);

/// `identity`, one line, says what is scored on what: only shares of the same are put together.
void write_part(const std::filesystem::path& csv, const Shard& shard, const std::string& identity,
                const std::vector<PairScore>& scores);

/// All shares' scores in the order of the set, once all are there: written to the table, and the
/// shares removed. Nothing where one is missing (its file is named in `missing`). Throws Error
/// where shares do not fit together.
std::optional<std::vector<PairScore>> merge_parts(const std::filesystem::path& csv, int64_t count,
                                                  std::filesystem::path& missing);

}  // namespace hyperconv
