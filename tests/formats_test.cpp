// hyperconv enhance over the folders and files that photographers really have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <exiv2/exiv2.hpp>
#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "scenes.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int width = 80, height = 64;

Mosaic shot() {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
  Random random(1);
  return expose(scene, camera, {}, random);
}

/// A folder with tiny models, as shipped, and empty folders in/ and out/.
class Formats : public testing::Test {
 protected:
  Formats() {
    for (const char* name : {"models", "in", "out"}) fs::create_directory(folder_ / name);
    ModelInfo info;
    info.name = "tiny";
    info.task = Task::develop;
    save_model(folder_ / "models/develop.safetensors",
               untrained(hyper_unet({.width = 4, .hidden = 4}), info, 1), Precision::f16);
    info.task = Task::denoise;
    save_model(folder_ / "models/denoise.safetensors",
               untrained(small_denoiser({.width = 4, .hidden = 2}), info, 1), Precision::f16);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void put_raw(const std::string& name) const { write_dng(folder_ / name, shot()); }
  void put_photo(const std::string& name) const {
    write_image(folder_ / name, noisy_scene(width, height, 1));
  }

  Outcome enhance(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "enhance");
    return run_program(arguments,
                       {.shell = "export HYPERCONV_MODELS=" + path("models"), .output = ""});
  }

  /// The folder in/ as a batch.
  Outcome batch(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {path("in"), "-o", path("out"), "--json"});
    return enhance(more);
  }

  static nlohmann::json json_of(const Outcome& run) {
    return nlohmann::json::parse(run.output, nullptr, false);
  }

  std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / folder))
      names.push_back(entry.path().filename());
    return names;
  }

  /// Skips where the case is missing.
  static std::optional<fs::path> shared_case(const std::string& name) {
    const auto data = shared_data();
    if (!data || !fs::exists(*data / "cases" / name)) return std::nullopt;
    return *data / "cases" / name;
  }

  TemporaryFolder folder_;
};

// ---- Nothing of a photographer's is lost

TEST_F(Formats, WhatIsThereStaysUnlessToldOtherwise) {
  put_photo("in/a.jpg");
  put_photo("in/b.jpg");
  write_file(folder_ / "out/a.jpg", std::string("mine"));
  const Outcome refused = batch();
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output, "");
  EXPECT_THAT(refused.errors, HasSubstr("a.jpg: is there already; --overwrite replaces it"));
  EXPECT_THAT(names_in("out"), ElementsAre("a.jpg")) << "nothing is begun";
  EXPECT_EQ(text_of(folder_ / "out/a.jpg"), "mine");

  const Outcome going_on = batch({"--skip-existing"});
  EXPECT_EQ(going_on.status, 0) << going_on.errors;
  EXPECT_EQ(json_of(going_on)["results"].size(), 1u);
  EXPECT_EQ(json_of(going_on)["skipped"], 1);
  EXPECT_EQ(text_of(folder_ / "out/a.jpg"), "mine");

  EXPECT_EQ(batch({"--overwrite"}).status, 0);
  EXPECT_EQ(read_image(folder_ / "out/a.jpg").width, width);
  EXPECT_EQ(enhance({path("in/a.jpg"), "-o", path("out/a.jpg")}).status, 1);
  EXPECT_EQ(
      enhance({path("in/a.jpg"), "-o", path("c.png"), "--noise-map", path("out/a.jpg")}).status, 1);
  EXPECT_EQ(batch({"--overwrite", "--skip-existing"}).status, 2);
}

TEST_F(Formats, TheCamerasOwnJpegIsNotReplaced) {
  put_raw("in/a.dng");
  put_photo("in/a.jpg");
  const auto before = read_file(folder_ / "in/a.jpg");
  const Outcome run = enhance({path("in"), "-o", path("in")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("in/a.jpg: is there already"));
  EXPECT_EQ(read_file(folder_ / "in/a.jpg"), before);
}

TEST_F(Formats, InputsAreNeverReplaced) {
  put_photo("in/a.jpg");
  const Outcome run = enhance({path("in"), "-o", path("in"), "--overwrite"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("would be overwritten"));
}

// Address space for small photos and not for a large one.
TEST_F(Formats, ABatchGoesOnPastAPhotoThatMemoryIsTooShortFor) {
  put_photo("in/a.png");
  put_photo("in/c.png");
  Image large;
  large.width = large.height = 12000;
  large.channels = 1;
  large.samples = std::vector<uint8_t>(large.count(), 100);
  write_image(folder_ / "in/b.png", large);
  const Outcome run = run_program(
      {"enhance", path("in"), "-o", path("out"), "--threads", "1", "--task", "denoise"},
      {.shell = "export HYPERCONV_MODELS=" + path("models") + "; ulimit -v 1000000", .output = ""});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("in/b.png: "));
  EXPECT_THAT(run.errors, HasSubstr("memory"));
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("a.jpg", "c.jpg"));
}

// Threads of libraries that wait for memory must not keep a program from its end.
TEST_F(Formats, LittleAddressSpaceEndsInAPictureOrOneLine) {
  put_photo("in/a.png");
  const Outcome run = run_program(
      {"enhance", path("in/a.png"), "-o", path("o.jpg"), "--task", "denoise"},
      {.shell = "export HYPERCONV_MODELS=" + path("models") + "; ulimit -t 60; ulimit -v 620000",
       .output = ""});
  EXPECT_EQ(fs::exists(folder_ / "o.jpg"), run.status == 0);
  if (run.status == 0) return;
  EXPECT_EQ(run.status, 1) << run.errors;
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
}

TEST_F(Formats, ANameThatIsTooLongFailsAloneInABatch) {
  put_photo("in/a.jpg");
  const std::string too_long(5000, 'a');
  const Outcome run = enhance({path(too_long + ".jpg"), path("in/a.jpg"), "-o", path("out")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr(too_long + ".jpg: cannot be read (File name too long)"));
  EXPECT_THAT(run.errors, HasSubstr("1 of 2 photos failed"));
  EXPECT_THAT(names_in("out"), ElementsAre("a.jpg"));
}

TEST_F(Formats, NamesThatAreNotUtf8AreSaidInJson) {
  put_photo("in/a\xff.png");
  const Outcome run = batch();
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(json_of(run)["results"][0]["input"], path("in/a\xef\xbf\xbd.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out/a\xff.jpg"));
}

// ---- RAW beside JPEG, two of one stem

TEST_F(Formats, OfRawAndJpegTheRawIsDeveloped) {
  put_raw("in/a.dng");
  put_photo("in/a.JPG");
  put_photo("in/b.jpg");
  const auto tasks = [&](const std::string& choice) {
    const Outcome run = batch({"--overwrite", "--of-pairs", choice});
    EXPECT_EQ(run.status, 0) << run.errors;
    std::vector<std::string> list;
    const auto said = json_of(run);
    for (const auto& result : said["results"]) list.push_back(result["task"]);
    return list;
  };
  EXPECT_THAT(tasks("raw"), ElementsAre("develop", "denoise"));
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("a.jpg", "b.jpg"));
  EXPECT_THAT(tasks("photo"), ElementsAre("denoise", "denoise"));
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("a.jpg", "b.jpg"));
  EXPECT_THAT(tasks("both"), UnorderedElementsAre("develop", "denoise", "denoise"));
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("a.jpg", "b.jpg", "a.dng.jpg", "a.JPG.jpg"));
  EXPECT_EQ(batch({"--of-pairs", "none"}).status, 2);
}

TEST_F(Formats, AStemTakenTwiceGetsTheSourcesEnding) {
  put_raw("in/a.dng");
  put_raw("in/a.nef");
  const Outcome run = batch();
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("a.dng.jpg", "a.nef.jpg"));
}

/// Cameras begin their numbers anew in every folder.
TEST_F(Formats, ANameInTwoFoldersGetsItsFoldersName) {
  for (const char* folder : {"in/100", "in/101"}) fs::create_directory(folder_ / folder);
  put_raw("in/100/a.dng");
  put_raw("in/101/a.dng");
  put_raw("in/101/b.dng");
  const Outcome run = enhance({path("in/100"), path("in/101"), "-o", path("out")});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(names_in("out"), UnorderedElementsAre("100-a.dng.jpg", "101-a.dng.jpg", "b.jpg"));
}

// ---- What nobody means

TEST_F(Formats, WhatLiesBesidePhotosIsSkipped) {
  put_photo("in/a.jpg");
  for (const char* name : {"._a.jpg", ".hidden.dng", "Thumbs.db", "a.xmp", "a.pp3", "notes.txt"})
    write_file(folder_ / "in" / name, std::string("x"));
  fs::create_directory(folder_ / "in/more");
  const Outcome run = batch();
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.errors, "");
  EXPECT_EQ(json_of(run)["failed"], 0);
  EXPECT_EQ(json_of(run)["skipped"], 6);
  // As a shell would name them.
  const Outcome named = enhance({path("in/a.jpg"), path("in/._a.jpg"), path("in/Thumbs.db"), "-o",
                                 path("out"), "--overwrite"});
  EXPECT_EQ(named.status, 0) << named.errors;
}

TEST_F(Formats, LinksPipesAndLockedFoldersDoNotStopABatch) {
  put_photo("in/b.jpg");
  fs::create_symlink("a.jpg", folder_ / "in/a.jpg");  // to itself
  ASSERT_EQ(::mkfifo(path("in/pipe.dng").c_str(), 0600), 0);
  const Outcome run = batch();
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(json_of(run)["results"].size(), 1u);
  EXPECT_EQ(json_of(run)["skipped"], 2);
  EXPECT_THAT(run.errors, HasSubstr("a.jpg: is skipped: it is a link that leads nowhere"));
  EXPECT_THAT(run.errors, HasSubstr("pipe.dng: is skipped: it is a device or a pipe"));
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 2) << run.errors;
  // Named alone they are refused, and nothing waits.
  for (const char* name : {"in/a.jpg", "in/pipe.dng"}) {
    const Outcome one = enhance({path(name), "-o", path("o.png")});
    EXPECT_EQ(one.status, 1);
    EXPECT_EQ(std::count(one.errors.begin(), one.errors.end(), '\n'), 1) << one.errors;
  }
  EXPECT_EQ(run_program({"info", path("in/pipe.dng")}).status, 1);
  // A loop of folders.
  fs::create_directory_symlink("loop", folder_ / "loop");
  const Outcome loop = enhance({path("loop"), path("in/b.jpg"), "-o", path("out"), "--overwrite"});
  EXPECT_EQ(loop.status, 1);
  EXPECT_THAT(loop.errors, HasSubstr("loop"));
  EXPECT_THAT(loop.errors, HasSubstr("1 of 2 photos failed"));
}

TEST_F(Formats, AnUnreadableFolderIsOneLine) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  put_photo("in/a.jpg");
  fs::create_directory(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms::none);
  const Outcome run = enhance({path("locked"), path("in/a.jpg"), "-o", path("out")});
  fs::permissions(folder_ / "locked", fs::perms::owner_all);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("locked: cannot be looked into"));
  EXPECT_TRUE(fs::exists(folder_ / "out/a.jpg"));
}

// ---- Metadata, all the way

Exiv2::ExifData exif_in(const fs::path& path) {
  auto file = Exiv2::ImageFactory::open(path.string());
  file->readMetadata();
  return file->exifData();
}

TEST_F(Formats, MetadataOfARawReachEveryFormatUnlessStripped) {
  const auto file = shared_case("Q_metadata.dng");
  if (!file) GTEST_SKIP() << "Q_metadata.dng is not in the shared data";
  for (const char* name : {"o.jpg", "o.png", "o.tif", "o.dng"}) {
    const Outcome run = enhance({file->string(), "-o", path(name)});
    ASSERT_EQ(run.status, 0) << run.errors;
    auto exif = exif_in(folder_ / name);
    EXPECT_EQ(exif["Exif.Image.Artist"].toString(), "Test Author") << name;
    EXPECT_EQ(exif["Exif.GPSInfo.GPSLatitudeRef"].toString(), "N") << name;
    EXPECT_EQ(exif["Exif.Photo.BodySerialNumber"].toString(), "SN123456") << name;
    EXPECT_EQ(exif["Exif.Photo.OffsetTimeOriginal"].toString(), "+02:00") << name;
    ASSERT_EQ(enhance({file->string(), "-o", path(name), "--overwrite", "--strip-metadata"}).status,
              0);
    for (const auto& datum : exif_in(folder_ / name))
      EXPECT_THAT(datum.toString(), testing::AllOf(testing::Not(HasSubstr("Test Author")),
                                                   testing::Not(HasSubstr("SN123456"))))
          << name << datum.key();
  }
}

// ---- Other frames

TEST_F(Formats, LinearAndMonochromeFilesAreDeveloped) {
  for (const auto& [name, channels] : {std::pair{"L_linear.dng", 3}, {"J_mono.dng", 1}}) {
    const auto file = shared_case(name);
    if (!file) GTEST_SKIP() << name << " is not in the shared data";
    const Outcome run = enhance({file->string(), "-o", path("o.png"), "--overwrite"});
    ASSERT_EQ(run.status, 0) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("noise is removed as of a photo"));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(read_image(folder_ / "o.png").channels, channels);
    const Outcome dng = enhance({file->string(), "-o", path("o.dng"), "--overwrite"});
    ASSERT_EQ(dng.status, 0) << dng.errors;
    EXPECT_THAT(dng.errors, HasSubstr("no noise is removed"));
  }
}

TEST_F(Formats, PixelsThatAreNotSquareAreStretched) {
  Mosaic wide = shot();
  wide.pixel_aspect = 1.5;
  write_dng(folder_ / "wide.dng", wide);
  const Outcome run = enhance({path("wide.dng"), "-o", path("o.png"), "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(json_of(run)["width"], width * 3 / 2);
  EXPECT_EQ(json_of(run)["height"], height);
}

TEST_F(Formats, BaselineExposureBrightens) {
  Mosaic dark = shot();
  write_dng(folder_ / "a.dng", dark);
  dark.baseline_exposure = 1;
  write_dng(folder_ / "b.dng", dark);
  for (const char* name : {"a", "b"})
    ASSERT_EQ(
        enhance({path(std::string(name) + ".dng"), "-o", path(std::string(name) + ".png")}).status,
        0);
  const auto mean_light = [&](const char* name) {
    double sum = 0;
    const auto samples = to_float(read_image(folder_ / name));
    for (const float sample : samples) sum += double(sample);
    return sum / double(samples.size());
  };
  EXPECT_GT(mean_light("b.png"), 1.1 * mean_light("a.png"));
}

TEST_F(Formats, HighlightsOfASensorThatSaturatesEarlyAreNeutral) {
  const auto file = shared_case("D_white16383_sat15300.dng");
  if (!file) GTEST_SKIP() << "D_white16383_sat15300.dng is not in the shared data";
  const Mosaic mosaic = read_camera_file(*file);
  ASSERT_EQ(enhance({file->string(), "-o", path("o.png")}).status, 0);
  const auto json = json_of(run_program({"info", file->string(), "--json"}));
  EXPECT_NEAR(json["saturated_at"].get<double>(), *mosaic.saturated_at, 1e-9);
}

TEST_F(Formats, InfoOfAPhotoSaysWhatItCarries) {
  Image photo = noisy_scene(width, height, 1);
  photo.metadata.resolution = Resolution{300, 300, Resolution::Unit::inch};
  photo.metadata.orientation = 6;
  photo.metadata.texts["Comment"] = "by the lake";
  write_image(folder_ / "in/a.jpg", photo);
  const Outcome run = run_program({"info", path("in/a.jpg"), "--json"}, {.output = ""});
  const auto facts = json_of(run);
  EXPECT_EQ(facts["width"], width) << run.errors;
  EXPECT_EQ(facts["bits"], 8);
  EXPECT_EQ(facts["orientation"], 6);
  EXPECT_EQ(facts["resolution"]["x"], 300);
  EXPECT_EQ(facts["texts"], nlohmann::json({"Comment"}));
  EXPECT_GT(facts["exif_bytes"], 0);
}

TEST_F(Formats, InfoNamesWhatActsOnTheFrame) {
  const auto file = shared_case("N_gainmap.dng");
  if (!file) GTEST_SKIP() << "N_gainmap.dng is not in the shared data";
  const auto json = json_of(run_program({"info", file->string(), "--json"}));
  EXPECT_EQ(json["opcodes_applied"][0], "GainMap");
  EXPECT_EQ(json["sensor"], "bayer");
}

}  // namespace
}  // namespace hyperconv
