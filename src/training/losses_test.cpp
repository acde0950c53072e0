#include "training/losses.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "hyperconv/error.hpp"
#include "metrics/metrics.hpp"

namespace hyperconv {
namespace {

/// A smooth picture, and the same with noise.
std::pair<Image, Image> pictures(int width, int height) {
  Random random(4);
  Image a{width, height, 3, std::vector<float>(size_t(width * height * 3)), {}};
  Image b = a;
  auto& clean = std::get<std::vector<float>>(a.samples);
  auto& noisy = std::get<std::vector<float>>(b.samples);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        const size_t at = size_t((y * width + x) * 3 + c);
        clean[at] = float(0.5 + 0.3 * std::sin(0.1 * x + c) * std::cos(0.07 * y));
        noisy[at] = clean[at] + 0.1f * random.normal();
      }
  return {a, b};
}

torch::Tensor tensor_of(const Image& image) {
  auto samples = std::get<std::vector<float>>(image.samples);
  return torch::from_blob(samples.data(), {1, image.height, image.width, 3})
      .permute({0, 3, 1, 2})
      .contiguous();
}

TEST(Losses, DisplayCurveIsSrgbAndSmoothAtZero) {
  const auto x = torch::tensor({-0.5f, 0.0f, 0.001f, 0.5f, 1.0f}).requires_grad_(true);
  const auto y = srgb_encode(x);
  // IEC 61966-2-1 at 0.5: 0.7353570.
  EXPECT_NEAR(y[3].item<float>(), 0.735357f, 1e-6f);
  EXPECT_NEAR(y[0].item<float>(), -0.735357f, 1e-6f);
  EXPECT_NEAR(y[4].item<float>(), 1.0f, 1e-6f);
  y.sum().backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
  EXPECT_NEAR(x.grad()[1].item<float>(), 12.92f, 1e-5f);
}

TEST(Losses, AreWhatTheyAreCalled) {
  const auto a = torch::tensor({0.1f, 0.2f, 0.0f, 0.0f}).view({2, 1, 1, 2});
  const auto b = torch::zeros({2, 1, 1, 2});
  EXPECT_NEAR(loss_between({{Loss::l1}}, a, b).item<double>(), 0.075, 1e-7);
  // sqrt(x^2 + 1e-6) of 0.1, 0.2, 0, 0.
  EXPECT_NEAR(loss_between({{Loss::charbonnier}}, a, b).item<double>(),
              (0.100005 + 0.2000025 + 0.001 + 0.001) / 4, 1e-7);
  // 10 log10(0.025 + 1e-8) and 10 log10(1e-8).
  EXPECT_NEAR(loss_between({{Loss::psnr}}, a, b).item<double>(), (-16.0206 - 80) / 2, 1e-3);
  EXPECT_NEAR(loss_between({{Loss::mse}}, a, b).item<double>(), 0.0125, 1e-7);
  EXPECT_NEAR(loss_between({{Loss::l1, 2}, {Loss::mse, 3}}, a, b).item<double>(),
              2 * 0.075 + 3 * 0.0125, 1e-6);
}

// metrics.hpp works in double, libtorch in float: a variance of about 0.01 comes from squares of
// about 0.3, which floats hold to 2e-8; five scales and a mean leave less than 1e-5.
TEST(Losses, SimilarityIsTheMetrics) {
  const auto [a, b] = pictures(181, 203);
  EXPECT_NEAR(ssim(tensor_of(a), tensor_of(b)).item<double>(), ssim(a, b), 1e-5);
  EXPECT_NEAR(ms_ssim(tensor_of(a), tensor_of(b)).item<double>(), ms_ssim(a, b), 1e-5);
  EXPECT_NEAR(loss_between({{Loss::ssim}}, tensor_of(a), tensor_of(b)).item<double>(),
              1 - ssim(a, b), 1e-5);
  EXPECT_NEAR(loss_between({{Loss::ms_ssim}}, tensor_of(a), tensor_of(a)).item<double>(), 0, 1e-5);
}

TEST(Losses, SimilarityHasAFiniteSlopeEvenWhereItIsNegative) {
  const auto [a, b] = pictures(176, 176);
  for (const auto& other : {tensor_of(b), 1 - tensor_of(a), tensor_of(a)}) {
    const auto x = other.clone().requires_grad_(true);
    loss_between({{Loss::ms_ssim}, {Loss::ssim}}, x, tensor_of(a)).backward();
    EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
  }
}

TEST(Losses, SmallPicturesAreRefused) {
  const auto x = torch::zeros({1, 3, 64, 64});
  EXPECT_THROW(loss_between({{Loss::ms_ssim}}, x, x), Error);
  EXPECT_NO_THROW(loss_between({{Loss::ssim}}, x, x));
}

}  // namespace
}  // namespace hyperconv
