// What a network that was trained on patches loses on whole frames, by where the statistics come
// from that its filters follow.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// HyperConvolutions that look at their layer's means and ones that look at the photo's descriptor,
/// trained on patches, and shown whole test frames. Measured: PSNR by where the statistics are
/// from:
///     frame        the whole frame, as the network does by itself
///     window       for each window of a training patch's size its own
///     window mean  the mean over those windows, for all of the frame
///     thumbnail    the frame averaged down to about a training patch's size
/// Pictures differ in nothing else: a window is convolved with all that surrounds it.
class ConditioningStudy : public Study {
 public:
  std::string name() const override { return "conditioning"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

}  // namespace hyperconv
