// A training set of a known size: what is left of a set of pairs when a recipe limits it.
#pragma once

#include "data/fixed_windows.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// Each epoch shows every window once, in an order drawn anew.
class FixedPatches : public SampleSource {
 public:
  FixedPatches(const PairSet& set, const FixedWindowsChoice& choice);

  Batch make(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  FixedWindowsChoice choice_;
  FixedWindows windows_;
};

}  // namespace hyperconv
