#include "training/clipper.hpp"

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"

namespace hyperconv {

Clipper::Clipper(const std::vector<ClipGroup>& groups, int64_t every) : every_(every) {
  for (const ClipGroup& group : groups) groups_.push_back({group});
}

void Clipper::adapt(Group& group, double norm) const {
  if (every_ == 0) return;
  group.sum += norm;
  group.count += 1;
  if (int64_t(group.count) < every_) return;
  group.clip.limit = std::min(group.clip.limit, group.sum / group.count);
  group.sum = group.count = 0;
}

std::vector<double> Clipper::scales(const Gradients& gradients) {
  std::vector<double> scales(gradients.size(), 1);
  double squares = 0;
  for (Group& group : groups_) {
    const auto first = gradients.begin() + long(group.clip.first);
    const double norm = hyperconv::norm({first, first + long(group.clip.count)});
    const double scale = norm > group.clip.limit ? group.clip.limit / norm : 1;
    std::fill_n(scales.begin() + long(group.clip.first), group.clip.count, scale);
    squares += norm * norm;
    adapt(group, norm);
  }
  norm_ = std::sqrt(squares);
  return scales;
}

std::vector<double> Clipper::state() const {
  std::vector<double> numbers;
  for (const Group& group : groups_)
    numbers.insert(numbers.end(), {group.clip.limit, group.sum, group.count});
  return numbers;
}

void Clipper::restore(const std::vector<double>& state) {
  if (state.size() != 3 * groups_.size())
    fail("it has {} numbers on clipping, not {}", state.size(), 3 * groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    groups_[i].clip.limit = state[3 * i];
    groups_[i].sum = state[3 * i + 1];
    groups_[i].count = state[3 * i + 2];
  }
}

}  // namespace hyperconv
