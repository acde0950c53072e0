#include "data/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "data/data_testing.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Stream : public testing::Test {
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
  PatchChoice choice_{.patch = 6, .batch = 4, .seed = 9};
};

TEST_F(Stream, EveryEpochIsAPermutationOfItsOwn) {
  put(10);
  DamageLog damage(set());
  const PairSampler sampler(set(), choice_, damage);
  std::set<std::vector<size_t>> orders;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    std::vector<size_t> order(10);
    for (int64_t i = 0; i < 10; ++i) sampler.sample(10 * epoch + i, &order[size_t(i)]);
    orders.insert(order);
    EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(), 10u);
  }
  EXPECT_EQ(orders.size(), 5u);
}

TEST_F(Stream, BatchHoldsWhatItSays) {
  put(10);
  DamageLog damage(set());
  const PairBatch batch = PairSampler(set(), choice_, damage).batch(3);
  EXPECT_EQ(batch.input.shape(), (Shape{4, 4, 3, 3}));
  EXPECT_EQ(batch.target.shape(), (Shape{4, 3, 6, 6}));
  ASSERT_EQ(batch.pairs.size(), 4u);
  for (int64_t n = 0; n < 4; ++n) {
    const auto i = float(batch.pairs[size_t(n)]);
    EXPECT_EQ(batch.input.at(n, 0, 0, 0), i / 1020);
    EXPECT_EQ(batch.input.at(n, 3, 2, 2), i / 1020);
    EXPECT_NEAR(batch.target.at(n, 1, 5, 5), i / 255, 1e-6);
  }
}

TEST_F(Stream, IsTheSameWithAnyNumberOfThreadsAndFromAnyStart) {
  put_zrr(folder_.path(), 7);
  choice_.patch = 4;
  const PairSet pairs = set();
  const auto take = [&](int workers, int64_t first) {
    DamageLog damage(pairs);
    const PairSampler sampler(pairs, choice_, damage);
    PairStream stream(sampler, first, workers);
    std::vector<std::vector<float>> result;
    for (int64_t i = first; i < 12; ++i) {
      const PairBatch batch = stream.next();
      result.push_back(values(batch.input));
      result.push_back(values(batch.target));
    }
    return result;
  };
  const auto one = take(1, 0);
  EXPECT_EQ(one, take(5, 0));
  const auto late = take(3, 5);
  EXPECT_EQ(std::vector(one.begin() + 10, one.end()), late);
  EXPECT_NE(one[0], one[2]);
  choice_.seed = 10;
  EXPECT_NE(one, take(1, 0));
}

TEST_F(Stream, DamagedPairIsReplacedByTheNext) {
  put(150);
  write_file(target(17), std::string());
  const PairSet pairs = set();
  const auto take = [&](int workers) {
    DamageLog damage(pairs);
    const PairSampler sampler(pairs, choice_, damage);
    PairStream stream(sampler, 0, workers);
    std::vector<size_t> order;
    for (int i = 0; i < 80; ++i) {
      const PairBatch batch = stream.next();
      order.insert(order.end(), batch.pairs.begin(), batch.pairs.end());
    }
    EXPECT_THAT(damage.lines(), testing::ElementsAre(HasSubstr("17.jpg: is empty")));
    return order;
  };
  const auto order = take(1);
  EXPECT_EQ(order, take(4));
  EXPECT_EQ(std::ranges::count(order, 17u), 0);
  // All others are there, one of them twice.
  EXPECT_EQ(std::set<size_t>(order.begin(), order.begin() + 150).size(), 149u);
}

TEST_F(Stream, TooMuchDamageStops) {
  put(150);
  write_file(target(17), std::string());
  write_file(target(18), std::string());
  DamageLog damage(set());
  const PairSampler sampler(set(), choice_, damage);
  PairStream stream(sampler, 0, 3);
  EXPECT_THAT(error_of([&] {
                for (int i = 0; i < 80; ++i) stream.next();
              }),
              AllOf(HasSubstr("2 of 150"), HasSubstr(".jpg: is empty")));
}

TEST_F(Stream, PatchLargerThanThePairsIsNamed) {
  put(3);
  choice_.patch = 12;
  DamageLog damage(set());
  const PairSampler sampler(set(), choice_, damage);
  EXPECT_THAT(error_of([&] { sampler.sample(0); }), HasSubstr("smaller than a patch of 12"));
  choice_.patch = 5;
  EXPECT_THAT(error_of([&] { PairSampler(set(), choice_, damage); }), HasSubstr("even side"));
  choice_.patch = 0;
  EXPECT_THAT(error_of([&] { PairSampler(set(), choice_, damage); }), HasSubstr("0 pixels"));
}

}  // namespace
}  // namespace hyperconv
