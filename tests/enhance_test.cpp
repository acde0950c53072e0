// hyperconv enhance as photographers and scripts run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int width = 80, height = 64;

Mosaic shot_of_the_scene(Cfa cfa, int columns = width, int rows = height) {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(columns, rows)), camera);
  Random random(1);
  SensorSettings sensor;
  sensor.cfa = cfa;
  sensor.noise = {1e-3, 1e-6};
  Mosaic mosaic = expose(scene, camera, sensor, random);
  mosaic.shot.iso = 800;
  return mosaic;
}

/// A folder with a tiny untrained model and a camera file.
class Enhance : public testing::Test {
 protected:
  Enhance() {
    save(Task::develop, "m.safetensors");
    mosaic_ = shot_of_the_scene(Cfa::gbrg);
    write_dng(folder_ / "a.dng", mosaic_);
  }

  void save(Task task, const std::string& name) {
    ModelInfo info;
    info.task = task;
    info.name = "tiny";
    save_model(folder_ / name, untrained(hyper_unet({.width = 4, .hidden = 4}), info, 1),
               Precision::f16);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"enhance", "--overwrite", "--model", path("m.safetensors")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(all);
  }

  /// Fails with exit 1 and one line that holds `reason`; the folder stays as it was.
  void expect_failure(const std::vector<std::string>& arguments, const std::string& reason) const {
    const auto before = files_in(folder_.path());
    const Outcome run = enhance(arguments);
    EXPECT_EQ(run.status, 1) << reason;
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, testing::StartsWith("hyperconv: "));
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(files_in(folder_.path()), before);
  }

  TemporaryFolder folder_;
  Mosaic mosaic_;
};

TEST_F(Enhance, WritesEveryFormatAndSaysSoInJson) {
  for (const std::string ending : {"jpg", "png", "tif"}) {
    const std::string output = path("o." + ending);
    const Outcome run = enhance({path("a.dng"), "-o", output, "--json"});
    ASSERT_EQ(run.status, 0) << run.errors;
    const auto json = nlohmann::json::parse(run.output);
    EXPECT_EQ(json["input"], path("a.dng"));
    EXPECT_EQ(json["output"], output);
    EXPECT_EQ(json["width"], width);
    EXPECT_EQ(json["height"], height);
    EXPECT_EQ(json["model"], path("m.safetensors"));
    for (const char* stage : {"decode", "process", "encode", "total"})
      EXPECT_GT(json["seconds"][stage].get<double>(), 0) << stage;
    EXPECT_GT(json["peak_rss_bytes"].get<int64_t>(), 1 << 20);
    const Image image = read_image(output);
    EXPECT_EQ(image.width, width);
    EXPECT_EQ(image.height, height);
    EXPECT_EQ(image.metadata.orientation, 1);
    EXPECT_FALSE(image.metadata.exif.empty());
    EXPECT_FALSE(image.metadata.icc.empty());
  }
}

TEST_F(Enhance, TimesOfEveryStageAddUp) {
  const Outcome run = enhance({path("a.dng"), "-o", path("o.png"), "--json"});
  const auto seconds = nlohmann::json::parse(run.output)["seconds"];
  for (const char* part : {"network", "colour"}) EXPECT_GT(seconds[part].get<double>(), 0) << part;
  EXPECT_LE(seconds["network"].get<double>() + seconds["colour"].get<double>(),
            seconds["process"].get<double>());
}

TEST_F(Enhance, Bf16IsNearlyTheSamePicture) {
  for (const std::string precision : {"f32", "bf16"}) {
    const Outcome run = enhance(
        {path("a.dng"), "-o", path(precision + ".png"), "--precision", precision, "--json"});
    ASSERT_EQ(run.status, 0);
    EXPECT_EQ(nlohmann::json::parse(run.output)["precision"], precision);
  }
  const auto exact = std::get<std::vector<uint16_t>>(read_image(path("f32.png")).samples);
  const auto narrow = std::get<std::vector<uint16_t>>(read_image(path("bf16.png")).samples);
  ASSERT_EQ(exact.size(), narrow.size());
  EXPECT_NE(exact, narrow);
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) sum += std::abs(int(exact[i]) - int(narrow[i]));
  // Eight bits of each of a dozen layers' values: well below one of 255 steps in the mean.
  EXPECT_LT(sum / double(exact.size()), 65535.0 / 255);
  EXPECT_EQ(enhance({path("a.dng"), "-o", path("o.png"), "--precision", "f16"}).status, 2);
}

TEST_F(Enhance, LittleMemoryGivesTheSamePicture) {
  write_dng(folder_ / "large.dng", shot_of_the_scene(Cfa::grbg, 402, 306));
  for (const std::string name : {"whole", "parts"}) {
    // Whole, its floats alone need more: 4 a cell and 3 a pixel, 0.0018 GiB.
    const std::string memory = name == "whole" ? "1" : "0.001";
    for (const std::string ending : {".png", ".dng"}) {
      const Outcome run = enhance(
          {path("large.dng"), "-o", path(name + ending), "--max-memory", memory, "--threads", "2"});
      ASSERT_EQ(run.status, 0) << run.errors;
    }
  }
  EXPECT_EQ(read_image(path("parts.png")).samples, read_image(path("whole.png")).samples);
  EXPECT_EQ(read_file(path("parts.dng")), read_file(path("whole.dng")));
}

TEST_F(Enhance, TooLittleMemoryIsRefusedWithTheFigure) {
  save_model(folder_ / "m.safetensors",
             untrained(hyper_unet({.width = 128, .hidden = 2}), {.name = "wide"}, 1),
             Precision::f16);
  const Outcome run = enhance({path("a.dng"), "-o", path("o.png"), "--max-memory", "0.001"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, testing::HasSubstr("a.dng: 0.001 GiB of memory are too little"));
  EXPECT_FALSE(std::filesystem::exists(path("o.png")));
  // The figure that would do does.
  const std::string before = "even in parts this network needs ";
  const auto at = run.errors.find(before);
  ASSERT_NE(at, std::string::npos) << run.errors;
  const double needed = std::stod(run.errors.substr(at + before.size())) * 1.01;
  EXPECT_EQ(
      enhance({path("a.dng"), "-o", path("o.png"), "--max-memory", std::to_string(needed)}).status,
      0);
}

TEST_F(Enhance, WritesALinearDng) {
  const Outcome run = enhance({path("a.dng"), "-o", path("o.dng")});
  ASSERT_EQ(run.status, 0) << run.errors;
  // It is demosaiced: what is left is to render it.
  const Outcome again = enhance({path("o.dng"), "-o", path("p.png")});
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_THAT(again.errors, HasSubstr("demosaiced already"));
  EXPECT_EQ(std::count(again.errors.begin(), again.errors.end(), '\n'), 1) << again.errors;
  EXPECT_EQ(read_image(path("p.png")).width, width);
}

TEST_F(Enhance, DoesNotDependOnTheNumberOfThreads) {
  ASSERT_EQ(enhance({path("a.dng"), "-o", path("1.png"), "--threads", "1"}).status, 0);
  ASSERT_EQ(enhance({path("a.dng"), "-o", path("3.png"), "--threads", "3"}).status, 0);
  EXPECT_EQ(read_image(path("1.png")).samples, read_image(path("3.png")).samples);
}

TEST_F(Enhance, AppliesTheOrientation) {
  mosaic_.orientation = 6;
  write_dng(folder_ / "turned.dng", mosaic_);
  ASSERT_EQ(enhance({path("turned.dng"), "-o", path("o.png")}).status, 0);
  const Image image = read_image(path("o.png"));
  EXPECT_EQ(image.width, height);
  EXPECT_EQ(image.height, width);
  EXPECT_EQ(image.metadata.orientation, 1);
}

TEST_F(Enhance, TakesMosaicPngsAndHeaderlessFiles) {
  write_image(folder_ / "m.png", Image{width, height, 1, mosaic_.samples, {}});
  std::vector<uint8_t> bytes;
  for (const uint16_t sample : mosaic_.samples) {
    bytes.push_back(uint8_t(sample & 255));
    bytes.push_back(uint8_t(sample >> 8));
  }
  write_file(folder_ / "m.raw", bytes);
  const std::vector<std::string> sensor = {"--cfa", "gbrg", "--bits", "12", "--black", "64"};
  auto png = sensor, raw = sensor;
  png.insert(png.end(), {path("m.png"), "-o", path("a.png")});
  raw.insert(raw.end(), {path("m.raw"), "--raw-size", "80x64", "-o", path("b.png")});
  ASSERT_EQ(enhance(png).status, 0);
  ASSERT_EQ(enhance(raw).status, 0);
  EXPECT_EQ(read_image(path("a.png")).samples, read_image(path("b.png")).samples);
  expect_failure({path("m.raw"), "-o", path("c.png")}, "--raw-size");
  expect_failure({path("m.raw"), "--raw-size", "81x64", "-o", path("c.png")}, "m.raw");
}

TEST_F(Enhance, BadInputGetsOneLine) {
  const std::string out = path("o.png");
  const auto whole = read_file(folder_ / "a.dng");
  write_file(folder_ / "cut.dng", std::span(whole).first(whole.size() / 2));
  write_file(folder_ / "empty.dng", "");
  write_file(folder_ / "text.dng", "no camera made this");
  write_image(folder_ / "photo.jpg", to_u8(painted_scene(64, 64)));
  expect_failure({path("cut.dng"), "-o", out}, "cut.dng");
  expect_failure({path("empty.dng"), "-o", out}, "empty.dng");
  expect_failure({path("text.dng"), "-o", out}, "text.dng");
  expect_failure({path("none.dng"), "-o", out}, "none.dng");
  expect_failure({path("photo.jpg"), "-o", out}, "JPEG photo");
  expect_failure({path("a.dng"), "-o", path("none/o.png")}, "does not exist");
  expect_failure({path("a.dng"), "-o", path("o.gif")}, ".gif");
  expect_failure({path("a.dng"), "-o", path("a.dng")}, "overwritten");
}

TEST_F(Enhance, BadModelsGetOneLine) {
  save(Task::denoise, "denoise.safetensors");
  write_file(folder_ / "bad.safetensors", "nothing");
  for (const auto& [model, reason] : {std::pair{"denoise.safetensors", "denoise"},
                                      std::pair{"bad.safetensors", "bad.safetensors"},
                                      std::pair{"none.safetensors", "none.safetensors"}}) {
    const Outcome run =
        run_program({"enhance", path("a.dng"), "-o", path("o.png"), "--model", path(model)});
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_FALSE(fs::exists(folder_ / "o.png"));
  }
}

TEST_F(Enhance, ABatchGoesOnPastABadFile) {
  fs::create_directories(folder_ / "in");
  fs::create_directories(folder_ / "out");
  write_dng(folder_ / "in/1.dng", mosaic_);
  write_file(folder_ / "in/2.dng", "broken");
  write_dng(folder_ / "in/3.dng", mosaic_);
  const Outcome run = enhance({path("in"), "-o", path("out"), "--format", "png", "--json"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("2.dng"));
  EXPECT_THAT(run.errors, HasSubstr("1 of 3 photos failed"));
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["results"].size(), 2u);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_TRUE(fs::exists(folder_ / "out/1.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out/3.png"));
  expect_failure({path("in"), "-o", path("nowhere")}, "folder that exists");
}

TEST_F(Enhance, WrongUsageIsExitTwo) {
  EXPECT_EQ(enhance({path("a.dng")}).status, 2);
  EXPECT_EQ(enhance({path("a.dng"), "-o", path("o.png"), "--quality", "101"}).status, 2);
  EXPECT_EQ(enhance({path("a.dng"), "-o", path("o.png"), "--raw-size", "80"}).status, 2);
}

TEST_F(Enhance, AShippedModelIsFoundByItsName) {
  fs::create_directory(folder_ / "models");
  fs::copy_file(path("m.safetensors"), folder_ / "models/fine.safetensors");
  const auto run = [&](const std::string& model) {
    return run_program(
        {"enhance", path("a.dng"), "-o", path("o.png"), "--model", model, "--json", "--overwrite"},
        {.shell = "export HYPERCONV_MODELS=" + path("models"), .output = ""});
  };
  const Outcome named = run("fine");
  ASSERT_EQ(named.status, 0) << named.errors;
  EXPECT_THAT(named.output, HasSubstr(path("models/fine.safetensors")));
  const Outcome missing = run("finer");
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.errors, HasSubstr("finer: "));
}

/// A camera file with noise, and the network that is shipped.
class RawNoise : public testing::Test {
 protected:
  RawNoise() {
    EXPECT_EQ(run_program({"simulate", "--scene", "96x80", "--shot", "4e-3", "--seed", "3", "-o",
                           path("a.dng")})
                  .status,
              0);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<uint16_t> enhanced(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {
        "enhance",
        path("a.dng"),
        "-o",
        path("o.png"),
        "--overwrite",
        "--model",
        std::string(HYPERCONV_SOURCE_DIR) + "/models/develop.safetensors"};
    all.insert(all.end(), more.begin(), more.end());
    const Outcome run = run_program(all);
    EXPECT_EQ(run.status, 0) << run.errors;
    return std::get<std::vector<uint16_t>>(read_image(path("o.png")).samples);
  }
  static double distance(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double(a[i]) - double(b[i]));
    return sum / double(a.size());
  }

  TemporaryFolder folder_;
};

TEST_F(RawNoise, StrengthKeepsThePhotosOwnGrain) {
  const auto clean = enhanced({}), all = enhanced({"--strength", "1"});
  EXPECT_EQ(all, clean);
  const auto grainy = enhanced({"--strength", "0"}), half = enhanced({"--strength", "0.5"});
  EXPECT_GT(distance(grainy, clean), 600);  // the noise is some hundredths of the range
  EXPECT_NEAR(distance(half, clean) / distance(grainy, clean), 0.5, 0.01);
}

TEST_F(RawNoise, APreviewIsThatPartOfThePicture) {
  const auto whole = enhanced({});
  const auto part = enhanced({"--preview", "20,11,40,30"});
  ASSERT_EQ(part.size(), size_t(3) * 40 * 30);
  for (size_t y = 0; y < 30; ++y)
    for (size_t i = 0; i < 120; ++i)
      ASSERT_EQ(part[y * 120 + i], whole[(y + 11) * 96 * 3 + 60 + i]);
}

TEST_F(RawNoise, TheMapShowsWhatWasRemoved) {
  enhanced({"--noise-map", path("map.png")});
  const Image map = read_image(path("map.png"));
  EXPECT_EQ(map.width, 96);
  const auto& samples = std::get<std::vector<uint16_t>>(map.samples);
  double mean = 0;
  for (const uint16_t sample : samples) mean += double(sample) / double(samples.size());
  EXPECT_GT(mean / 65535 / 4, 0.01);  // of the photo's range
  EXPECT_LT(mean / 65535 / 4, 0.2);
}

TEST_F(RawNoise, ADngTakesStrengthAlone) {
  EXPECT_EQ(
      run_program({"enhance", path("a.dng"), "-o", path("o.dng"), "--strength", "0.7"}).status, 0);
  const Outcome part =
      run_program({"enhance", path("a.dng"), "-o", path("p.dng"), "--preview", "0,0,20,20"});
  EXPECT_EQ(part.status, 1);
  EXPECT_THAT(part.errors, HasSubstr("becomes a DNG"));
}

}  // namespace
}  // namespace hyperconv
