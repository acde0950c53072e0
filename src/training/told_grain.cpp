#include "training/told_grain.hpp"

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

// Deviations of logarithms.
constexpr double component_error = 0.15, level_error = 0.12, octave_error = 0.12;
/// How often texture is taken for noise: in photos without any it is all that there is.
constexpr double texture_share = 0.12, texture_share_of_clean = 0.5;
constexpr double least_texture = 1.0 / 1024, most_texture = 0.015, colour_of_texture = 0.3;

double misjudgement(double deviation, Random& random) {
  return std::exp(deviation * double(random.normal()));
}

bool is_clean(const Grain& grain) {
  return std::ranges::max(grain.luma.level) < float(1.5 * least_texture);
}

void add_texture(Grain::Component& component, double texture) {
  for (float& level : component.level) level = float(std::hypot(double(level), texture));
}

Tensor sample_of(const torch::Tensor& batch, int64_t index) {
  Tensor sample({1, batch.size(1), batch.size(2), batch.size(3)});
  std::copy_n(batch[index].data_ptr<float>(), sample.size(), sample.data());
  return sample;
}

}  // namespace

Grain misjudged(Grain grain, Random& random) {
  const double share = is_clean(grain) ? texture_share_of_clean : texture_share;
  if (random.uniform() < share) {
    const double texture =
        std::exp(random.uniform(std::log(least_texture), std::log(most_texture)));
    add_texture(grain.luma, texture);
    add_texture(grain.colour, colour_of_texture * texture);
  }
  for (Grain::Component* component : {&grain.luma, &grain.colour}) {
    const double all = misjudgement(component_error, random);
    for (float& level : component->level) level *= float(all * misjudgement(level_error, random));
    for (float& octave : component->octave) octave *= float(misjudgement(octave_error, random));
  }
  return grain;
}

void tell_grain(Batch& batch, int64_t index, Random& random) {
  const Grain grain = grain_between(sample_of(batch.input, index), sample_of(batch.target, index));
  std::ranges::copy(grain_condition(misjudged(grain, random)),
                    batch.noise[index].data_ptr<float>());
}

}  // namespace hyperconv
