// The poster's table, trained: the paper's networks beside its rivals, and beside what else could
// be behind their gain.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// The rows of the poster's table (`poster-NAME`): plain-0.6t, plain-1.3t, hyper-i, -ii, -iii,
/// hyper-iii with hidden 64, awnet, pynet. And controls on the backbone of hyper-iii
/// (`control-NAME`): without HyperConvolutions (plain), with a constant s, with the photo's
/// descriptor (image), with FiLM, with squeeze-excitation, with a predicted colour matrix, with
/// hidden 1. All of a seed see the same samples of `pairs`; hyper-i, awnet and pynet are trained
/// with the first seed alone. Measured on whole test pictures: PSNR, SSIM, MS-SSIM, psnr_affine();
/// and how the training went, over samples and over FLOPs.
class PosterStudy final : public Study {
 public:
  std::string name() const override { return "poster"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

}  // namespace hyperconv
