// The DNGs that hyperconv enhance writes: for raw converters, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr int width = 160, height = 128;

/// The same scene with other noise of the sensor.
Mosaic shot_with(const NoiseProfile& noise) {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
  Random random(1);
  SensorSettings sensor;
  sensor.cfa = Cfa::gbrg;
  sensor.noise = noise;
  Mosaic mosaic = expose(scene, camera, sensor, random);
  mosaic.shot = {"Maker", "Model 1", "50mm F1.8", "2024:02:29 23:59:58", 800, 1.0 / 250, 1.8, 50};
  return mosaic;
}

constexpr NoiseProfile strong{4e-3, 2e-5};

class DngOut : public testing::Test {
 protected:
  DngOut() { write_dng(folder_ / "a.dng", shot_with(strong)); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& in, const std::string& out,
                  const std::vector<std::string>& options = {}) const {
    std::vector<std::string> all = {"enhance", path(in), "-o", path(out), "--overwrite"};
    all.insert(all.end(), options.begin(), options.end());
    return run_program(all);
  }

  /// What --json says of the DNG.
  nlohmann::json dng(const std::string& in, const std::string& out,
                     std::vector<std::string> options = {}) const {
    options.push_back("--json");
    const Outcome run = enhance(in, out, options);
    EXPECT_EQ(run.status, 0) << run.errors;
    return run.status == 0 ? nlohmann::json::parse(run.output)["dng"] : nlohmann::json();
  }

  void expect_refusal(const std::string& in, const std::string& out,
                      const std::vector<std::string>& options, const std::string& reason) const {
    fs::remove(folder_ / out);
    const Outcome run = enhance(in, out, options);
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.errors, HasSubstr(path(in)));
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_FALSE(fs::exists(folder_ / out));
  }

  std::string text_of(const std::string& name) const {
    const auto bytes = read_file(folder_ / name);
    return {bytes.begin(), bytes.end()};
  }

  TemporaryFolder folder_;
};

/// Between black and white.
double level(const Mosaic& mosaic, size_t i) {
  const auto y = i / size_t(mosaic.width), x = i % size_t(mosaic.width);
  const double black = mosaic.black[2 * (y % 2) + x % 2];
  return (mosaic.samples[i] - black) / (mosaic.white - black);
}

double mean_square(const Mosaic& a, const Mosaic& b) {
  double sum = 0;
  for (size_t i = 0; i < a.samples.size(); ++i) sum += std::pow(level(a, i) - level(b, i), 2);
  return sum / double(a.samples.size());
}

TEST_F(DngOut, AMosaicComesOutAsAMosaicWithoutItsNoise) {
  const auto json = dng("a.dng", "m.dng", {"--mosaic"});
  EXPECT_EQ(json["samples"], "mosaic");
  EXPECT_EQ(json["compression"], "lossless-jpeg");
  EXPECT_EQ(json["noise_reduction_applied"], 1);
  const Mosaic noisy = read_camera_file(folder_ / "a.dng");
  const Mosaic clean = read_camera_file(folder_ / "m.dng"), truth = shot_with({});
  ASSERT_EQ(clean.width, width);
  ASSERT_EQ(clean.height, height);
  EXPECT_EQ(clean.cfa, Cfa::gbrg);
  for (size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(clean.white_balance[c], noisy.white_balance[c], 1e-5 * noisy.white_balance[c]);
  EXPECT_EQ(clean.shot.lens, "50mm F1.8");
  EXPECT_LT(mean_square(clean, truth), mean_square(noisy, truth) / 1.8);
  // What is left is told, and is less than what was there.
  EXPECT_LT(json["noise_left"]["shot"], strong.shot / 4);
  ASSERT_TRUE(clean.noise);
  EXPECT_NEAR(clean.noise->shot, json["noise_left"]["shot"].get<double>(), 1e-9);
}

TEST_F(DngOut, ALinearDngHasTheLightOfItsMosaic) {
  EXPECT_EQ(dng("a.dng", "l.dng")["samples"], "linear");
  const Mosaic noisy = read_camera_file(folder_ / "a.dng");
  const RawFrame frame = read_raw_frame(folder_ / "l.dng");
  const Tensor& light = std::get<LinearFrame>(frame).light;
  const double least = *std::ranges::min_element(noisy.white_balance);
  std::array<double, 3> seen{}, made{};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto colour = size_t(cfa_colour(noisy.cfa, y, x));
      const double gain = noisy.white_balance[colour] / least;
      seen[colour] += std::min(level(noisy, size_t(y * width + x)) * gain, 1.0);
      made[colour] += double(light.row(0, int64_t(colour), y)[x]);
    }
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(made[c] / seen[c], 1, 0.02) << c;
}

TEST_F(DngOut, KeepsAsMuchNoiseAsWasWantedAndSaysSo) {
  const auto clean = dng("a.dng", "c.dng", {"--mosaic"});
  const auto half = dng("a.dng", "h.dng", {"--mosaic", "--strength", "0.5"});
  const auto all = dng("a.dng", "n.dng", {"--mosaic", "--strength", "0"});
  EXPECT_EQ(half["noise_reduction_applied"], 0.5);
  EXPECT_FALSE(all.contains("noise_reduction_applied"));
  EXPECT_NEAR(all["noise_left"]["shot"].get<double>() / strong.shot, 1, 0.5);
  const double ratio =
      half["noise_left"]["shot"].get<double>() / all["noise_left"]["shot"].get<double>();
  EXPECT_GT(ratio, 0.1);  // a quarter of the variance is half of the deviation
  EXPECT_LT(ratio, 0.45);
  EXPECT_LT(clean["noise_left"]["shot"], half["noise_left"]["shot"]);
}

TEST_F(DngOut, NoiseIsNotRemovedTwiceUnlessToldSo) {
  dng("a.dng", "m.dng", {"--mosaic"});
  dng("a.dng", "l.dng");
  for (const std::string in : {"m.dng", "l.dng"}) {
    expect_refusal(in, "p.png", {}, "its noise was removed already by hyperconv");
    expect_refusal(in, "p.png", {"--strength", "0.5"}, "--again");
    EXPECT_EQ(enhance(in, "p.png", {"--again"}).status, 0);
    EXPECT_EQ(enhance(in, "p.png", {"--strength", "0"}).status, 0);
  }
  expect_refusal("m.dng", "p.dng", {}, "NoiseReductionApplied is 1");
  EXPECT_EQ(dng("m.dng", "p.dng", {"--again"})["noise_reduction_applied"], 1);
  expect_refusal("l.dng", "q.dng", {}, "by hyperconv");
  EXPECT_EQ(dng("l.dng", "q.dng", {"--again"})["noise_reduction_applied"], 1);
  expect_refusal("q.dng", "p.png", {}, "by hyperconv");
}

TEST_F(DngOut, OfOthersOnlyWhatIsWhollyCleanIsRefused) {
  Mosaic theirs = shot_with(strong);
  theirs.noise_reduction = {1, false};
  write_dng(folder_ / "whole.dng", theirs);
  expect_refusal("whole.dng", "p.png", {}, "its noise was removed already (");
  theirs.noise_reduction = {0.3, false};
  write_dng(folder_ / "some.dng", theirs);
  const Outcome run = enhance("some.dng", "p.png");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.errors, HasSubstr("some of its noise was removed already"));
  theirs.noise_reduction = {0, false};
  write_dng(folder_ / "none.dng", theirs);
  EXPECT_EQ(enhance("none.dng", "p.png").errors, "");
}

TEST_F(DngOut, IsCompressedUnlessToldOtherwise) {
  for (const bool mosaic : {false, true}) {
    std::vector<std::string> options;
    if (mosaic) options.push_back("--mosaic");
    EXPECT_EQ(dng("a.dng", "small.dng", options)["compression"], "lossless-jpeg");
    options.insert(options.end(), {"--dng-compression", "none"});
    EXPECT_EQ(dng("a.dng", "large.dng", options)["compression"], "none");
    const size_t samples = size_t(width) * height * (mosaic ? 1 : 3) * 2;
    EXPECT_GT(fs::file_size(folder_ / "large.dng"), samples);
    EXPECT_LT(fs::file_size(folder_ / "small.dng"), fs::file_size(folder_ / "large.dng"));
    EXPECT_EQ(enhance("small.dng", "1.png", {"--strength", "0"}).status, 0);
    EXPECT_EQ(enhance("large.dng", "2.png", {"--strength", "0"}).status, 0);
    EXPECT_EQ(read_file(folder_ / "1.png"), read_file(folder_ / "2.png"));
  }
}

TEST_F(DngOut, AFolderOfThem) {
  fs::create_directory(folder_ / "in");
  fs::create_directory(folder_ / "out");
  for (const std::string name : {"1", "2"})
    fs::copy(folder_ / "a.dng", folder_ / ("in/" + name + ".dng"));
  EXPECT_EQ(enhance("in", "out", {"--format", "dng", "--mosaic"}).status, 0);
  for (const std::string name : {"1", "2"})
    EXPECT_EQ(read_camera_file(folder_ / ("out/" + name + ".dng")).width, width);
}

TEST_F(DngOut, OptionsOfDngsAreRefusedWhereNoneIsWritten) {
  expect_refusal("a.dng", "o.png", {"--mosaic"}, "--mosaic would have no effect");
  expect_refusal("a.dng", "o.jpg", {"--mosaic", "--dng-compression", "none"},
                 "--mosaic and --dng-compression would have no effect");
  dng("a.dng", "l.dng");
  expect_refusal("l.dng", "o.dng", {"--mosaic"}, "--mosaic is for files that hold a mosaic");
  EXPECT_EQ(enhance("a.dng", "o.dng", {"--dng-compression", "zip"}).status, 2);
}

TEST_F(DngOut, StrippedOfWhatTellsOnePhotoFromAnother) {
  dng("a.dng", "o.dng");
  EXPECT_THAT(text_of("o.dng"), HasSubstr("50mm F1.8"));
  dng("a.dng", "o.dng", {"--strip-metadata"});
  EXPECT_THAT(text_of("o.dng"), HasSubstr("Model 1"));
  EXPECT_THAT(text_of("o.dng"), Not(HasSubstr("50mm F1.8")));
  EXPECT_THAT(text_of("o.dng"), Not(HasSubstr("2024:02:29")));
  expect_refusal("o.dng", "p.png", {}, "by hyperconv");
}

}  // namespace
}  // namespace hyperconv
