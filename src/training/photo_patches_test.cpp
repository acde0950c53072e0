#include "training/photo_patches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/testing.hpp"
#include "image/image.hpp"
#include "simulation/scene.hpp"
#include "training/told_grain.hpp"

namespace hyperconv {
namespace {

class PhotoPatches : public testing::Test {
 protected:
  PhotoPatches() {
    write_image(folder_ / "a.png", to_u8(painted_scene(96, 80)));
    pool_ = std::make_shared<const PhotoPool>(folder_.path(), 1, 64);
  }

  MixedPatches mix(uint64_t seed) const {
    std::vector<MixedPatches::Part> parts;
    parts.push_back({3, std::make_unique<CameraNoisePatches>(pool_, CameraNoiseData{}, 64, seed)});
    parts.push_back({1, std::make_unique<CleanPatches>(pool_, CleanData{}, 64, seed + 1)});
    return {std::move(parts), seed};
  }

  TemporaryFolder folder_;
  std::shared_ptr<const PhotoPool> pool_;
};

TEST_F(PhotoPatches, CleanOnesAreTheirOwnTargets) {
  const Batch batch = CleanPatches(pool_, CleanData{}, 64, 1).make(0, 3);
  EXPECT_EQ(batch.input.sizes(), (std::vector<int64_t>{3, 3, 64, 64}));
  EXPECT_TRUE(torch::equal(batch.input, batch.target));
  EXPECT_GT(batch.input.std().item<double>(), 0.05);
}

TEST_F(PhotoPatches, CamerasAddNoiseAroundThePhoto) {
  const Batch batch = CameraNoisePatches(pool_, CameraNoiseData{}, 64, 1).make(0, 16);
  const torch::Tensor noise = batch.input - batch.target;
  EXPECT_GT(noise.std().item<double>(), 0.01);
  EXPECT_LT(noise.mean().abs().item<double>(), 0.01);
  // From photo to photo it differs.
  const torch::Tensor each = noise.flatten(1).std(1);
  EXPECT_GT(each.max().item<double>(), 3 * each.min().item<double>());
}

TEST_F(PhotoPatches, AMixtureKeepsItsShares) {
  const MixedPatches mixed = mix(1);
  int64_t second = 0;
  for (int64_t i = 0; i < 4000; ++i) second += int64_t(mixed.part_of(i));
  EXPECT_NEAR(double(second), 1000, 100);  // sqrt(4000 3/16) = 27
}

TEST_F(PhotoPatches, ASampleDependsOnItsNumberAlone) {
  const Batch all = mix(1).make(5, 8);
  for (int64_t i = 0; i < 8; ++i) {
    const Batch one = mix(1).make(5 + i, 1);
    EXPECT_TRUE(torch::equal(one.input[0], all.input[i]));
    EXPECT_TRUE(torch::equal(one.target[0], all.target[i]));
    EXPECT_TRUE(torch::equal(one.noise[0], all.noise[i]));
    const bool is_clean = torch::equal(one.input, one.target);
    EXPECT_EQ(is_clean, mix(1).part_of(5 + i) == 1);
  }
  EXPECT_FALSE(torch::equal(mix(2).make(5, 8).input, all.input));
}

// Noise of 0.1 in each colour: luma's level is 0.075, whose logarithm plus 4, of 1.5, is 0.94; told
// with errors of 0.12 and 0.12 in the logarithm, that is 0.11 in the condition. A patch without
// texture shows what it has.
TEST(ToldGrain, IsTheSamplesOwnWithAnEstimatesErrors) {
  torch::manual_seed(1);
  Batch batch;
  batch.target = torch::full({200, 3, 64, 64}, 0.4);
  batch.input = batch.target + 0.1 * torch::randn(batch.target.sizes());
  batch.noise = torch::empty({200, grain_condition_size});
  for (int64_t i = 0; i < 200; ++i) {
    Random random(5, uint64_t(i));
    tell_grain(batch, i, random);
  }
  const torch::Tensor told = batch.noise.select(1, 1);  // of luma's second range of brightness
  EXPECT_NEAR(told.median().item<double>(), 0.94, 0.06);
  EXPECT_NEAR(told.std().item<double>(), 0.11, 0.04);
}

// Texture in a clean photo shows as noise of 0.1: an estimate says anything from none to that.
TEST(ToldGrain, LiesBetweenWhatIsThereAndWhatShows) {
  Grain seen;
  seen.luma.level.fill(0.1f);
  std::vector<double> levels;
  for (uint64_t i = 0; i < 400; ++i) {
    Random random(7, i);
    levels.push_back(std::log(misjudged(Grain{}, seen, random).luma.level[0]));
  }
  std::ranges::sort(levels);
  const double least = std::log(1.0 / 1024), most = std::log(0.1);
  EXPECT_GT(levels.front(), least - 0.8);
  EXPECT_LT(levels.back(), most + 0.8);
  // The median of 400 even shares has a deviation of 0.025; three of them, of 4.6, are 0.35.
  for (const double share : {0.25, 0.5, 0.75})
    EXPECT_NEAR(levels[size_t(share * 400)], std::lerp(least, most, share), 0.36);
}

// Nothing can be seen where all is white: what is told is what is there. Rows that differ by 0.02
// have one of three details in one of three octaves: a level of 0.02 / 3, of which the tenth would
// have 0.88. Were it told as if an estimate had said "none", it would be 0.8 lower in the mean.
TEST(ToldGrain, IsTheTruthWhereNothingShows) {
  Batch batch;
  batch.target = torch::full({1, 3, 64, 64}, 1.01);
  batch.input = torch::ones({1, 3, 64, 64});
  batch.input.slice(2, 0, 64, 2).fill_(1.02);
  batch.noise = torch::empty({1, grain_condition_size});
  double mean = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(8, seed);
    tell_grain(batch, 0, random);
    mean += batch.noise[0][3].item<double>() / 100;
  }
  EXPECT_NEAR(mean, (std::log(0.02 / 3 / 0.88) + 4) / 1.5, 0.05);  // errors of 0.11 each
}

TEST_F(PhotoPatches, AMixtureSaysWhatItIsOf) {
  EXPECT_THAT(mix(1).description(), testing::AllOf(testing::HasSubstr("75 % patches 64x64"),
                                                   testing::HasSubstr("25 % patches 64x64"),
                                                   testing::HasSubstr("as they are")));
}

}  // namespace
}  // namespace hyperconv
