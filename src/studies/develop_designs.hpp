// Which develop network learns most from the same work: designs, losses and patches side by side.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// `develop`, its control `develop-plain` and every design of develop_designs(), and `develop`
/// itself with other losses, light and patches. Each is trained with the same number of FLOPs, so
/// that a dearer network takes fewer steps. Measured on the middle of photos that training does not
/// see, at the levels of `evaluate`, and timed at 12 MP.
class DevelopDesigns : public Study {
 public:
  std::string name() const override { return "designs"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

}  // namespace hyperconv
