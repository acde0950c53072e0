#include "simulation/photo_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "raw/colour.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

/// A grey card in linear light.
Tensor card(int side, float light) {
  Tensor scene({1, 3, side, side});
  for (size_t i = 0; i < scene.size(); ++i) scene.data()[i] = light;
  return scene;
}

PhotoNoise plain_noise(double shot) {
  PhotoNoise noise;
  noise.camera = standard_camera();
  noise.sensor.noise = {shot, typical_read_noise(shot)};
  return noise;
}

/// Of noisy - clean: the mean product of values `shift` columns apart, divided by that of each with
/// itself; of one channel.
double correlation(const NoisyPhoto& photo, int channel, int shift) {
  const auto& shape = photo.clean.shape();
  double product = 0, square = 0;
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x + shift < shape.w; ++x) {
      const auto noise = [&](int64_t column) {
        return double(photo.noisy.at(0, channel, y, column) -
                      photo.clean.at(0, channel, y, column));
      };
      product += noise(x) * noise(x + shift);
      square += noise(x) * noise(x);
    }
  return product / square;
}

double deviation(const NoisyPhoto& photo, int channel) {
  double square = 0;
  const auto& shape = photo.clean.shape();
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x)
      square +=
          std::pow(double(photo.noisy.at(0, channel, y, x) - photo.clean.at(0, channel, y, x)), 2);
  return std::sqrt(square / double(shape.plane()));
}

TEST(PhotoNoise, WithoutNoiseThePhotoStaysSharp) {
  const Tensor scene = linear_srgb(painted_scene(80, 64));
  PhotoNoise none = plain_noise(0);
  Random random(1);
  const NoisyPhoto photo = noisy_photo(scene, none, random);
  // What goes through a camera and back is the scene, up to colours that the camera cannot see.
  double worst = 0, error = 0;
  for (size_t i = 0; i < scene.size(); ++i) {
    worst = std::max(worst, double(std::abs(photo.noisy.data()[i] - photo.clean.data()[i])));
    error += std::abs(photo.clean.data()[i] - encode_srgb(scene.data()[i]));
  }
  EXPECT_LE(worst, 0.51 / 255);  // rounding to 8 bits
  EXPECT_LT(error / double(scene.size()), 0.01);
}

TEST(PhotoNoise, IsCorrelatedAsDemosaickedNoiseIs) {
  Random random(2);
  const NoisyPhoto photo = noisy_photo(card(128, 0.2f), plain_noise(2e-3), random);
  EXPECT_GT(correlation(photo, 0, 1), 0.2);  // red: three of four samples are neighbours' means
  EXPECT_LT(std::abs(correlation(photo, 0, 6)), 0.05);
  // A mean over neighbours is never brighter or darker.
  EXPECT_GT(deviation(photo, 0), 2.0 / 255);
}

TEST(PhotoNoise, GrowsWithTheShotVarianceAndTheGain) {
  Random random(3);
  const double weak = deviation(noisy_photo(card(96, 0.3f), plain_noise(3e-4), random), 1);
  const double strong = deviation(noisy_photo(card(96, 0.3f), plain_noise(2.7e-3), random), 1);
  EXPECT_NEAR(strong / weak, 3, 0.3);  // the root of the variance; read noise adds a little
  PhotoNoise gained = plain_noise(3e-4);
  gained.sensor.exposure = 0.25;
  gained.gain = 4;
  // As bright as before, from a quarter of the light.
  EXPECT_NEAR(deviation(noisy_photo(card(96, 0.3f), gained, random), 1) / weak, 2, 0.2);
}

TEST(PhotoNoise, ASofteningCameraMakesItCoarserNotWeaker) {
  PhotoNoise soft = plain_noise(4e-3);
  Random random(4), again(4);
  const NoisyPhoto hard = noisy_photo(card(128, 0.2f), soft, random);
  soft.luma_blur = 0.8;
  soft.colour_blur = 2;
  const NoisyPhoto coarse = noisy_photo(card(128, 0.2f), soft, again);
  EXPECT_GT(correlation(coarse, 0, 3), correlation(hard, 0, 3) + 0.2);
  EXPECT_NEAR(deviation(coarse, 0) / deviation(hard, 0), 1, 0.1);
  soft.colour_share = 0;
  Random third(4);
  EXPECT_LT(deviation(noisy_photo(card(128, 0.2f), soft, third), 0), 0.9 * deviation(hard, 0));
}

TEST(PhotoNoise, AJpegLosesSomeOfIt) {
  PhotoNoise stored = plain_noise(4e-3);
  stored.jpeg_quality = 30;
  Random random(5), again(5);
  const NoisyPhoto jpeg = noisy_photo(card(128, 0.2f), stored, random);
  stored.jpeg_quality = 0;
  const NoisyPhoto exact = noisy_photo(card(128, 0.2f), stored, again);
  EXPECT_LT(deviation(jpeg, 0), 0.9 * deviation(exact, 0));
  EXPECT_GT(deviation(jpeg, 0), 0);
}

TEST(PhotoNoise, IsDrawnWithinItsRange) {
  const PhotoNoiseRange range;
  int jpegs = 0, soft = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    Random random(6, i);
    const PhotoNoise noise = random_photo_noise(range, random);
    EXPECT_GE(noise.sensor.noise.shot, range.least_shot);
    EXPECT_LE(noise.sensor.noise.shot, range.most_shot);
    EXPECT_GE(noise.sensor.exposure * noise.gain, range.least_exposure);
    EXPECT_LE(noise.sensor.exposure * noise.gain, 1 + 1e-9);
    jpegs += noise.jpeg_quality > 0;
    soft += noise.colour_blur > 0;
    if (noise.jpeg_quality > 0) {
      EXPECT_GE(noise.jpeg_quality, range.least_quality);
    }
    EXPECT_LE(noise.jpeg_quality, 100);
  }
  EXPECT_NEAR(jpegs, 400 * range.jpeg_share, 40);
  EXPECT_NEAR(soft, 400 * range.soft_share, 40);
}

}  // namespace
}  // namespace hyperconv
