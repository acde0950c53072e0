// Does a network get worse, and then better again, as its HyperConvolutions' hidden layer grows
// through the size at which it can learn its training set by heart? At the same FLOPs throughout.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// How long, and on what.
enum class DescentTraining {
  short_steps,       ///< 4,000 steps on 4, 64 and 1024 windows; labels right or noisy (0.1)
  to_interpolation,  ///< 40,000 on 16 and 64 windows, noise 0, 0.1 and 0.2, up to hidden 2048
};

/// The backbone with hidden widths 1, 2, 4 ... 1024 and without HyperConvolutions, on training sets
/// of a few small windows, whose labels are right or noisy; each seed has windows of its own.
/// Measured: mean squared errors of pictures that are not cut to [0,1], on the windows that were
/// trained on (against the labels that were trained on) and on windows of the test set. Trained to
/// interpolation it is a study of its own, `interpolation`, which also keeps both errors over the
/// steps: the training's own loss, and the geometric mean of the errors of 100 test windows.
class DoubleDescent : public Study {
 public:
  explicit DoubleDescent(DescentTraining training = DescentTraining::short_steps)
      : training_(training) {}

  std::string name() const override;
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const TrainedRun& trained,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;

 private:
  DescentTraining training_;
};

}  // namespace hyperconv
