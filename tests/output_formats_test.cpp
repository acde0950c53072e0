// hyperconv enhance: JPEG XL, AVIF and HEIF out and in, depths, and floats for who composes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/codec.hpp"
#include "image/icc.hpp"
#include "metrics/metrics.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/colour.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int width = 80, height = 64;

bool is_built_in(const std::string& name) { return codec_by_ending(name)->decode != nullptr; }

std::vector<float> floats_in_tiff(const fs::path& path) {
  TIFF* tiff = TIFFOpen(path.c_str(), "r");
  uint32_t columns = 0, rows = 0;
  uint16_t bits = 0, format = 0, channels = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &columns);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &rows);
  TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetField(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &channels);
  EXPECT_EQ(bits, 32);
  EXPECT_EQ(format, SAMPLEFORMAT_IEEEFP);
  std::vector<float> samples(size_t(columns) * rows * channels);
  for (uint32_t y = 0; y < rows; ++y)
    EXPECT_EQ(TIFFReadScanline(tiff, samples.data() + size_t(y) * columns * channels, y), 1);
  TIFFClose(tiff);
  return samples;
}

std::vector<uint8_t> profile_in_tiff(const fs::path& path) {
  TIFF* tiff = TIFFOpen(path.c_str(), "r");
  uint32_t size = 0;
  const uint8_t* data = nullptr;
  std::vector<uint8_t> profile;
  if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &data) == 1) profile.assign(data, data + size);
  TIFFClose(tiff);
  return profile;
}

/// A folder with tiny models as they are shipped, a mosaic, a frame that is demosaiced already and
/// a photo.
class OutputFormats : public testing::Test {
 protected:
  OutputFormats() {
    fs::create_directories(folder_ / "models");
    save_tiny("models/develop.safetensors", hyper_unet({.width = 4, .hidden = 2}), Task::develop);
    save_tiny("models/denoise.safetensors", small_denoiser({.width = 4, .hidden = 2}),
              Task::denoise);
    const SimulatedCamera camera = standard_camera();
    const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
    Random random(1);
    SensorSettings sensor;
    sensor.exposure = 1.2;
    Mosaic mosaic = expose(scene, camera, sensor, random);
    mosaic.orientation = 6;
    write_dng(folder_ / "a.dng", mosaic);
    write_linear_dng(folder_ / "linear.dng", scene, mosaic);
    write_image(folder_ / "photo.png", to_u8(painted_scene(width, height)));
  }

  void save_tiny(const char* name, const Graph& graph, Task task) const {
    ModelInfo info;
    info.task = task;
    info.name = "tiny";
    save_model(folder_ / name, untrained(graph, info, 1), Precision::f16);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& input, const std::string& output,
                  const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"enhance", path(input), "-o", path(output), "--overwrite"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all, {.shell = "export HYPERCONV_MODELS=" + path("models")});
  }

  void expect_done(const std::string& input, const std::string& output,
                   const std::vector<std::string>& more = {}) const {
    const Outcome run = enhance(input, output, more);
    EXPECT_EQ(run.status, 0) << output << ": " << run.errors;
  }

  void expect_refusal(const std::string& input, const std::string& output,
                      const std::vector<std::string>& more, const std::string& reason) const {
    const auto before = files_in(folder_.path());
    const Outcome run = enhance(input, output, more);
    EXPECT_EQ(run.status, 1) << output;
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(files_in(folder_.path()), before);
  }

  TemporaryFolder folder_;
};

TEST_F(OutputFormats, ACameraFileBecomesEveryFormatOrTheLineSaysWhatToInstall) {
  expect_done("a.dng", "o.png");
  const Image reference = read_image(path("o.png"));
  EXPECT_EQ(bits_of(reference), 16);
  for (const char* name : {"o.jxl", "o.avif", "o.heic"}) {
    if (!is_built_in(name)) {
      expect_refusal("a.dng", name, {}, "is not built in; install lib");
      continue;
    }
    expect_done("a.dng", name);
    const Image picture = read_image(path(name));
    EXPECT_EQ(picture.width, height) << "turned upright";
    EXPECT_EQ(picture.height, width);
    EXPECT_EQ(bits_of(picture), 16) << name;
    EXPECT_EQ(picture.metadata.orientation, 1);
    EXPECT_FALSE(picture.metadata.exif.empty());
  }
}

TEST_F(OutputFormats, PhotosOfEveryFormatAreCleaned) {
  const Image photo = read_image(path("photo.png"));
  for (const char* name : {"p.jxl", "p.avif", "p.heic"}) {
    if (!is_built_in(name)) continue;
    // Each loses a little at quality 95; HEIF half the chroma of a painted scene.
    expect_done("photo.png", name, {"--strength", "0"});
    EXPECT_GT(psnr(read_image(path(name)), photo), 28) << name;
    write_image(path(name), photo);
    expect_done(name, "o.png");
    EXPECT_EQ(read_image(path("o.png")).width, width) << name;
    const Outcome info = run_program({"info", path(name), "--json"});
    EXPECT_EQ(info.status, 0) << info.errors;
  }
}

TEST_F(OutputFormats, ADamagedOneIsOneLine) {
  for (const char* name : {"p.jxl", "p.avif", "p.heic"}) {
    if (!is_built_in(name)) continue;
    write_image(path(name), read_image(path("photo.png")));
    auto bytes = read_file(path(name));
    bytes.resize(bytes.size() / 2);
    write_file(path(name), bytes);
    expect_refusal(name, "o.png", {}, "is a truncated or damaged");
  }
}

TEST_F(OutputFormats, FoldersTakeAFormatAndADepth) {
  fs::create_directory(folder_ / "out");
  for (const char* ending : {"jxl", "avif", "heic"}) {
    const std::string name = std::string("out/a.") + ending;
    if (is_built_in(name)) expect_done("a.dng", "out", {"--format", ending});
    EXPECT_EQ(fs::exists(folder_ / name), is_built_in(name));
  }
  expect_refusal(
      "a.dng", "out", {"--format", "avif", "--depth", "16"},
      is_built_in("a.avif") ? "AVIF holds 8, 10 or 12 bits a sample, not 16" : "is not built in");
}

TEST_F(OutputFormats, DepthIsChosen) {
  expect_done("a.dng", "o.png", {"--depth", "8"});
  EXPECT_EQ(bits_of(read_image(path("o.png"))), 8);
  expect_done("photo.png", "o.tif", {"--depth", "16"});
  EXPECT_EQ(bits_of(read_image(path("o.tif"))), 16);
  expect_refusal("a.dng", "o.jpg", {"--depth", "16"}, "JPEG holds 8 bits a sample, not 16");
  expect_refusal("a.dng", "o.dng", {"--depth", "16"}, "--depth is for pictures");
}

TEST_F(OutputFormats, FloatsAreThePicturesLinearLight) {
  for (const char* space : {"srgb", "rec2020"}) {
    expect_done("a.dng", "o.png", {"--colour-space", space});
    expect_done("a.dng", "o.tif", {"--colour-space", space, "--depth", "32"});
    const auto floats = floats_in_tiff(path("o.tif"));
    const auto encoded = to_float(read_image(path("o.png")));
    ASSERT_EQ(floats.size(), encoded.size());
    const OutputSpace wanted =
        std::string(space) == "srgb" ? OutputSpace::srgb : OutputSpace::rec2020;
    float least = 0, most = 0;
    for (size_t i = 0; i < floats.size(); ++i) {
      const double light = std::clamp(double(floats[i]), 0.0, 1.0);
      ASSERT_NEAR(encode(colours_of(wanted).curve, light), encoded[i], 2e-5) << space << i;
      least = std::min(least, floats[i]);
      most = std::max(most, floats[i]);
    }
    EXPECT_LT(least, 0) << "nothing is cut";
    EXPECT_GT(most, 1);
    EXPECT_THAT(profile_name(profile_in_tiff(path("o.tif"))), HasSubstr("(linear)"));
  }
}

TEST_F(OutputFormats, FloatsOfWhatIsRenderedAlreadyAreRefused) {
  expect_refusal("photo.png", "o.tif", {"--depth", "32"}, "is a photo; --depth 32");
  const Outcome run = enhance("linear.dng", "o.tif", {"--depth", "32"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("is demosaiced already; --depth 32"));
  EXPECT_FALSE(fs::exists(folder_ / "o.tif"));
}

}  // namespace
}  // namespace hyperconv
