// Fujifilm's X-Trans through the whole program, with the model that ships for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "metrics/metrics.hpp"
#include "program.hpp"
#include "raw/colour.hpp"
#include "raw/mosaic.hpp"
#include "simulation/libraw_demosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class XTransFiles : public testing::Test {
 protected:
  XTransFiles() {
    const SimulatedCamera camera = standard_camera();
    scene_ = scene_in_camera_colours(linear_srgb(painted_scene(200, 150)), camera);
    Random random(1);
    const SensorSettings sensor{.cfa = XTrans{2, 1}, .bits = 14, .noise = {1e-3, 1e-6}};
    mosaic_ = expose(scene_, camera, sensor, random);
    truth_ = srgb_picture(clean_camera_rgb(scene_, camera, sensor),
                          camera_to_srgb(camera.xyz_to_camera));
    write_dng(folder_ / "fuji.dng", mosaic_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  Tensor scene_;
  Mosaic mosaic_;
  Image truth_;
};

TEST_F(XTransFiles, AreDevelopedBetterThanLibRawDoes) {
  const Outcome run = run_program({"enhance", path("fuji.dng"), "-o", path("o.png"), "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_THAT(json["model"].get<std::string>(), HasSubstr("develop-xtrans.safetensors"));
  const Image ours = read_image(path("o.png"));
  const Image theirs = srgb_picture(demosaic_with_libraw(mosaic_, LibRawMethod::markesteijn_3),
                                    camera_to_srgb(*mosaic_.xyz_to_camera));
  // LibRaw removes no noise: it is far behind.
  EXPECT_GT(psnr(truth_, ours), psnr(truth_, theirs) + 3);
}

TEST_F(XTransFiles, InfoSaysWhatTheyAre) {
  const Outcome run = run_program({"info", path("fuji.dng"), "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["sensor"], "x-trans");
  EXPECT_EQ(json["width"], 200);
}

TEST_F(XTransFiles, AModelSaysWhatItIsFor) {
  const Outcome run = run_program(
      {"info", std::string(HYPERCONV_SOURCE_DIR) + "/models/develop-xtrans.safetensors", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["packing"], "x-trans");
  EXPECT_EQ(json["domain"], "stabilised");
}

TEST_F(XTransFiles, AModelForBayerIsRefusedByName) {
  const Outcome run = run_program(
      {"enhance", "--model", std::string(HYPERCONV_SOURCE_DIR) + "/models/develop.safetensors",
       path("fuji.dng"), "-o", path("o.png")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("develops frames of bayer, and this one is x-trans"));
  EXPECT_THAT(run.errors, HasSubstr("fuji.dng"));
}

TEST_F(XTransFiles, BecomeALinearDng) {
  const Outcome run = run_program({"enhance", path("fuji.dng"), "-o", path("o.dng")});
  ASSERT_EQ(run.status, 0) << run.errors;
  const RawFrame frame = read_raw_frame(path("o.dng"));
  ASSERT_TRUE(std::holds_alternative<LinearFrame>(frame));
  EXPECT_EQ(std::get<LinearFrame>(frame).light.shape(), (Shape{1, 3, 150, 200}));
}

TEST_F(XTransFiles, BecomeACleanMosaicOfTheSamePattern) {
  const auto shot_with = [&](const NoiseProfile& noise) {
    Random random(1);
    return expose(scene_, standard_camera(), {.cfa = XTrans{2, 1}, .bits = 14, .noise = noise},
                  random);
  };
  const Mosaic noisy = shot_with({1.2e-2, 2.2e-4}), truth = shot_with({});
  write_dng(folder_ / "noisy.dng", noisy);
  const Outcome run = run_program({"enhance", "--mosaic", path("noisy.dng"), "-o", path("o.dng")});
  ASSERT_EQ(run.status, 0) << run.errors;
  const Mosaic clean = read_camera_file(path("o.dng"));
  ASSERT_NE(clean.cfa.x_trans(), nullptr);
  ASSERT_EQ(clean.width, 200);
  for (int i = 0; i < 36; ++i)
    EXPECT_EQ(cfa_colour(clean.cfa, i / 6, i % 6), cfa_colour(noisy.cfa, i / 6, i % 6));
  const auto error_of = [&](const Mosaic& mosaic) {
    double sum = 0;
    for (size_t i = 0; i < truth.samples.size(); ++i) {
      const auto light = [&](const Mosaic& m) {
        return (m.samples[i] - m.black[0]) / (m.white - m.black[0]);
      };
      sum += std::pow(light(mosaic) - light(truth), 2);
    }
    return sum;
  };
  EXPECT_LT(error_of(clean), 0.5 * error_of(noisy));
}

}  // namespace
}  // namespace hyperconv
