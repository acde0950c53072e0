#include "training/pair_patches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/testing.hpp"
#include "data/data_testing.hpp"
#include "training/sources.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// Pairs of 32x24 samples in Zurich RAW-to-DSLR's layout.
void put_pairs(const std::filesystem::path& part, int count) {
  for (int i = 0; i < count; ++i) {
    put_picture(part / "huawei_raw" / (std::to_string(i) + ".png"), random_mosaic(32, 24, i));
    put_picture(part / "canon" / (std::to_string(i) + ".jpg"), random_photo(32, 24, 1000 + i));
  }
}

TEST(PairPatches, AreTheSameWhateverTheyAreMadeWith) {
  const TemporaryFolder folder;
  put_pairs(folder / "train", 5);
  const PairSet set = find_pairs(folder.path());
  const PairPatches source(set, {.patch = 16, .seed = 3});
  const Batch all = source.make(0, 12);
  EXPECT_EQ(all.input.sizes(), (std::vector<int64_t>{12, 4, 8, 8}));
  EXPECT_EQ(all.target.sizes(), (std::vector<int64_t>{12, 3, 16, 16}));
  EXPECT_FALSE(all.camera_to_srgb.defined());
  const Batch some = source.make(7, 3);
  EXPECT_TRUE(torch::equal(some.input, all.input.narrow(0, 7, 3)));
  EXPECT_TRUE(torch::equal(some.target, all.target.narrow(0, 7, 3)));
  const PairPatches other(set, {.patch = 16, .seed = 4});
  EXPECT_FALSE(torch::equal(other.make(7, 3).input, some.input));
}

TEST(FixedPatches, ShowEveryWindowOnceAnEpoch) {
  const TemporaryFolder folder;
  put_pairs(folder / "train", 7);
  Recipe recipe;
  recipe.data.source = PairData{
      .pairs = folder.path(), .augment = false, .limit = 4, .first = 2, .label_noise = 0.2};
  recipe.data.patch = 16;
  recipe.network = "hyper-iii";
  const auto source = training_source(recipe);
  EXPECT_THAT(source->description(), HasSubstr("the same 4"));
  const Batch two = source->make(0, 8), part = source->make(3, 2);
  EXPECT_TRUE(torch::equal(part.target, two.target.narrow(0, 3, 2)));
  const auto sums = [&](int64_t epoch) {
    std::vector<float> all;
    for (int64_t i = 0; i < 4; ++i) all.push_back(two.target[4 * epoch + i].sum().item<float>());
    std::sort(all.begin(), all.end());
    return all;
  };
  // Four different windows, and the same ones again, noise included.
  const std::vector<float> first = sums(0);
  EXPECT_EQ(first, sums(1));
  EXPECT_EQ(std::set<float>(first.begin(), first.end()).size(), 4u);
}

TEST(Sources, RefusePairsOfAnotherTask) {
  const TemporaryFolder folder;
  put_pairs(folder / "train", 2);
  put_pairs(folder / "test", 2);
  Recipe recipe;
  recipe.data.source = PairData{.pairs = folder.path()};
  recipe.data.patch = 16;
  recipe.network = "hyper-iii";
  EXPECT_EQ(training_source(recipe)->make(0, 2).size(), 2);
  EXPECT_EQ(validation_source(recipe), nullptr);
  recipe.training.validate_every = 10;
  EXPECT_NE(validation_source(recipe), nullptr);
  recipe.network = "vdn";
  EXPECT_THAT(error_of([&] { training_source(recipe); }), HasSubstr("denoise"));
  recipe.data.source = SimulatedData{.photos = {folder.path()}};
  EXPECT_THAT(error_of([&] { training_source(recipe); }), HasSubstr("simulated"));
}

}  // namespace
}  // namespace hyperconv
