#include "training/losses.hpp"

#include "base/fail.hpp"

namespace hyperconv {

torch::Tensor srgb_encode(const torch::Tensor& linear) {
  constexpr double knee = 0.0031308;
  const torch::Tensor magnitude = linear.abs();
  // The power's slope is infinite at zero: it must not be evaluated there, even unselected.
  const torch::Tensor curved = 1.055 * magnitude.clamp_min(knee).pow(1 / 2.4) - 0.055;
  return torch::where(magnitude > knee, curved * torch::sign(linear), linear * 12.92);
}

torch::Tensor display(const torch::Tensor& camera_rgb, const torch::Tensor& camera_to_srgb) {
  const torch::Tensor pixels = camera_rgb.flatten(2);
  return srgb_encode(torch::bmm(camera_to_srgb, pixels).view_as(camera_rgb));
}

torch::Tensor loss_between(Loss loss, const torch::Tensor& a, const torch::Tensor& b) {
  switch (loss) {
    case Loss::l1:
      return (a - b).abs().mean();
    case Loss::charbonnier:
      return ((a - b).square() + 1e-6).sqrt().mean();
    case Loss::psnr:
      return 10 * ((a - b).square().mean({1, 2, 3}) + 1e-8).log10().mean();
  }
  fail("unknown loss");
}

}  // namespace hyperconv
