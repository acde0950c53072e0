#include "training/losses.hpp"

#include <array>
#include <cmath>

#include "base/fail.hpp"
#include "metrics/metrics.hpp"
#include "training/similarity.hpp"

namespace hyperconv {
namespace {

constexpr std::array<double, 5> scale_weights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

void check_side(const torch::Tensor& a, int64_t least, const char* name) {
  if (std::min(a.size(2), a.size(3)) < least)
    fail("the loss {} needs patches of {} samples or more, not {}x{}", name, least, a.size(2),
         a.size(3));
}

torch::Tensor one_loss(Loss loss, const torch::Tensor& a, const torch::Tensor& b) {
  switch (loss) {
    case Loss::l1:
      return (a - b).abs().mean();
    case Loss::charbonnier:
      return ((a - b).square() + 1e-6).sqrt().mean();
    case Loss::mse:
      return (a - b).square().mean();
    case Loss::psnr:
      return 10 * ((a - b).square().mean({1, 2, 3}) + 1e-8).log10().mean();
    case Loss::ssim:
      return 1 - ssim(a, b);
    case Loss::ms_ssim:
      return 1 - ms_ssim(a, b);
  }
  fail("unknown loss");
}

}  // namespace

torch::Tensor srgb_encode(const torch::Tensor& linear) {
  constexpr double knee = 0.0031308;
  const torch::Tensor magnitude = linear.abs();
  // The power's slope is infinite at zero: it must not be evaluated there, even unselected.
  const torch::Tensor curved = 1.055 * magnitude.clamp_min(knee).pow(1 / 2.4) - 0.055;
  return torch::where(magnitude > knee, curved * torch::sign(linear), linear * 12.92);
}

torch::Tensor linear_light(const torch::Tensor& stabilised, const torch::Tensor& offset) {
  const torch::Tensor t = offset.view({-1, 1, 1, 1}), root = t.sqrt();
  const torch::Tensor range = (1 + t).sqrt() - root;
  // (f range + root)^2 - t above 0, and 2 root range f below: both are f range (c f range + 2
  // root).
  const torch::Tensor scaled = stabilised * range;
  return scaled * (scaled.clamp_min(0) + 2 * root);
}

torch::Tensor display(const torch::Tensor& camera_rgb, const torch::Tensor& camera_to_srgb) {
  const torch::Tensor pixels = camera_rgb.flatten(2);
  return srgb_encode(torch::bmm(camera_to_srgb, pixels).view_as(camera_rgb));
}

torch::Tensor loss_between(const LossSum& losses, const torch::Tensor& a, const torch::Tensor& b) {
  torch::Tensor sum;
  for (const auto& [loss, weight] : losses) {
    const torch::Tensor term = weight * one_loss(loss, a, b);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

torch::Tensor ssim(const torch::Tensor& a, const torch::Tensor& b) {
  check_side(a, ssim_smallest_side, "ssim");
  return similarity(a, b).whole.mean();
}

torch::Tensor ms_ssim(const torch::Tensor& first, const torch::Tensor& second) {
  check_side(first, ms_ssim_smallest_side, "ms-ssim");
  // Planar, as windows want it: a network may leave its channels side by side.
  torch::Tensor a = first.contiguous(), b = second.contiguous(), product;
  for (size_t scale = 0; scale < scale_weights.size(); ++scale) {
    const bool last = scale + 1 == scale_weights.size();
    const Similarity s = similarity(a, b);
    // The power's slope is infinite at zero; what is below counts as next to nothing.
    const torch::Tensor factor =
        (last ? s.whole : s.contrast_structure).clamp_min(1e-6).pow(scale_weights[scale]);
    product = product.defined() ? product * factor : factor;
    if (last) break;
    a = torch::avg_pool2d(a, 2);
    b = torch::avg_pool2d(b, 2);
  }
  return product.mean();
}

}  // namespace hyperconv
