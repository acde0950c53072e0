#include "raw/mosaic_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hyperconv/error.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

/// Shot and read from base ISO of a large sensor to beyond what a phone has at its highest.
constexpr NoiseProfile all_iso[] = {{5e-6, 6.3e-9}, {2.2e-5, 3.9e-8}, {2.5e-4, 7.7e-7},
                                    {1e-3, 4.3e-6}, {4e-3, 2.3e-5},   {1.2e-2, 9.0e-5},
                                    {2e-2, 1.7e-4}};

const Tensor& scene() {
  static const Tensor linear = linear_srgb(painted_scene(900, 600));
  return linear;
}

Mosaic photographed(const Tensor& linear, const SensorSettings& sensor, uint64_t seed = 1) {
  Random random(seed);
  const SimulatedCamera camera = standard_camera();
  return expose(scene_in_camera_colours(linear, camera), camera, sensor, random);
}

/// A frame with one brightness of all colours after the white balance.
Tensor even(float brightness, int height, int width) {
  Tensor tensor({1, 3, height, width});
  std::fill_n(tensor.data(), tensor.size(), brightness);
  return tensor;
}

/// Every pixel by itself: texture from edge to edge, as fine as can be, of a contrast of 1 :
/// `span`.
Tensor gravel(int height, int width, double span) {
  Tensor tensor({1, 3, height, width});
  Random random(3);
  const auto plane = size_t(height) * size_t(width);
  std::vector<double> stones(plane);
  for (double& stone : stones) stone = random.uniform();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      double sum = 0;  // a lens's blur
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          sum += stones[size_t((y + dy + height) % height) * size_t(width) +
                        size_t((x + dx + width) % width)] /
                 9;
      for (int c = 0; c < 3; ++c) tensor.row(0, c, y)[x] = float(0.3 * (1 + span * (sum - 0.5)));
    }
  return tensor;
}

double true_variance(const NoiseProfile& noise, double mean) {
  return noise.shot * mean + noise.read;
}

double ratio_at(const MosaicNoise& found, const NoiseProfile& truth, double mean) {
  return found.variance(mean) / true_variance(truth, mean);
}

TEST(MosaicNoise, IsWithin15PercentOfTheTruthAtAllIso) {
  int bits = 14;
  for (const NoiseProfile& truth : all_iso) {
    const MosaicNoise found = estimate_noise(photographed(scene(), {.bits = bits, .noise = truth}));
    for (const double mean : {0.02, 0.05, 0.18, 0.4})
      EXPECT_NEAR(ratio_at(found, truth, mean), 1, 0.15)
          << "shot " << truth.shot << ", " << bits << " bits, at " << mean;
    EXPECT_LT(found.doubt, 0.15);
    EXPECT_GT(found.samples, 50'000);
    bits = bits == 14 ? 12 : 14;
  }
}

TEST(MosaicNoise, IsTheSameInEveryPhaseAndOnAnyNumberOfThreads) {
  const NoiseProfile truth{1e-3, 4.3e-6};
  for (const Cfa cfa : {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg}) {
    const Mosaic mosaic = photographed(scene(), {.cfa = cfa, .bits = 14, .noise = truth});
    const MosaicNoise one = estimate_noise(mosaic, 1), three = estimate_noise(mosaic, 3);
    EXPECT_NEAR(ratio_at(one, truth, 0.18), 1, 0.1) << to_string(cfa);
    EXPECT_EQ(one.profile, three.profile);
    EXPECT_EQ(one.samples, three.samples);
  }
}

TEST(MosaicNoise, OfXTransIsWithin15PercentInMidTones) {
  int phase = 0;
  for (const NoiseProfile& truth : all_iso) {
    const XTrans pattern{phase / 6, phase % 6};
    const Mosaic mosaic = photographed(scene(), {.cfa = pattern, .bits = 14, .noise = truth});
    const MosaicNoise found = estimate_noise(mosaic, 1);
    // Samples of one colour lie farther apart than Bayer's: more texture is in the dark.
    for (const double mean : {0.02, 0.05, 0.18, 0.4})
      EXPECT_NEAR(ratio_at(found, truth, mean), 1, mean < 0.05 ? 0.25 : 0.15)
          << "shot " << truth.shot << ", phase " << phase << ", at " << mean;
    EXPECT_EQ(found.profile, estimate_noise(mosaic, 3).profile);
    phase = (phase + 11) % 36;
  }
}

TEST(MosaicNoise, OfXTransTellsRowNoise) {
  const NoiseProfile truth{4e-4, 2e-5};
  SensorSettings settings{.cfa = XTrans{2, 3}, .bits = 14, .noise = truth};
  const double none = estimate_noise(photographed(scene(), settings)).row;
  settings.row_noise = 3e-3;
  EXPECT_NEAR(std::sqrt(estimate_noise(photographed(scene(), settings)).row), 3e-3, 6e-4);
  EXPECT_LT(none, 1e-6);
}

TEST(MosaicNoise, SeesNoiseBelowOneLevel) {
  // In the dark half a level of ten bits, in mid-tones one and a half.
  const NoiseProfile truth{2.2e-5, 3e-7};
  const MosaicNoise found = estimate_noise(photographed(scene(), {.bits = 10, .noise = truth}));
  for (const double mean : {0.01, 0.05, 0.18, 0.4}) {
    EXPECT_GT(ratio_at(found, truth, mean), 0.5) << mean;
    EXPECT_LT(ratio_at(found, truth, mean), 2) << mean;
  }
  EXPECT_NEAR(found.quantisation, 1 / (12 * 1007.0 * 1007.0), 1e-9);
}

TEST(MosaicNoise, OfADarkFrameIsWhatIsThere) {
  const NoiseProfile truth{4e-3, 2.3e-5};
  // With room below black, and cut at it.
  for (const auto& black : {std::optional<int>(), std::optional<int>(0)}) {
    const Mosaic mosaic =
        photographed(even(0, 200, 300), {.bits = 14, .noise = truth, .black = black});
    const MosaicNoise found = estimate_noise(mosaic);
    // What is cut is no longer normal, and the quantiles are a normal's.
    EXPECT_NEAR(found.profile.read / truth.read, 1, black ? 0.25 : 0.1);
    EXPECT_GT(found.samples, 0);
    EXPECT_LT(found.brightest, 0.01);
    EXPECT_GT(found.profile.shot, 0);
  }
}

TEST(MosaicNoise, IsNotFooledByWhatIsCutAtBlack) {
  // The sensor's black at 0: in the dark places of the scene half of the noise is gone.
  for (const NoiseProfile& truth : {NoiseProfile{4e-3, 2.3e-5}, NoiseProfile{2e-2, 1e-3}}) {
    const MosaicNoise found =
        estimate_noise(photographed(scene(), {.bits = 14, .noise = truth, .black = 0}));
    for (const double mean : {0.01, 0.05, 0.18})
      EXPECT_NEAR(ratio_at(found, truth, mean), 1, 0.2) << truth.shot << " at " << mean;
  }
}

TEST(MosaicNoise, LeavesSaturatedPlacesOut) {
  const NoiseProfile truth{1e-3, 4.3e-6};
  const Mosaic mosaic = photographed(scene(), {.bits = 14, .noise = truth, .exposure = 4});
  const MosaicNoise found = estimate_noise(mosaic);
  for (const double mean : {0.18, 0.4, 0.8})
    EXPECT_NEAR(ratio_at(found, truth, mean), 1, 0.15) << mean;
  EXPECT_LT(found.brightest, 1);
}

TEST(MosaicNoise, OfAFrameThatSaysNothingIsAGuess) {
  const auto expect_guess = [](const Mosaic& mosaic) {
    const MosaicNoise found = estimate_noise(mosaic);
    EXPECT_EQ(found.samples, 0);
    EXPECT_EQ(found.doubt, 1);
    EXPECT_GT(found.profile.shot, 0);
    EXPECT_GT(found.profile.read, 0);
    EXPECT_LT(found.profile.shot, 1e-2);
  };
  Mosaic mosaic = photographed(even(0.5f, 64, 64), {.bits = 12, .noise = {1e-3, 1e-6}});
  std::ranges::fill(mosaic.samples, uint16_t(mosaic.white));
  expect_guess(mosaic);
  expect_guess(photographed(even(0.5f, 12, 400), {.bits = 12, .noise = {1e-3, 1e-6}}));
  expect_guess(photographed(even(0.5f, 2, 2), {.bits = 12, .noise = {1e-3, 1e-6}}));
}

TEST(MosaicNoise, OfAFrameWithoutAnyIsNextToNothing) {
  const Mosaic mosaic = photographed(even(0.2f, 200, 300), {.bits = 14});
  const MosaicNoise found = estimate_noise(mosaic);
  EXPECT_LT(found.variance(0.2), found.quantisation);
  EXPECT_GT(found.variance(0.2), 0);
}

TEST(MosaicNoise, OfTextureFromEdgeToEdgeIsOffByTwoAtMost) {
  const NoiseProfile truth{4e-3, 2.3e-5};
  const MosaicNoise found =
      estimate_noise(photographed(gravel(400, 600, 1), {.bits = 14, .noise = truth}));
  EXPECT_LT(ratio_at(found, truth, 0.18), 2);
  EXPECT_GT(ratio_at(found, truth, 0.18), 0.5);
}

TEST(MosaicNoise, DoubtsATextureThatIsMoreThanNoise) {
  const NoiseProfile truth{2.2e-5, 3.9e-8};
  const MosaicNoise sure = estimate_noise(photographed(scene(), {.bits = 14, .noise = truth}));
  const MosaicNoise unsure =
      estimate_noise(photographed(gravel(400, 600, 1), {.bits = 14, .noise = truth}));
  EXPECT_LT(sure.doubt, 0.15);
  EXPECT_GT(unsure.doubt, 0.5);
}

TEST(MosaicNoise, TellsRowNoiseApart) {
  const NoiseProfile truth{2.5e-4, 7.7e-7};
  Mosaic mosaic = photographed(scene(), {.bits = 14, .noise = truth});
  const double range = mosaic.white - mosaic.black[0];
  EXPECT_LT(estimate_noise(mosaic).row, 1e-7);
  Random random(5);
  constexpr double deviation = 20;  // levels
  for (int y = 0; y < mosaic.height; ++y) {
    const double offset = deviation * random.normal();
    for (int x = 0; x < mosaic.width; ++x) {
      uint16_t& sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      sample = uint16_t(std::clamp(double(sample) + offset, 0.0, mosaic.white));
    }
  }
  const MosaicNoise found = estimate_noise(mosaic);
  EXPECT_NEAR(std::sqrt(found.row) * range / deviation, 1, 0.2);
  EXPECT_NEAR(ratio_at(found, truth, 0.18), 1, 0.15);
}

TEST(MosaicNoise, IsUnmovedByDefectsAndUnequalGreens) {
  const NoiseProfile truth{2.5e-4, 7.7e-7};
  Mosaic mosaic = photographed(scene(), {.bits = 14, .noise = truth});
  Random random(6);
  for (size_t i = 0; i < mosaic.samples.size() / 2000; ++i)
    mosaic.samples[size_t(random.below(int64_t(mosaic.samples.size())))] =
        random.uniform() < 0.5 ? uint16_t(mosaic.white) : uint16_t(0);
  for (int y = 0; y < mosaic.height; y += 2)  // the greens of even rows
    for (int x = 1; x < mosaic.width; x += 2) {
      uint16_t& sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      sample = uint16_t(256 + (sample - std::min<int>(256, sample)) * 98 / 100);
    }
  EXPECT_NEAR(ratio_at(estimate_noise(mosaic), truth, 0.18), 1, 0.15);
}

TEST(NoiseOf, TakesWhatIsGivenThenTheFilesThenAnEstimate) {
  Mosaic mosaic = photographed(scene(), {.bits = 14, .noise = {1e-3, 4.3e-6}});
  const KnownNoise given = noise_of(mosaic, NoiseProfile{2e-3, 1e-5});
  EXPECT_EQ(given.source, NoiseSource::given);
  EXPECT_EQ(given.profile, (NoiseProfile{2e-3, 1e-5}));
  const KnownNoise file = noise_of(mosaic);
  EXPECT_EQ(file.source, NoiseSource::file);
  EXPECT_EQ(file.profile, (NoiseProfile{1e-3, 4.3e-6}));
  mosaic.noise.reset();
  const KnownNoise estimated = noise_of(mosaic);
  EXPECT_EQ(estimated.source, NoiseSource::estimated);
  ASSERT_TRUE(estimated.estimate);
  EXPECT_EQ(estimated.profile, estimated.estimate->profile);
  EXPECT_EQ(to_string(estimated.source), "estimated");
}

TEST(NoiseOf, RefusesWhatIsNoVariance) {
  const Mosaic mosaic = photographed(even(0.2f, 32, 32), {.bits = 14});
  EXPECT_THROW(noise_of(mosaic, NoiseProfile{-1e-3, 1e-6}), Error);
  EXPECT_THROW(noise_of(mosaic, NoiseProfile{1e-3, std::numeric_limits<double>::infinity()}),
               Error);
}

}  // namespace
}  // namespace hyperconv
