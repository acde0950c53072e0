// Does a network get worse, and then better again, as its HyperConvolutions' hidden layer grows
// through the size at which it can learn its training set by heart? At the same FLOPs throughout.
#pragma once

#include "studies/study.hpp"

namespace hyperconv {

/// The backbone with hidden widths 1, 2, 4 ... 1024 and without HyperConvolutions, on training sets
/// of a few small windows, whose labels are right or noisy; each seed has windows of its own.
/// Measured: mean squared errors of pictures that are not cut to [0,1], on the windows that were
/// trained on (against the labels that were trained on) and on windows of the test set.
class DoubleDescent : public Study {
 public:
  std::string name() const override { return "double-descent"; }
  std::vector<StudyRun> runs(const StudyPlan& plan) const override;
  Facts measure(const StudyRun& run, const std::shared_ptr<const Model>& model,
                const StudyPlan& plan) const override;
  std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const override;
  std::vector<std::string> table(const Results& results) const override;
};

}  // namespace hyperconv
