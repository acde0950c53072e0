// VDN, and the same task for a fraction of its FLOPs with and without HyperConvolutions.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// `vdn` of the zoo beside vdn-hyper-N and vdn-plain-N, N = 4, 10, 20: the same loss, steps,
/// batches and seeds; VDN itself with the first seed alone, it has more FLOPs than all the others.
/// Trained on the train part of `pairs`, and once more, where `more` is there, on patches of both;
/// scored on the test part of `pairs` and on crops of `crops`, where that is there, as SIDD is: 8
/// bits, and both SSIMs (metrics.hpp).
class CheaperVdn final : public Study {
 public:
  std::string name() const override { return "vdn"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

}  // namespace hyperconv
