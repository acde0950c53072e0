#include "data/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "data/data_testing.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Sampler : public testing::Test {
 protected:
  /// Pairs of 10x10 samples; pair i has the target i everywhere, and so has its mosaic.
  void put(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i) + ".png";
      put_picture(folder_ / "huawei_raw" / name,
                  Image{10, 10, 1, std::vector<uint8_t>(100, uint8_t(i)), {}});
      put_picture(target(i), Image{10, 10, 3, std::vector<uint8_t>(300, uint8_t(i)), {}});
    }
  }
  fs::path target(int i) const { return folder_ / "canon" / (std::to_string(i) + ".jpg"); }
  PairSet set() const { return find_pairs(folder_.path()); }

  TemporaryFolder folder_;
  PatchChoice choice_{.patch = 6, .seed = 9};
};

TEST_F(Sampler, EveryEpochIsAPermutationOfItsOwn) {
  put(10);
  const PairSampler sampler(set(), choice_);
  std::set<std::vector<size_t>> orders;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    std::vector<size_t> order(10);
    for (int64_t i = 0; i < 10; ++i) sampler.sample(10 * epoch + i, &order[size_t(i)]);
    orders.insert(order);
    EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(), 10u);
  }
  EXPECT_EQ(orders.size(), 5u);
}

TEST_F(Sampler, SampleIsOfThePairItNames) {
  put(10);
  const PairSampler sampler(set(), choice_);
  for (int64_t i = 0; i < 20; ++i) {
    size_t pair = 0;
    const TensorPair sample = to_tensors(sampler.sample(i, &pair), sampler.set().kind());
    EXPECT_EQ(sample.input.shape(), (Shape{1, 4, 3, 3}));
    EXPECT_EQ(sample.target.shape(), (Shape{1, 3, 6, 6}));
    EXPECT_EQ(sample.input.at(0, 3, 2, 2), float(pair) / 1020);
    EXPECT_NEAR(sample.target.at(0, 1, 5, 5), float(pair) / 255, 1e-6);
  }
}

TEST_F(Sampler, WithoutAugmentationGivesThePairsMiddlesInOrder) {
  put_zrr(folder_.path(), 5);  // 8x6 samples
  choice_ = {.patch = 2, .augment = false};
  const PairSampler sampler(set(), choice_);
  for (int64_t i = 0; i < 5; ++i) {
    const TensorPair whole = set().read(size_t(i));
    const TensorPair sample = to_tensors(sampler.sample(i), set().kind());
    EXPECT_EQ(sample.input.at(0, 2, 0, 0), whole.input.at(0, 2, 1, 1));
    EXPECT_EQ(sample.target.at(0, 1, 1, 1), whole.target.at(0, 1, 3, 3));
  }
}

/// Samples [0, count), found by several threads at once.
std::vector<std::vector<float>> found_by(int threads, const PairSampler& sampler, int64_t count) {
  std::vector<std::vector<float>> found(static_cast<size_t>(count));
  std::vector<std::jthread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      for (int64_t i = t; i < count; i += threads) {
        const TensorPair pair = to_tensors(sampler.sample(i), sampler.set().kind());
        found[size_t(i)] = values(pair.input);
        found[size_t(i)].push_back(pair.target.at(0, 0, 0, 0));
      }
    });
  return found;
}

TEST_F(Sampler, IsTheSameWithAnyNumberOfThreads) {
  put_zrr(folder_.path(), 7);
  choice_.patch = 4;
  const auto one = found_by(1, PairSampler(set(), choice_), 40);
  EXPECT_EQ(one, found_by(5, PairSampler(set(), choice_), 40));
  EXPECT_NE(one[0], one[1]);
  choice_.seed = 10;
  EXPECT_NE(one, found_by(1, PairSampler(set(), choice_), 40));
}

TEST_F(Sampler, DamagedPairIsReplacedByTheNext) {
  put(150);
  write_file(target(17), std::string());
  const PairSampler sampler(set(), choice_);
  testing::internal::CaptureStderr();
  std::vector<size_t> order(150);
  for (int64_t i = 0; i < 150; ++i) sampler.sample(i, &order[size_t(i)]);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("17.jpg: is empty"));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1);
  EXPECT_THAT(sampler.damage().lines(), testing::ElementsAre(HasSubstr("17.jpg: is empty")));
  EXPECT_EQ(std::ranges::count(order, 17u), 0);
  // All others are there, one of them twice.
  EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(), 149u);
}

TEST_F(Sampler, TooMuchDamageStops) {
  put(150);
  write_file(target(17), std::string());
  write_file(target(18), std::string());
  const PairSampler sampler(set(), choice_);
  EXPECT_THAT(error_of([&] {
                for (int64_t i = 0; i < 150; ++i) sampler.sample(i);
              }),
              AllOf(HasSubstr("2 of 150"), HasSubstr(".jpg: is empty")));
}

TEST_F(Sampler, InterruptedIsNotDamaged) {
  put(150);
  const PairSampler sampler(InterruptedAtItsEnd::of(set()), choice_);
  testing::internal::CaptureStderr();
  const std::string error = error_of([&] {
    for (int64_t i = 0; i < 150; ++i) sampler.sample(i);
  });
  set_interrupted(false);
  EXPECT_EQ(error, "interrupted");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(sampler.damage().count(), 0u);
}

TEST(Shuffled, IsAPermutationOfEachRound) {
  for (const size_t count : {1, 2, 3, 17, 64, 1000}) {
    std::vector<size_t> first, second;
    for (size_t i = 0; i < count; ++i) {
      first.push_back(shuffled(i, count, 5, 0));
      second.push_back(shuffled(i, count, 5, 1));
    }
    EXPECT_EQ(std::set(first.begin(), first.end()).size(), count);
    EXPECT_EQ(*std::ranges::max_element(first), count - 1);
    if (count > 10) {
      EXPECT_NE(first, second);
    }
  }
}

TEST_F(Sampler, PatchLargerThanThePairsIsNamed) {
  put(3);
  choice_.patch = 12;
  const PairSampler sampler(set(), choice_);
  EXPECT_THAT(error_of([&] { sampler.sample(0); }), HasSubstr("smaller than a patch of 12"));
  choice_.patch = 5;
  EXPECT_THAT(error_of([&] { PairSampler(set(), choice_); }), HasSubstr("even side"));
  choice_.patch = 0;
  EXPECT_THAT(error_of([&] { PairSampler(set(), choice_); }), HasSubstr("0 pixels"));
}

}  // namespace
}  // namespace hyperconv
