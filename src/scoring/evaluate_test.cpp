#include "scoring/evaluate.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

class Evaluate : public testing::Test {
 protected:
  Evaluate()
      : developer_(std::make_shared<const Model>(untrained(hyper_unet({.width = 4}), {}, 1))) {
    write_image(folder_ / "a.png", painted_scene(120, 90));
    write_image(folder_ / "b.png", painted_scene(90, 120));
  }

  TemporaryFolder folder_;
  Developer developer_;
};

TEST_F(Evaluate, IsReproducibleAndNoiseLowersTheBaselines) {
  const Evaluation a = evaluate_develop(developer_, folder_.path(), {});
  const Evaluation b = evaluate_develop(developer_, folder_.path(), {});
  EXPECT_EQ(a.images, 2);
  ASSERT_EQ(a.levels.size(), std::size(evaluation_levels));
  for (size_t i = 0; i < a.levels.size(); ++i) {
    EXPECT_EQ(a.levels[i].model.psnr, b.levels[i].model.psnr);
    EXPECT_EQ(a.levels[i].rivals[0].ssim, b.levels[i].rivals[0].ssim);
    EXPECT_FALSE(a.levels[i].model.ms_ssim.has_value());
    if (i > 0) {
      EXPECT_LT(a.levels[i].rivals[0].psnr, a.levels[i - 1].rivals[0].psnr);
      EXPECT_LT(a.levels[i].rivals[1].psnr, a.levels[i - 1].rivals[1].psnr);
    }
  }
  const Evaluation other = evaluate_develop(developer_, folder_.path(), {.seed = 2});
  EXPECT_NE(other.levels[1].rivals[0].psnr, a.levels[1].rivals[0].psnr);
}

TEST_F(Evaluate, ABadPhotoIsSkippedAndNamed) {
  write_file(folder_ / "c.png", "no picture");
  const Evaluation evaluation = evaluate_develop(developer_, folder_.path(), {});
  EXPECT_EQ(evaluation.images, 2);
  ASSERT_EQ(evaluation.skipped.size(), 1u);
  EXPECT_NE(evaluation.skipped[0].find("c.png"), std::string::npos);
}

TEST_F(Evaluate, NothingUsableIsAnError) {
  EXPECT_THROW(evaluate_develop(developer_, folder_ / "none", {}), Error);
  TemporaryFolder bad;
  write_file(bad / "c.png", "no picture");
  EXPECT_THROW(evaluate_develop(developer_, bad.path(), {}), Error);
}

}  // namespace
}  // namespace hyperconv
