// hyperconv enhance on photos: what it takes for a photo, and what of it is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
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

constexpr int width = 90, height = 70;

/// The painted scene with noise, in any depth and number of channels.
template <class Sample>
Image noisy_photo(int channels) {
  const std::vector<float> scene = to_float(painted_scene(width, height));
  Random random(1);
  constexpr double white = std::numeric_limits<Sample>::max();
  std::vector<Sample> samples;
  for (size_t i = 0; i < scene.size(); i += 3)
    for (int c = 0; c < channels; ++c) {
      const double value = scene[i + size_t(std::min(c, 2))] + 0.03 * random.normal();
      samples.push_back(Sample(std::clamp(value, 0.0, 1.0) * white));
    }
  return {width, height, channels, samples, {}};
}

void save_tiny(const fs::path& path, const Graph& graph, Task task) {
  ModelInfo info;
  info.task = task;
  info.name = "tiny";
  save_model(path, untrained(graph, info, 1), Precision::f16);
}

/// A folder with models as they are shipped, tiny and untrained, and files of both kinds.
class Denoise : public testing::Test {
 protected:
  Denoise() {
    for (const char* name : {"models", "in", "out"}) fs::create_directories(folder_ / name);
    save_tiny(folder_ / "models/develop.safetensors", hyper_unet({.width = 4, .hidden = 2}),
              Task::develop);
    save_tiny(folder_ / "models/denoise.safetensors", small_denoiser({.width = 4, .hidden = 2}),
              Task::denoise);
    write_image(folder_ / "a.png", noisy_photo<uint8_t>(3));
    write_image(folder_ / "a.jpg", noisy_photo<uint8_t>(3));
    write_image(folder_ / "a.tif", noisy_photo<uint16_t>(3));
    write_dng(folder_ / "a.dng", mosaic());
  }

  static Mosaic mosaic() {
    const SimulatedCamera camera = standard_camera();
    const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(80, 64)), camera);
    Random random(1);
    SensorSettings sensor;
    sensor.noise = {1e-3, 1e-6};
    return expose(scene, camera, sensor, random);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// With the folder's models as the shipped ones.
  Outcome enhance(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"enhance", "--overwrite"});
    return run_program(arguments,
                       {.shell = "export HYPERCONV_MODELS=" + path("models"), .output = ""});
  }

  nlohmann::json enhanced(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Outcome run = enhance(arguments);
    EXPECT_EQ(run.status, 0) << run.errors;
    EXPECT_EQ(run.errors, "");
    return run.status == 0 ? nlohmann::json::parse(run.output) : nlohmann::json();
  }

  /// Fails with this status and one line that holds `reason`; the folder stays as it was.
  void expect_failure(const std::vector<std::string>& arguments, const std::string& reason) const {
    const auto before = files_in(folder_.path());
    const Outcome run = enhance(arguments);
    EXPECT_EQ(run.status, 1) << reason;
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(files_in(folder_.path()), before);
  }

  TemporaryFolder folder_;
};

TEST_F(Denoise, AFilesContentSaysWhatItIs) {
  for (const char* name : {"a.png", "a.jpg", "a.tif"}) {
    const auto json = enhanced({path(name), "-o", path("o.png")});
    EXPECT_EQ(json["task"], "denoise") << name;
    EXPECT_EQ(json["model"], path("models/denoise.safetensors"));
    EXPECT_EQ(json["width"], width);
    EXPECT_EQ(json["height"], height);
    EXPECT_GT(json["seconds"]["process"].get<double>(), 0);
  }
  EXPECT_EQ(enhanced({path("a.dng"), "-o", path("o.png")})["task"], "develop");
  // Whatever a file is called.
  fs::copy(folder_ / "a.dng", folder_ / "dng.tif");
  fs::copy(folder_ / "a.jpg", folder_ / "jpg.dng");
  EXPECT_EQ(enhanced({path("dng.tif"), "-o", path("o.png")})["task"], "develop");
  EXPECT_EQ(enhanced({path("jpg.dng"), "-o", path("o.png")})["task"], "denoise");
}

// Luma's deviation is 0.75 of a colour's where these are independent of each other.
TEST_F(Denoise, SaysTheNoiseThatANetworkIsTold) {
  EXPECT_FALSE(enhanced({path("a.png"), "-o", path("o.png")}).contains("noise"));
  save_tiny(folder_ / "told.safetensors",
            small_denoiser({.width = 4, .hidden = 2, .is_told = true}), Task::denoise);
  Random random(1);
  std::vector<uint16_t> samples;
  for (int i = 0; i < 128 * 128 * 3; ++i)
    samples.push_back(uint16_t(65535 * (0.4 + 0.02 * double(random.normal()))));
  write_image(path("even.png"), Image{128, 128, 3, std::move(samples), {}});
  const auto json =
      enhanced({path("even.png"), "-o", path("o.png"), "--model", path("told.safetensors")});
  EXPECT_EQ(json["noise"]["source"], "estimated");
  EXPECT_NEAR(json["noise"]["luma"]["level"][1].get<double>(), 0.75 * 0.02, 0.1 * 0.02);
  EXPECT_NEAR(json["noise"]["colour"]["level"][1].get<double>(), 1.13 * 0.02, 0.1 * 0.02);
}

TEST_F(Denoise, AGreyPngIsAPhotoUnlessItsBitsOrItsUserSayMosaic) {
  write_image(folder_ / "grey.png", noisy_photo<uint8_t>(1));
  write_image(folder_ / "deep.png", noisy_photo<uint16_t>(1));
  write_image(folder_ / "mosaic.png", Image{80, 64, 1, mosaic().samples, {}});
  for (const char* name : {"grey.png", "deep.png"}) {
    EXPECT_EQ(enhanced({path(name), "-o", path("o.png")})["task"], "denoise") << name;
    EXPECT_EQ(read_image(path("o.png")).channels, 1);
  }
  const auto task_of = [&](const std::vector<std::string>& arguments) {
    const Outcome run = enhance(arguments);
    EXPECT_EQ(run.status, 0) << run.errors;
    return nlohmann::json::parse(run.output)["task"].get<std::string>();
  };
  EXPECT_EQ(task_of({path("grey.png"), "-o", path("o.png"), "--bits", "8", "--json"}), "develop");
  EXPECT_EQ(task_of({path("grey.png"), "-o", path("o.png"), "--task", "develop", "--json"}),
            "develop");
  EXPECT_EQ(task_of({path("mosaic.png"), "-o", path("o.png"), "--bits", "12", "--json"}),
            "develop");
  EXPECT_EQ(task_of({path("mosaic.png"), "-o", path("o.png"), "--task", "denoise", "--json"}),
            "denoise");
  expect_failure({path("mosaic.png"), "-o", path("p.png")}, "it has 12 bits or more");
}

TEST_F(Denoise, DepthChannelsAndAlphaAreKept) {
  for (const int channels : {2, 3, 4}) {
    write_image(folder_ / "8.png", noisy_photo<uint8_t>(channels));
    write_image(folder_ / "16.png", noisy_photo<uint16_t>(channels));
    for (const char* name : {"8.png", "16.png"}) {
      enhanced({path(name), "-o", path("o.png")});
      const Image in = read_image(path(name)), out = read_image(path("o.png"));
      EXPECT_EQ(out.channels, channels);
      EXPECT_EQ(out.samples.index(), in.samples.index());
      EXPECT_NE(out.samples, in.samples);
      if (channels % 2 != 0) continue;
      const auto a = to_float(in), b = to_float(out);
      for (size_t i = size_t(channels) - 1; i < a.size(); i += size_t(channels))
        ASSERT_EQ(a[i], b[i]);
    }
  }
  expect_failure({path("16.png"), "-o", path("o.jpg")}, "alpha");
}

TEST_F(Denoise, ProfileExifAndOrientationAreKept) {
  Image photo = noisy_photo<uint16_t>(3);
  photo.metadata.orientation = 6;
  write_image(folder_ / "turned.tif", photo);
  enhanced({path("turned.tif"), "-o", path("o.tif")});
  const Image in = read_image(path("turned.tif")), out = read_image(path("o.tif"));
  EXPECT_EQ(out.metadata.orientation, 6);
  EXPECT_EQ(out.width, width);
  EXPECT_FALSE(in.metadata.icc.empty());
  EXPECT_EQ(out.metadata.icc, in.metadata.icc);
  EXPECT_EQ(out.metadata.exif, in.metadata.exif);
}

TEST_F(Denoise, StrengthZeroKeepsEverySample) {
  for (const char* strength : {"0", "0,0"}) {
    enhanced({path("a.tif"), "-o", path("o.tif"), "--strength", strength});
    EXPECT_EQ(read_image(path("o.tif")).samples, read_image(path("a.tif")).samples);
  }
  enhanced({path("a.tif"), "-o", path("luma.tif"), "--strength", "1,0"});
  enhanced({path("a.tif"), "-o", path("both.tif"), "--strength", "1"});
  EXPECT_NE(read_image(path("luma.tif")).samples, read_image(path("both.tif")).samples);
}

TEST_F(Denoise, APreviewIsThatPartOfThePicture) {
  enhanced({path("a.tif"), "-o", path("whole.tif")});
  const auto json = enhanced({path("a.tif"), "-o", path("part.tif"), "--preview", "20,10,30,40"});
  EXPECT_EQ(json["width"], 30);
  EXPECT_EQ(json["height"], 40);
  const auto whole = std::get<std::vector<uint16_t>>(read_image(path("whole.tif")).samples);
  const auto part = std::get<std::vector<uint16_t>>(read_image(path("part.tif")).samples);
  for (size_t y = 0; y < 40; ++y)
    for (size_t x = 0; x < 90; ++x)
      ASSERT_NEAR(part[y * 90 + x], whole[((y + 10) * width + 20) * 3 + x], 1);
  expect_failure({path("a.tif"), "-o", path("p.tif"), "--preview", "80,10,30,40"}, "within");
}

TEST_F(Denoise, LittleMemoryIsEnough) {
  enhanced({path("a.tif"), "-o", path("whole.tif")});
  enhanced({path("a.tif"), "-o", path("parts.tif"), "--max-memory", "0.007"});
  const auto whole = std::get<std::vector<uint16_t>>(read_image(path("whole.tif")).samples);
  const auto parts = std::get<std::vector<uint16_t>>(read_image(path("parts.tif")).samples);
  for (size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(parts[i], whole[i], 1);
}

TEST_F(Denoise, TheNoiseMapSaysWhatItShows) {
  const auto removed =
      enhanced({path("a.png"), "-o", path("o.png"), "--noise-map", path("map.png")});
  EXPECT_EQ(removed["noise_map"]["shows"], "removed");
  EXPECT_EQ(removed["noise_map"]["output"], path("map.png"));
  const Image map = read_image(path("map.png"));
  EXPECT_EQ(map.width, width);
  EXPECT_EQ(map.height, height);
  EXPECT_EQ(map.channels, 3);
  // With an S-Net beside the model.
  save_tiny(folder_ / "models/denoise-noise.safetensors", vdn_noise(4), Task::noise);
  const auto estimated = enhanced({path("a.png"), "-o", path("o.png"), "--noise-map",
                                   path("map2.png"), "--preview", "1,2,30,20"});
  EXPECT_EQ(estimated["noise_map"]["shows"], "estimated");
  EXPECT_EQ(read_image(path("map2.png")).width, 30);
  const Outcome text = enhance({path("a.png"), "-o", path("o.png"), "--noise-map", path("m.png")});
  EXPECT_THAT(text.output, HasSubstr("S-Net"));
  expect_failure({path("a.png"), "-o", path("p.png"), "--noise-map", path("p.png")}, "overwritten");
  expect_failure({path("a.png"), "-o", path("p.png"), "--noise-map", path("a.png")}, "overwritten");
  expect_failure({path("a.png"), "-o", path("p.png"), "--noise-map", path("m.gif")}, "m.gif");
}

TEST_F(Denoise, AFolderMayHoldBothKinds) {
  fs::copy(folder_ / "a.dng", folder_ / "in/1.dng");
  fs::copy(folder_ / "a.jpg", folder_ / "in/2.jpg");
  write_file(folder_ / "in/3.jpg", "broken");
  fs::copy(folder_ / "a.tif", folder_ / "in/4.tif");
  write_file(folder_ / "in/5.txt", "no picture");
  const Outcome run = enhance({path("in"), "-o", path("out"), "--format", "png", "--json"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("3.jpg"));
  EXPECT_THAT(run.errors, HasSubstr("1 of 4 photos failed"));
  const auto json = nlohmann::json::parse(run.output);
  ASSERT_EQ(json["results"].size(), 3u);
  EXPECT_EQ(json["results"][0]["task"], "develop");
  EXPECT_EQ(json["results"][1]["task"], "denoise");
  EXPECT_EQ(json["results"][2]["task"], "denoise");
  for (const char* name : {"1.png", "2.png", "4.png"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name;
  EXPECT_EQ(json["skipped"], 1) << "the text";
  fs::copy(folder_ / "a.jpg", folder_ / "in/1.jpg");
  const auto photos = nlohmann::json::parse(
      enhance({path("in"), "-o", path("out"), "--task", "denoise", "--json"}).output);
  EXPECT_EQ(photos["results"].size(), 3u);
  expect_failure({path("in"), "-o", path("out"), "--noise-map", path("m.png")}, "one photo");
}

TEST_F(Denoise, BadInputGetsOneLine) {
  const std::string out = path("o.png");
  const auto whole = read_file(folder_ / "a.jpg");
  write_file(folder_ / "cut.jpg", std::span(whole).first(whole.size() / 2));
  write_file(folder_ / "empty.png", "");
  expect_failure({path("cut.jpg"), "-o", out}, "cut.jpg");
  expect_failure({path("empty.png"), "-o", out}, "empty.png");
  expect_failure({path("none.jpg"), "-o", out}, "none.jpg");
  expect_failure({path("a.jpg"), "-o", path("o.dng")}, "DNG");
  expect_failure({path("a.jpg"), "-o", path("a.jpg")}, "overwritten");
  expect_failure({path("a.dng"), "-o", out, "--noise-limit", "0.5"}, "for photos");
  expect_failure({path("a.dng"), "-o", out, "--task", "denoise"}, "RAW file");
  expect_failure({path("a.jpg"), "-o", out, "--task", "develop"}, "JPEG photo");
  const std::string develops = path("models/develop.safetensors");
  expect_failure({path("a.jpg"), "-o", out, "--model", develops}, "JPEG photo");
  expect_failure({path("a.jpg"), "-o", out, "--model", develops, "--task", "denoise"},
                 "not for 'denoise'");
  fs::remove(folder_ / "models/denoise.safetensors");
  expect_failure({path("a.jpg"), "-o", out}, "no model for the task 'denoise'");
}

TEST_F(Denoise, WrongUsageIsExitTwo) {
  for (const auto& [option, value] : {std::pair{"--strength", "1.5"},
                                      {"--strength", "0.5,0.5,0.5"},
                                      {"--strength", "half"},
                                      {"--strength", "nan"},
                                      {"--preview", "1,2,3"},
                                      {"--preview", "1,2,3,0"},
                                      {"--preview", "-1,2,3,4"},
                                      {"--preview", "1,2,3,4,"},
                                      {"--task", "isp"},
                                      {"--max-memory", "0"}})
    EXPECT_EQ(enhance({path("a.jpg"), "-o", path("o.png"), option, value}).status, 2)
        << option << " " << value;
}

}  // namespace
}  // namespace hyperconv
