#include "training/told_grain.hpp"

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

// Deviations of logarithms.
constexpr double component_error = 0.12, level_error = 0.12, octave_error = 0.12;

double misjudgement(double deviation, Random& random) {
  return std::exp(deviation * double(random.normal()));
}

/// `least`: of what has no logarithm otherwise.
float between(float truth, float seen, float least, double share) {
  return std::exp(
      std::lerp(std::log(std::max(truth, least)), std::log(std::max(seen, least)), float(share)));
}

Tensor sample_of(const torch::Tensor& batch, int64_t index) {
  Tensor sample({1, batch.size(1), batch.size(2), batch.size(3)});
  std::copy_n(batch[index].data_ptr<float>(), sample.size(), sample.data());
  return sample;
}

}  // namespace

Grain misjudged(const Grain& truth, const Grain& seen, Random& random) {
  Grain told;
  const double share = random.uniform();
  const auto misjudge = [&](const Grain::Component& own, const Grain::Component& shown,
                            Grain::Component& component) {
    const double all = misjudgement(component_error, random);
    for (size_t i = 0; i < component.level.size(); ++i)
      component.level[i] = between(own.level[i], shown.level[i], Grain::least_level, share) *
                           float(all * misjudgement(level_error, random));
    for (size_t i = 0; i < component.octave.size(); ++i)
      component.octave[i] = between(own.octave[i], shown.octave[i], Grain::least_octave, share) *
                            float(misjudgement(octave_error, random));
  };
  misjudge(truth.luma, seen.luma, told.luma);
  misjudge(truth.colour, seen.colour, told.colour);
  return told;
}

void tell_grain(Batch& batch, int64_t index, Random& random) {
  const Tensor input = sample_of(batch.input, index);
  const Grain truth = grain_between(input, sample_of(batch.target, index));
  // What is black or white all over shows nothing.
  const Grain seen = estimate_grain(input);
  std::ranges::copy(grain_condition(misjudged(truth, seen == Grain{} ? truth : seen, random)),
                    batch.noise[index].data_ptr<float>());
}

}  // namespace hyperconv
