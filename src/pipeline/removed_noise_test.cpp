#include "pipeline/removed_noise.hpp"

#include <gtest/gtest.h>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

Image picture(const std::vector<uint16_t>& samples) {
  return {int(samples.size() / 3), 1, 3, samples, {}};
}

TEST(WithSomeGrain, IsBetweenTheTwo) {
  const Image grainy = picture({1000, 2000, 3000, 100, 100, 100});
  const Image clean = picture({1400, 2400, 3400, 300, 100, 100});
  EXPECT_EQ(with_some_grain(grainy, clean, {1, 1}).samples, clean.samples);
  EXPECT_EQ(with_some_grain(grainy, clean, {0, 0}).samples, grainy.samples);
  const auto half =
      std::get<std::vector<uint16_t>>(with_some_grain(grainy, clean, {0.5, 0.5}).samples);
  EXPECT_EQ(half[0], 1200);
  EXPECT_EQ(half[3], 200);
  // The first pixel's noise is luma's alone; a fifth of the second's is.
  const auto luma = std::get<std::vector<uint16_t>>(with_some_grain(grainy, clean, {1, 0}).samples);
  EXPECT_EQ(luma[0], 1400);
  EXPECT_EQ(luma[3], 143);  // 100 + 0.2126 * 200
  EXPECT_EQ(luma[4], 143);
}

TEST(WithSomeGrain, OfGreyIsLumaAlone) {
  const Image grainy{3, 1, 1, std::vector<uint16_t>{1000, 2000, 100}, {}};
  const Image clean{3, 1, 1, std::vector<uint16_t>{1400, 1000, 100}, {}};
  const auto half =
      std::get<std::vector<uint16_t>>(with_some_grain(grainy, clean, {0.5, 1}).samples);
  EXPECT_EQ(half, (std::vector<uint16_t>{1200, 1500, 100}));
  Tensor light({1, 1, 1, 1}), quiet({1, 1, 1, 1});
  quiet.data()[0] = 0.4f;
  EXPECT_FLOAT_EQ(with_some_grain(light, quiet, {0.25, 1}).data()[0], 0.1f);
}

TEST(WithSomeGrain, RefusesMoreThanAll) {
  const Image one = picture({1, 2, 3});
  EXPECT_THROW(with_some_grain(one, one, {1.5, 1}), Error);
}

TEST(WithSomeGrain, OfLinearLight) {
  Tensor grainy({1, 3, 1, 1}), clean({1, 3, 1, 1});
  clean.data()[0] = 0.4f;  // red: a quarter of it is luma
  const Tensor luma = with_some_grain(grainy, clean, {1, 0});
  for (size_t c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(luma.data()[c], 0.1f);
  EXPECT_FLOAT_EQ(with_some_grain(grainy, clean, {0.5, 0.5}).data()[0], 0.2f);
}

// A deviation of a hundredth of the range is a twenty-fifth of a map's white.
TEST(RemovedBetween, IsTheLocalDeviation) {
  Image grainy{40, 40, 3, {}, {}}, clean = grainy;
  std::vector<uint16_t> noisy, quiet(size_t(40) * 40 * 3, 30000);
  for (int i = 0; i < 40 * 40; ++i)
    for (int c = 0; c < 3; ++c) noisy.push_back(uint16_t(30000 + (i % 2 == 0 ? 655 : -655)));
  grainy.samples = noisy;
  clean.samples = quiet;
  Threads threads(1);
  const Image map = removed_between(grainy, clean, threads);
  for (const uint16_t sample : std::get<std::vector<uint16_t>>(map.samples))
    EXPECT_NEAR(sample, 0.01 * noise_map_scale * 65535, 10);
}

TEST(RemovedBetween, OfGreyIsGrey) {
  std::vector<uint16_t> noisy, quiet(size_t(40) * 40, 30000);
  for (int i = 0; i < 40 * 40; ++i) noisy.push_back(uint16_t(30000 + (i % 2 == 0 ? 655 : -655)));
  Threads threads(1);
  const Image map = removed_between({40, 40, 1, noisy, {}}, {40, 40, 1, quiet, {}}, threads);
  ASSERT_EQ(map.channels, 1);
  for (const uint16_t sample : std::get<std::vector<uint16_t>>(map.samples))
    EXPECT_NEAR(sample, 0.01 * noise_map_scale * 65535, 10);
}

}  // namespace
}  // namespace hyperconv
