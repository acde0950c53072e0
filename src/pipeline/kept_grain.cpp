#include "pipeline/kept_grain.hpp"

#include "pipeline/removed_noise.hpp"

namespace hyperconv {
namespace {

bool keeps_some(const std::optional<DenoiseStrength>& strength) {
  if (!strength) return false;
  check_strength(*strength);
  return strength->luma < 1 || strength->colour < 1;
}

}  // namespace

DevelopTimes sum_of(const DevelopTimes& a, const DevelopTimes& b) {
  return {a.network + b.network, a.colour + b.colour};
}

Tensor light_with_grain(Developer& developer, const FrameView& frame,
                        const std::optional<DenoiseStrength>& strength, DevelopTimes* times) {
  DevelopTimes all;
  const auto run = [&](bool keeps_grain) {
    Tensor light = developer.camera_rgb(frame, keeps_grain);
    all = sum_of(all, developer.times());
    return light;
  };
  std::optional<Tensor> grainy;
  if (keeps_some(strength)) grainy = run(true);
  Tensor clean = run(false);
  if (times != nullptr) *times = all;
  return grainy ? with_some_grain(*grainy, clean, *strength) : std::move(clean);
}

Image picture_with_grain(Developer& developer, const FrameView& frame, PictureRequest request,
                         const std::optional<DenoiseStrength>& strength) {
  std::optional<Image> grainy;
  if (keeps_some(strength)) {
    request.keeps_grain = true;
    grainy = developer.picture(frame, request);
    request.keeps_grain = false;
  }
  Image clean = developer.picture(frame, request);
  return grainy ? with_some_grain(*grainy, clean, *strength) : clean;
}

}  // namespace hyperconv
