#include "training/losses.hpp"

#include "base/fail.hpp"

namespace hyperconv {

using torch::Tensor;

Tensor srgb_encode(const Tensor& linear) {
  constexpr double knee = 0.0031308;
  const Tensor magnitude = linear.abs();
  // The power's slope is infinite at zero: it must not be evaluated there, even unselected.
  const Tensor curved = 1.055 * magnitude.clamp_min(knee).pow(1 / 2.4) - 0.055;
  return torch::where(magnitude > knee, curved * torch::sign(linear), linear * 12.92);
}

Tensor display(const Tensor& camera_rgb, const Tensor& camera_to_srgb) {
  const Tensor pixels = camera_rgb.flatten(2);
  return srgb_encode(torch::bmm(camera_to_srgb, pixels).view_as(camera_rgb));
}

Tensor loss_between(Loss loss, const Tensor& a, const Tensor& b) {
  switch (loss) {
    case Loss::l1:
      return (a - b).abs().mean();
    case Loss::charbonnier:
      return ((a - b).square() + 1e-6).sqrt().mean();
  }
  fail("unknown loss");
}

}  // namespace hyperconv
