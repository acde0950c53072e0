#include "base/normals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace hyperconv {
namespace {

double probability_below(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

std::vector<float> numbers(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  Random random(seed);
  fill_normal(values, random);
  return values;
}

// Each within five standard errors: sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n).
TEST(Normals, HaveTheMomentsOfANormalDistribution) {
  const auto values = numbers(1'000'000, 1);
  double sums[5] = {};
  for (const double value : values)
    for (int k = 1; k <= 4; ++k) sums[k] += std::pow(value, k);
  const auto n = double(values.size());
  EXPECT_NEAR(sums[1] / n, 0, 5 * std::sqrt(1 / n));
  EXPECT_NEAR(sums[2] / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(sums[3] / n, 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(sums[4] / n, 3, 5 * std::sqrt(96 / n));
}

// Kolmogorov and Smirnov: the largest distance of the distributions is below 1.95 / sqrt(n) in
// 999 of 1000 draws.
TEST(Normals, AreDistributedNormally) {
  auto values = numbers(1'000'000, 2);
  std::ranges::sort(values);
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i)
    distance = std::max(distance, std::abs(probability_below(double(values[i])) -
                                           (double(i) + 0.5) / double(values.size())));
  EXPECT_LT(distance, 1.95 / std::sqrt(double(values.size())));
}

// Counts are Poisson: within five deviations.
TEST(Normals, HaveBothTails) {
  const auto values = numbers(20'000'000, 3);
  for (const double limit : {2.0, 3.0, 4.0, 5.0}) {
    const double expected = double(values.size()) * probability_below(-limit);
    const auto beyond = [&](double sign) {
      return double(
          std::ranges::count_if(values, [&](float value) { return sign * double(value) > limit; }));
    };
    EXPECT_NEAR(beyond(1), expected, 5 * std::sqrt(expected) + 1) << limit;
    EXPECT_NEAR(beyond(-1), expected, 5 * std::sqrt(expected) + 1) << limit;
  }
}

TEST(Normals, NeighboursDoNotFollowFromEachOther) {
  const auto values = numbers(1'000'000, 4);
  double sum = 0;
  for (size_t i = 1; i < values.size(); ++i) sum += double(values[i]) * double(values[i - 1]);
  EXPECT_NEAR(sum / double(values.size()), 0, 5 / std::sqrt(double(values.size())));
}

TEST(Normals, AreTheSameEverywhereAndInParts) {
  const auto whole = numbers(1025, 5);
  EXPECT_EQ(whole, numbers(1025, 5));
  EXPECT_NE(whole, numbers(1025, 6));
  int64_t sum = 0;  // each number counts, and so does its place
  for (size_t i = 0; i < whole.size(); ++i)
    sum += int64_t(double(whole[i]) * 0x1.0p16) * int64_t(i + 1);
  EXPECT_EQ(sum, 1936658230);
  // What comes next does not depend on how many came at once, but for an odd one.
  std::vector<float> parts(1025);
  Random random(5);
  fill_normal(std::span(parts).first(700), random);
  fill_normal(std::span(parts).subspan(700), random);
  EXPECT_EQ(whole, parts);
}

}  // namespace
}  // namespace hyperconv
