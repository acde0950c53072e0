// Limits on gradients.
#pragma once

#include <vector>

#include "training/gradients.hpp"
#include "training/objective.hpp"

namespace hyperconv {

/// Scales the gradients of each group so that their joint L2 norm is at most the group's limit.
/// With `every` > 0 a limit becomes, each so many steps, the mean norm since the last time, where
/// that is less: VDN's adaptive clipping.
class Clipper {
 public:
  Clipper(const std::vector<ClipGroup>& groups, int64_t every);

  /// A factor for each parameter's gradient.
  std::vector<double> scales(const Gradients& gradients);

  /// Of all gradients last seen, before clipping.
  double norm() const { return norm_; }

  /// What a run must know to go on: numbers, each 0 or more.
  std::vector<double> state() const;
  /// Throws Error when the state is not of these groups.
  void restore(const std::vector<double>& state);

 private:
  struct Group {
    ClipGroup clip;
    double sum = 0, count = 0;  ///< of norms since the limit was last set
  };

  void adapt(Group& group, double norm) const;

  std::vector<Group> groups_;
  int64_t every_;
  double norm_ = 0;
};

}  // namespace hyperconv
