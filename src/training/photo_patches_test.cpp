#include "training/photo_patches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/testing.hpp"
#include "image/image.hpp"
#include "simulation/scene.hpp"

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
    parts.push_back({1, std::make_unique<CleanPatches>(pool_, 1, 64, seed + 1)});
    return {std::move(parts), seed};
  }

  TemporaryFolder folder_;
  std::shared_ptr<const PhotoPool> pool_;
};

TEST_F(PhotoPatches, CleanOnesAreTheirOwnTargets) {
  const Batch batch = CleanPatches(pool_, 1, 64, 1).make(0, 3);
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
    const bool is_clean = torch::equal(one.input, one.target);
    EXPECT_EQ(is_clean, mix(1).part_of(5 + i) == 1);
  }
  EXPECT_FALSE(torch::equal(mix(2).make(5, 8).input, all.input));
}

TEST_F(PhotoPatches, AMixtureSaysWhatItIsOf) {
  EXPECT_THAT(mix(1).description(), testing::AllOf(testing::HasSubstr("75 % patches 64x64"),
                                                   testing::HasSubstr("25 % patches 64x64"),
                                                   testing::HasSubstr("as they are")));
}

}  // namespace
}  // namespace hyperconv
