#include "pipeline/clean_dng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "raw/clean_mosaic.hpp"
#include "raw/dng_tags.hpp"
#include "raw/linear_frame.hpp"
#include "raw/mosaic_noise.hpp"

namespace hyperconv {

Mosaic cleaned(const FrameView& original, const Tensor& light, const DenoiseStrength& strength,
               const std::string& model, int threads) {
  const Mosaic& facts = original.facts;
  Mosaic clean = original.light != nullptr ? facts : mosaic_of_light(light, facts);
  const MosaicNoise left =
      original.light != nullptr
          ? estimate_noise(mosaic_behind(light, facts, original.filters_behind()), threads)
          : estimate_noise(clean, threads);
  clean.noise = left.samples > 0 ? std::optional(left.profile) : std::nullopt;
  const double applied = (strength.luma + strength.colour) / 2;
  if (applied > 0) {
    const double before = facts.noise_reduction ? facts.noise_reduction->applied : 0;
    clean.noise_reduction = {std::max(before, applied), true};
    clean.history =
        denoised_line(fmt::format("{}, strength {:g},{:g}", model, strength.luma, strength.colour));
  }
  return clean;
}

bool was_denoised(const Mosaic& facts) {
  if (!facts.noise_reduction) return false;
  const auto& [applied, by_hyperconv] = *facts.noise_reduction;
  return by_hyperconv ? applied > 0 : applied >= 1;  // 1 is "ideal"
}

void strip_metadata(Mosaic& facts) {
  Shot shot;
  shot.make = std::move(facts.shot.make);
  shot.model = std::move(facts.shot.model);
  facts.shot = std::move(shot);
  facts.exif.clear();
  facts.xmp.clear();
  facts.iptc.clear();
  facts.dng_tags = impersonal_dng_tags(std::move(facts.dng_tags));
}

}  // namespace hyperconv
