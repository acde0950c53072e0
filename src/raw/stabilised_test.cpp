#include "raw/stabilised.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace hyperconv {
namespace {

TEST(StabilisingCurve, KeepsBlackAndWhiteAndRises) {
  for (const NoiseProfile noise : {NoiseProfile{0, 0}, {2e-5, 2e-8}, {1.2e-2, 2.2e-4}, {0, 1}}) {
    const StabilisingCurve curve(noise);
    EXPECT_EQ(curve(0), 0);
    EXPECT_NEAR(curve(1), 1, 1e-6);
    for (float x = -0.2f; x < 1; x += 0.01f) EXPECT_LT(curve(x), curve(x + 0.01f));
  }
}

TEST(StabilisingCurve, TheInverseLeadsBack) {
  for (const NoiseProfile noise : {NoiseProfile{0, 0}, {2e-5, 2e-8}, {1.2e-2, 2.2e-4}, {0, 1}}) {
    const StabilisingCurve curve(noise);
    // A root of up to 1, rounded, squared and scaled back: a few roundings of 1.
    for (float x = -0.2f; x < 1.2f; x += 0.013f) EXPECT_NEAR(curve.inverse(curve(x)), x, 2e-6f);
  }
}

// The tangent at 0 carries on: noise around black is not bent.
TEST(StabilisingCurve, IsSmoothAtBlack) {
  const StabilisingCurve curve({1e-3, 1e-6});
  const float step = 1e-5f;
  EXPECT_NEAR(curve(step) / -curve(-step), 1, 0.01);
}

TEST(StabilisingCurve, MakesNoiseEquallyStrong) {
  const NoiseProfile noise{4e-3, 2e-5};
  const StabilisingCurve curve(noise);
  Random random(1);
  const auto deviation_at = [&](double x) {
    double sum = 0, squares = 0;
    constexpr int count = 20000;
    for (int i = 0; i < count; ++i) {
      const double noisy = x + std::sqrt(noise.shot * x + noise.read) * double(random.normal());
      const auto f = double(curve(float(noisy)));
      sum += f;
      squares += f * f;
    }
    return std::sqrt(squares / count - sum * sum / count / count);
  };
  const double grey = deviation_at(0.2);
  // In linear light the first is half as strong, the last 1.7 times as strong.
  for (const double x : {0.05, 0.1, 0.4, 0.6}) EXPECT_NEAR(deviation_at(x) / grey, 1, 0.06);
}

TEST(NoiseCondition, IsHeldToWhatTrainingDraws) {
  const std::array<double, 3> gains = {2, 1, 1.5};
  for (const NoiseProfile noise : {NoiseProfile{0, 0}, {1e6, 1e6}, {1e-3, 1e-6}})
    for (const float value : noise_condition(noise, gains)) {
      EXPECT_GE(value, -1.5f);
      EXPECT_LE(value, 1.6f);
    }
}

TEST(NoiseCondition, AmplifiedChannelsHaveMoreNoise) {
  const auto condition = noise_condition({1e-3, 1e-6}, {2, 1, 1.5});
  EXPECT_NEAR(condition[0] - condition[2], std::log(2) / 4, 1e-6);
  EXPECT_NEAR(condition[1] - condition[3], std::log(4) / 6, 1e-6);
  EXPECT_NEAR(condition[4] - condition[2], std::log(1.5) / 4, 1e-6);
}

TEST(BalanceGains, TheLeastIsOne) {
  EXPECT_EQ(balance_gains({1, 2, 4}), (std::array<double, 3>{1, 2, 4}));
  EXPECT_EQ(balance_gains({2, 1, 0.5}), (std::array<double, 3>{4, 2, 1}));
}

}  // namespace
}  // namespace hyperconv
