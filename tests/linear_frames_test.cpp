// Frames that have three colours at every pixel, or brightness alone, through the whole program,
// with the model that ships for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "metrics/metrics.hpp"
#include "program.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"
#include "raw/mosaic.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr int width = 200, height = 150;
constexpr NoiseProfile strong{4e-3, 2e-5};

class LinearFiles : public testing::Test {
 protected:
  LinearFiles() {
    write("linear.dng", {.demosaicking = Demosaicking::malvar}, 1);
    write("bright.dng", {}, 2);
    write("grey.dng", {.is_monochrome = true}, 1);
  }

  /// As DNG, and what is to come out of it.
  void write(const std::string& name, const LinearShot& shot, double exposure) {
    const SimulatedCamera camera = standard_camera();
    const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
    Random random(1);
    const SensorSettings sensor{.bits = 14, .noise = strong, .exposure = exposure};
    LinearTake take = take_linear(scene, camera, sensor, shot, NormalNumbers::one_by_one, random);
    const LinearFrame frame = linear_frame(take, camera, sensor, shot);
    write_linear_dng(folder_ / name, frame.light, frame.facts);
    truths_[name] = shot.is_monochrome
                        ? grey_picture(mean_of_colours(take.clean), 1)
                        : srgb_picture(take.clean, camera_to_srgb(camera.xyz_to_camera));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& in, const std::string& out,
                  const std::vector<std::string>& more = {},
                  const Circumstances& circumstances = {}) const {
    // Which precision is faster is measured, and on a busy machine differs from run to run.
    std::vector<std::string> all = {"enhance",     path(in), "-o",          path(out),
                                    "--overwrite", "--json", "--precision", "f32"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all, circumstances);
  }

  nlohmann::json facts_of(const std::string& in, const std::string& out,
                          const std::vector<std::string>& more = {}) const {
    const Outcome run = enhance(in, out, more);
    EXPECT_EQ(run.status, 0) << run.errors;
    return nlohmann::json::parse(run.output, nullptr, false);
  }

  double psnr_of(const std::string& in, const std::string& picture) {
    return psnr(truths_[in], read_image(path(picture)));
  }

  TemporaryFolder folder_;
  std::map<std::string, Image> truths_;
};

/// A folder of models without the one for such frames.
class WithoutTheirModel : public LinearFiles {
 protected:
  WithoutTheirModel() {
    fs::create_directories(folder_ / "models");
    for (const char* name : {"develop.safetensors", "denoise.safetensors"})
      fs::copy_file(fs::path(HYPERCONV_SOURCE_DIR) / "models" / name, folder_ / "models" / name);
  }

  Outcome enhance(const std::string& in, const std::string& out,
                  const std::vector<std::string>& more = {}) const {
    return LinearFiles::enhance(in, out, more,
                                {.shell = "export HYPERCONV_MODELS=" + path("models")});
  }
};

TEST_F(LinearFiles, AreDevelopedByTheirModel) {
  for (const std::string name : {"linear.dng", "grey.dng"}) {
    const auto json = facts_of(name, "o.png");
    EXPECT_THAT(json["model"].get<std::string>(), HasSubstr("develop-rgb.safetensors"));
    EXPECT_EQ(json["noise"]["source"], "file");
    const double clean = psnr_of(name, "o.png");
    facts_of(name, "grain.png", {"--strength", "0"});
    EXPECT_GT(clean, psnr_of(name, "grain.png") + 1.5) << name;
  }
}

TEST_F(WithoutTheirModel, TheyAreCleanedAsPhotosAreAndSayIt) {
  const Outcome run = enhance("linear.dng", "o.png");
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("noise is removed as of a photo"));
  EXPECT_THAT(run.output, HasSubstr("denoise.safetensors"));
  const double as_photo = psnr_of("linear.dng", "o.png");
  facts_of("linear.dng", "p.png");
  EXPECT_GT(psnr_of("linear.dng", "p.png"), as_photo);
}

TEST_F(LinearFiles, StrengthPreviewAndNoiseMapAreTheirsToo) {
  for (const std::string name : {"linear.dng", "grey.dng"}) {
    const auto whole = facts_of(name, "o.png", {"--noise-map", path("map.png")});
    const Image picture = read_image(path("o.png")), map = read_image(path("map.png"));
    EXPECT_EQ(map.width, picture.width);
    EXPECT_EQ(map.channels, picture.channels);
    const auto& levels = std::get<std::vector<uint16_t>>(map.samples);
    EXPECT_GT(*std::ranges::max_element(levels), 0);
    ASSERT_EQ(facts_of(name, "part.png", {"--preview", "20,30,50,40"})["width"], 50);
    const Image part = read_image(path("part.png"));
    const auto channels = size_t(picture.channels);
    const auto row = [&](const Image& image, size_t y, size_t x) {
      return std::get<std::vector<uint16_t>>(
          image.samples)[(y * size_t(image.width) + x) * channels];
    };
    for (size_t x = 0; x < 50; ++x) ASSERT_EQ(row(part, 7, x), row(picture, 37, 20 + x));
    facts_of(name, "half.png", {"--strength", "0.5"});
    const double half = psnr_of(name, "half.png");
    facts_of(name, "none.png", {"--strength", "0"});
    EXPECT_LT(half, psnr_of(name, "o.png")) << name;
    EXPECT_GT(half, psnr_of(name, "none.png")) << name;
  }
}

TEST_F(LinearFiles, BecomeCleanDngsOfTheirOwnKind) {
  for (const auto& [name, channels] :
       {std::pair<std::string, int>{"linear.dng", 3}, {"grey.dng", 1}}) {
    const auto json = facts_of(name, "o.dng");
    EXPECT_EQ(json["dng"]["noise_reduction_applied"], 1);
    const auto frame = std::get<LinearFrame>(read_raw_frame(folder_ / "o.dng"));
    EXPECT_EQ(frame.light.shape(), (Shape{1, channels, height, width}));
    ASSERT_TRUE(frame.facts.noise);
    EXPECT_LT(frame.facts.noise->shot, strong.shot / 4);
    // Not twice.
    const Outcome again = enhance("o.dng", "p.png");
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.errors, HasSubstr("its noise was removed already by hyperconv"));
  }
}

TEST_F(LinearFiles, AreRenderedAsMosaicsAre) {
  const auto as_shot = facts_of("bright.dng", "o.png")["white_balance"];
  EXPECT_NE(facts_of("bright.dng", "o.png", {"--white-balance", "3200"})["white_balance"], as_shot);
  EXPECT_NE(facts_of("bright.dng", "o.png", {"--white-balance", "auto"})["white_balance"], as_shot);
  const auto whites = [&](const std::vector<std::string>& more) {
    facts_of("bright.dng", "o.png", more);
    return std::ranges::count_if(std::get<std::vector<uint16_t>>(read_image(path("o.png")).samples),
                                 [](uint16_t sample) { return sample > 65000; });
  };
  const auto clipped = whites({});
  ASSERT_GT(clipped, 100);
  for (const std::string mode : {"blend", "rebuild"})
    EXPECT_LT(whites({"--highlights", mode}), clipped) << mode;
  const Outcome grey = enhance("grey.dng", "o.png", {"--white-balance", "auto"});
  EXPECT_EQ(grey.status, 1);
  EXPECT_THAT(grey.errors, HasSubstr("is monochrome; --white-balance would have no effect"));
  const Outcome mosaic = enhance("linear.dng", "o.dng", {"--mosaic"});
  EXPECT_EQ(mosaic.status, 1);
  EXPECT_THAT(mosaic.errors, HasSubstr("--mosaic is for files that hold a mosaic"));
}

TEST_F(LinearFiles, EvaluateMeasuresThemBesideTheDenoiser) {
  fs::create_directories(folder_ / "photos");
  write_image(folder_ / "photos/a.png", to_u8(painted_scene(96, 80)));
  const std::string model = std::string(HYPERCONV_SOURCE_DIR) + "/models/develop-rgb.safetensors";
  const std::vector<std::string> ask = {"evaluate",     "--model",  model, "--data",
                                        path("photos"), "--shrink", "1",   "--json"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ask.begin(), ask.end());
    const Outcome outcome = run_program(more);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return nlohmann::json::parse(outcome.output)["levels"][2];
  };
  const auto measured = run({});
  EXPECT_GT(measured["psnr"], measured["baselines"]["noisy"]["psnr"]);
  EXPECT_TRUE(measured["baselines"].contains("denoiser"));
  EXPECT_NE(run({"--frames", "ahd"})["psnr"], measured["psnr"]);
  EXPECT_NE(run({"--estimate"})["psnr"], measured["psnr"]);
  EXPECT_EQ(run({"--estimate"})["baselines"], measured["baselines"]);
  const Outcome bayer =
      run_program({"evaluate", "--data", path("photos"), "--frames", "ahd", "--model",
                   std::string(HYPERCONV_SOURCE_DIR) + "/models/develop.safetensors"});
  EXPECT_EQ(bayer.status, 1);
  EXPECT_THAT(bayer.errors, HasSubstr("--frames is for models of three-colours"));
}

TEST_F(LinearFiles, AModelForMosaicsLeavesThemAsTheyAre) {
  const Outcome run =
      enhance("linear.dng", "o.png",
              {"--model", std::string(HYPERCONV_SOURCE_DIR) + "/models/develop.safetensors"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("no noise is removed"));
}

}  // namespace
}  // namespace hyperconv
