// Does over-parametrisation at fixed FLOPs help? HyperConvolutions against the same backbone
// without them, against cheaper ways of letting a photo steer a network, and against plain networks
// that spend more FLOPs.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// Every variant of the backbone, and plain ones at 1.5, 2, 3, 5 and 7 times its FLOPs; on pairs
/// of a phone whose exposure and white balance nobody says (`pairs`), and on developing with known
/// white balance and exposure, where how noisy the photo is must be seen from it (`develop`).
/// Measured on whole test pictures: PSNR, SSIM, MS-SSIM.
class FixedFlops : public Study {
 public:
  std::string name() const override { return "fixed-flops"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

/// The width at which the plain backbone's FLOPs at 12 MP are nearest to `times` those of its own.
int width_for_flops(double times);

}  // namespace hyperconv
