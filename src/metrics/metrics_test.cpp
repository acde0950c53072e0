#include "metrics/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

/// Fills an 8-bit picture with value(x, y, c), cut to 0..255.
template <class Value>
Image picture(int width, int height, int channels, const Value& value) {
  Image image{width, height, channels, {}, {}};
  std::vector<uint8_t> samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        samples.push_back(uint8_t(std::clamp(int(value(x, y, c)), 0, 255)));
  image.samples = std::move(samples);
  return image;
}

const std::vector<uint8_t>& bytes(const Image& image) {
  return std::get<std::vector<uint8_t>>(image.samples);
}

int64_t sum(const Image& image) {
  return std::accumulate(bytes(image).begin(), bytes(image).end(), int64_t(0));
}

// pattern, disturbed and inverted are those of python/reference_metrics.py.
Image pattern(int width, int height, int channels) {
  return picture(width, height, channels, [](int x, int y, int c) {
    return (x * 7 + y * 13 + (x * y) % 31 * 4 + c * 50 + 3) % 256;
  });
}

Image disturbed(const Image& image, int strength) {
  size_t i = 0;
  return picture(image.width, image.height, image.channels, [&](int x, int y, int c) {
    const int noise = (x * 31 + y * 17 + x * y % 13 * 5 + c * 11) % (2 * strength + 1) - strength;
    return bytes(image)[i++] + noise;
  });
}

Image inverted(const Image& image) {
  size_t i = 0;
  return picture(image.width, image.height, image.channels,
                 [&](int, int, int) { return 255 - bytes(image)[i++]; });
}

struct Expected {
  int width, height, channels;
  int strength;  ///< 0: inverted
  int64_t sum_a, sum_b;
  double psnr, ssim, ssim_volume;
  double ms_ssim, channels_first;  ///< below 0: too small for it
};

class Reference : public testing::TestWithParam<Expected> {};

// Printed by python/reference_metrics.py (numpy). scikit-image 0.26 (psnr, ssim) and TensorFlow
// run in double (ssim; ms_ssim at 192x176, where its padding plays no part) agree in all digits.
INSTANTIATE_TEST_SUITE_P(
    Metrics, Reference,
    testing::Values(
        Expected{192, 176, 3, 12, 12912528, 12912309, 31.089358213, 0.991243207, 0.994440891,
                 0.998149540, 0.998149540},
        Expected{203, 189, 3, 40, 14662626, 14655749, 21.120848781, 0.918721714, 0.946382656,
                 0.981409831, 0.981410253},
        Expected{181, 230, 1, 25, 5299405, 5298491, 24.998151843, 0.965275586, 0.965351317,
                 0.992382846, 0.992382846},
        Expected{37, 23, 3, 25, 322954, 322321, 24.914276636, 0.962408535, 0.977145283, -1, -1},
        Expected{11, 11, 1, 25, 15943, 16133, 25.223285000, 0.947038948, 0.956675850, -1, -1},
        Expected{192, 176, 3, 0, 12912528, 12938352, 4.736714032, -0.853290787, -0.937204544, 0,
                 0}));

TEST_P(Reference, AgreesWithOtherImplementations) {
  const Expected& expected = GetParam();
  const Image a = pattern(expected.width, expected.height, expected.channels);
  const Image b = expected.strength > 0 ? disturbed(a, expected.strength) : inverted(a);
  ASSERT_EQ(sum(a), expected.sum_a) << "not the picture of the script";
  ASSERT_EQ(sum(b), expected.sum_b) << "not the picture of the script";
  // The script prints nine digits behind the point.
  constexpr double tolerance = 2e-9;
  EXPECT_NEAR(psnr(a, b), expected.psnr, tolerance);
  EXPECT_NEAR(ssim(a, b), expected.ssim, tolerance);
  EXPECT_NEAR(ssim_volume(a, b), expected.ssim_volume, tolerance);
  if (expected.ms_ssim < 0) {
    EXPECT_THROW(ms_ssim(a, b), Error);
    return;
  }
  EXPECT_NEAR(ms_ssim(a, b), expected.ms_ssim, tolerance);
  EXPECT_NEAR(ms_ssim(a, b, MsSsimForm::channels_first), expected.channels_first, tolerance);
}

TEST(Metrics, AreSymmetric) {
  const Image a = pattern(180, 177, 3), b = disturbed(a, 30);
  EXPECT_EQ(psnr(a, b), psnr(b, a));
  EXPECT_NEAR(ssim(a, b), ssim(b, a), 1e-14);
  EXPECT_NEAR(ms_ssim(a, b), ms_ssim(b, a), 1e-14);
}

TEST(Metrics, EqualPicturesArePerfect) {
  const Image a = pattern(176, 176, 3);
  EXPECT_EQ(psnr(a, a), INFINITY);
  // A variance is E[x^2] - E[x]^2: the same for both, but the covariance rounds otherwise.
  EXPECT_NEAR(ssim(a, a), 1, 1e-13);
  EXPECT_NEAR(ms_ssim(a, a), 1, 1e-13);
}

TEST(Metrics, ConstantPicturesHaveAKnownSsim) {
  const Image a = picture(32, 20, 1, [](int, int, int) { return 51; });
  const Image b = picture(32, 20, 1, [](int, int, int) { return 102; });
  // Without variance only the luminance term is left; 0.2 and 0.4.
  EXPECT_NEAR(ssim(a, b), (2 * 0.2 * 0.4 + 1e-4) / (0.2 * 0.2 + 0.4 * 0.4 + 1e-4), 1e-12);
  EXPECT_NEAR(psnr(a, b), -20 * std::log10(0.2), 1e-12);
}

TEST(Metrics, DepthOfTheSamplesDoesNotMatter) {
  const Image a = pattern(190, 180, 3), b = disturbed(a, 30);
  // 16 bits hold 257 times an 8-bit value: the same fraction of white.
  EXPECT_NEAR(psnr(to_u16(a), b), psnr(a, b), 1e-12);
  EXPECT_NEAR(ssim(to_u16(a), to_u16(b)), ssim(a, b), 1e-12);
  Image c = b;
  c.samples = to_float(b);
  // float rounds to 6e-8 of the value.
  EXPECT_NEAR(psnr(a, c), psnr(a, b), 1e-5);
  EXPECT_NEAR(ssim(a, c), ssim(a, b), 1e-7);
  EXPECT_NEAR(ms_ssim(a, c), ms_ssim(a, b), 1e-7);
}

TEST(Metrics, TakeWhatLiesOutsideTheRangeAsItIs) {
  Image a{1, 1, 1, std::vector<float>{1.5f}, {}};
  Image b{1, 1, 1, std::vector<float>{-0.5f}, {}};
  EXPECT_NEAR(psnr(a, b), -20 * std::log10(2.0), 1e-12);
}

/// Samples of b: an affine map of a's colours, and `noise` with alternating sign.
Image mapped(const Image& a, float noise) {
  const std::vector<float> from = to_float(a);
  std::vector<float> to(from.size());
  for (size_t i = 0; i < from.size(); i += 3) {
    const float r = from[i], g = from[i + 1], b = from[i + 2];
    const float sign = (i * 2654435761U >> 7) % 2 == 0 ? 1.f : -1.f;
    to[i] = 0.7f * r - 0.1f * g + 0.2f * b + 0.05f + sign * noise;
    to[i + 1] = 0.1f * r + 0.5f * g - 0.05f + sign * noise;
    to[i + 2] = -0.2f * r + 0.3f * g + 0.6f * b + 0.1f + sign * noise;
  }
  return {a.width, a.height, 3, std::move(to), {}};
}

TEST(PsnrAffine, AnAffineImageIsWithoutError) {
  const Image a = pattern(40, 31, 3);
  EXPECT_LT(psnr(a, mapped(a, 0)), 30);
  EXPECT_EQ(psnr_affine(a, mapped(a, 0)), INFINITY);
  EXPECT_EQ(psnr_affine(a, a), INFINITY);
}

TEST(PsnrAffine, NoiseThatNoMapExplainsIsWhatIsLeft) {
  const Image a = pattern(400, 310, 3);
  // Twelve numbers explain next to nothing of 372,000.
  EXPECT_NEAR(psnr_affine(a, mapped(a, 0.1f)), 20, 0.02);
  EXPECT_NEAR(psnr_affine(a, mapped(a, 0.01f)), 40, 0.02);
}

TEST(PsnrAffine, IsNeverBelowPsnr) {
  const Image a = pattern(33, 20, 3);
  for (const int strength : {3, 30, 200}) {
    const Image b = disturbed(a, strength);
    EXPECT_GE(psnr_affine(a, b), psnr(a, b));
  }
}

// Grey colours tell no matrix, an even picture nothing at all: what they do tell is used.
TEST(PsnrAffine, ColoursThatTellLittleAreNoError) {
  const Image grey = picture(20, 20, 3, [](int x, int y, int) { return x * 7 + y; });
  const Image other = picture(20, 20, 3, [](int x, int y, int c) { return (x * 7 + y) / 2 + c; });
  EXPECT_GT(psnr_affine(grey, other), 50);  // other's samples are rounded to 8 bits
  const Image even = picture(20, 20, 3, [](int, int, int) { return 90; });
  const Image two = picture(20, 20, 3, [](int x, int, int) { return x % 2 == 0 ? 51 : 102; });
  EXPECT_NEAR(psnr_affine(even, two), -20 * std::log10(0.1), 1e-9);
  EXPECT_THROW(psnr_affine(pattern(20, 20, 1), pattern(20, 20, 1)), Error);
}

TEST(Metrics, RefuseWhatCannotBeCompared) {
  const Image a = pattern(200, 200, 3);
  for (const Image& other : {pattern(200, 199, 3), pattern(199, 200, 3), pattern(200, 200, 1)}) {
    EXPECT_THROW(psnr(a, other), Error);
    EXPECT_THROW(ssim(a, other), Error);
    EXPECT_THROW(ms_ssim(a, other), Error);
  }
  EXPECT_THROW(psnr(Image{}, Image{}), Error);
  EXPECT_THROW(ssim(pattern(10, 40, 1), pattern(10, 40, 1)), Error);
  EXPECT_NO_THROW(ssim(pattern(11, 40, 1), pattern(11, 40, 1)));
  EXPECT_THROW(ms_ssim(pattern(400, 175, 1), pattern(400, 175, 1)), Error);
}

}  // namespace
}  // namespace hyperconv
