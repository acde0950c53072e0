// hyperconv enhance: which part of a photo a picture shows, which way up and how large.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <exiv2/exiv2.hpp>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "image/resize.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder with tiny untrained models, a mosaic of 40x30 that its camera crops to 32x20, the same
/// without a word of it, a frame that is demosaiced already and a photo that lies on its side.
class Framing : public testing::Test {
 protected:
  Framing() {
    ModelInfo info;
    info.task = Task::develop;
    info.name = "tiny";
    save_model(folder_ / "m.safetensors", untrained(hyper_unet({.width = 4, .hidden = 4}), info, 1),
               Precision::f16);
    CraftedDng dng;
    write_file(folder_ / "whole.dng", dng.encode());
    dng.crop_origin = {5, 4};
    dng.crop_size = {32, 20};
    write_file(folder_ / "a.dng", dng.encode());
    CraftedDng linear = dng;
    linear.photometric = 34892;
    linear.bits = {16, 16, 16};
    linear.filters.clear();
    linear.samples = noise_samples(size_t(3) * 40 * 30, 0, 4000);
    write_file(folder_ / "linear.dng", linear.encode());
    Image photo = to_u8(painted_scene(96, 64));
    photo.metadata.orientation = 8;
    write_image(folder_ / "photo.png", photo);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& input, const std::string& output,
                  std::vector<std::string> more) const {
    more.insert(more.begin(),
                {"enhance", path(input), "-o", path(output), "--json", "--overwrite"});
    if (input.ends_with(".dng")) more.insert(more.end(), {"--model", path("m.safetensors")});
    return run_program(more);
  }

  Image picture_of(const std::string& input, const std::vector<std::string>& more) {
    const Outcome run = enhance(input, "o.png", more);
    EXPECT_EQ(run.status, 0) << run.errors;
    facts_ = nlohmann::json::parse(run.output, nullptr, false);
    errors_ = run.errors;
    return read_image(path("o.png"));
  }

  void expect_refusal(const std::string& input, const std::string& output,
                      const std::vector<std::string>& more, const std::string& reason) const {
    const auto before = files_in(folder_.path());
    const Outcome run = enhance(input, output, more);
    EXPECT_EQ(run.status, 1) << reason;
    EXPECT_THAT(run.errors, HasSubstr(input));
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(files_in(folder_.path()), before);
  }

  TemporaryFolder folder_;
  nlohmann::json facts_;
  std::string errors_;
};

Image turned(Image image, int orientation) {
  image.metadata.orientation = orientation;
  return upright(std::move(image));
}

constexpr std::array<std::pair<const char*, int>, 4> turns = {
    {{"0", 1}, {"90", 6}, {"180", 3}, {"270", 8}}};

TEST_F(Framing, DefaultsAreThePictureWithoutOptions) {
  for (const std::string input : {"a.dng", "linear.dng", "photo.png"}) {
    const Image plain = picture_of(input, {});
    EXPECT_FALSE(facts_.contains("crop") || facts_.contains("rotate"));
    EXPECT_EQ(picture_of(input, {"--rotate", "auto"}).samples, plain.samples);
    EXPECT_EQ(picture_of(input, {"--resize", "100%"}).samples, plain.samples);
    EXPECT_EQ(picture_of(input, {"--resize", "9000"}).samples, plain.samples);
    if (input.ends_with(".dng")) {
      EXPECT_EQ(picture_of(input, {"--crop", "active"}).samples, plain.samples);
    }
  }
}

TEST_F(Framing, TheCamerasCropIsThatPartOfTheWhole) {
  const Image whole = picture_of("a.dng", {});
  const Image crop = picture_of("a.dng", {"--crop", "camera"});
  EXPECT_EQ(crop.width, 32);
  EXPECT_EQ(crop.height, 20);
  EXPECT_EQ(crop.samples, part_of(whole, {4, 5, 20, 32}).samples);
  EXPECT_EQ(facts_["crop"],
            nlohmann::json({{"left", 5}, {"top", 4}, {"width", 32}, {"height", 20}}));
  EXPECT_EQ(facts_["width"], 32);
  const Image linear = picture_of("linear.dng", {});
  EXPECT_EQ(picture_of("linear.dng", {"--crop", "camera"}).samples,
            part_of(linear, {4, 5, 20, 32}).samples);
  // Turned after it is cropped.
  EXPECT_EQ(picture_of("a.dng", {"--crop", "camera", "--rotate", "90"}).samples,
            turned(crop, 6).samples);
  const Image all = picture_of("whole.dng", {"--crop", "camera"});
  EXPECT_EQ(all.width, 40);
  EXPECT_THAT(errors_, HasSubstr("no crop"));
}

TEST_F(Framing, TurnsFromHowThePhotoIsStoredAndSaysSoInItsTags) {
  const Image stored = picture_of("a.dng", {"--rotate", "0"});
  // Of the photo its own samples: a model that takes no noise away.
  const Image photo = picture_of("photo.png", {"--strength", "0"});
  EXPECT_EQ(photo.metadata.orientation, 8);
  for (const auto& [degrees, orientation] : turns) {
    const Image raw = picture_of("a.dng", {"--rotate", degrees});
    EXPECT_EQ(raw.samples, turned(stored, orientation).samples) << degrees;
    EXPECT_EQ(raw.metadata.orientation, 1);
    EXPECT_EQ(facts_["rotate"], degrees);
    const Image made = picture_of("photo.png", {"--strength", "0", "--rotate", degrees});
    EXPECT_EQ(made.samples, turned(photo, orientation).samples) << degrees;
    EXPECT_EQ(made.metadata.orientation, 1);
    // A DNG is turned by whoever renders it.
    ASSERT_EQ(enhance("a.dng", "o.dng", {"--rotate", degrees}).status, 0);
    EXPECT_EQ(std::get<LinearFrame>(read_raw_frame(folder_ / "o.dng")).facts.orientation,
              orientation);
  }
}

TEST_F(Framing, SizeIsOfThePictureAsItIsSeen) {
  Image whole = picture_of("a.dng", {});
  whole.metadata.icc.clear();  // what it was encoded by, before its profile rounded that
  const Image small = picture_of("a.dng", {"--resize", "50%"});
  EXPECT_EQ(small.samples, resized(whole, 20, 15).samples);
  EXPECT_EQ(facts_["width"], 20);
  EXPECT_EQ(facts_["resize"], "50%");
  const Image high = picture_of("a.dng", {"--rotate", "90", "--resize", "20x20"});
  EXPECT_EQ(high.width, 15);
  EXPECT_EQ(high.height, 20);
  // The photo lies on its side, and is 64x96 to who looks at it.
  const Image photo = picture_of("photo.png", {"--resize", "64x48"});
  EXPECT_EQ(photo.metadata.orientation, 8);
  EXPECT_EQ(photo.height, 32);
  EXPECT_EQ(photo.width, 48);
}

TEST_F(Framing, WhatExifSaysOfSizeAndOrientationIsOfTheNewPicture) {
  const std::string photo = path("exif.jpg");
  write_image(photo, to_u8(painted_scene(96, 64)));
  {
    const auto file = Exiv2::ImageFactory::open(photo);
    file->readMetadata();
    file->exifData()["Exif.Image.Orientation"] = uint16_t(8);
    file->exifData()["Exif.Photo.PixelXDimension"] = uint32_t(96);
    file->exifData()["Exif.Photo.PixelYDimension"] = uint32_t(64);
    file->writeMetadata();
  }
  const Outcome run = enhance("exif.jpg", "o.jpg", {"--resize", "24", "--rotate", "90"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto file = Exiv2::ImageFactory::open(path("o.jpg"));
  file->readMetadata();
  Exiv2::ExifData& exif = file->exifData();
  EXPECT_EQ(exif["Exif.Photo.PixelXDimension"].toString(), "16");
  EXPECT_EQ(exif["Exif.Photo.PixelYDimension"].toString(), "24");
  EXPECT_EQ(exif["Exif.Image.Orientation"].toString(), "1");
}

TEST_F(Framing, ANoiseMapLiesOnItsPicture) {
  for (const std::string input : {"linear.dng", "photo.png"}) {
    std::vector<std::string> options = {"--rotate", "90", "--resize", "20"};
    if (input == "linear.dng") options.insert(options.end(), {"--crop", "camera"});
    const Image plain = picture_of(input, options);
    options.insert(options.end(), {"--noise-map", path("map.png"), "--task", "develop"});
    if (input == "photo.png") options.back() = "denoise";
    // The frame has to be denoised to have a map: with the model that is shipped.
    std::vector<std::string> command = {"enhance",     path(input),   "-o",
                                        path("o.png"), "--overwrite", "--json"};
    command.insert(command.end(), options.begin(), options.end());
    const Outcome run = run_program(command);
    ASSERT_EQ(run.status, 0) << run.errors;
    const Image map = read_image(path("map.png"));
    EXPECT_EQ(map.width, plain.width) << input;
    EXPECT_EQ(map.height, plain.height) << input;
  }
}

TEST_F(Framing, WhatWouldHaveNoEffectIsRefused) {
  expect_refusal("a.dng", "x.dng", {"--resize", "50%"}, "a raw converter crops and resizes");
  expect_refusal("a.dng", "x.dng", {"--crop", "camera"}, "a raw converter crops and resizes");
  expect_refusal("photo.png", "x.png", {"--crop", "camera"}, "cropped by its camera already");
  for (const auto& options :
       std::vector<std::vector<std::string>>{{"--resize", "50%"}, {"--crop", "camera"}}) {
    std::vector<std::string> with = options;
    with.insert(with.end(), {"--preview", "0,0,8,8"});
    EXPECT_EQ(enhance("a.dng", "x.png", with).status, 2) << options[0];
  }
  for (const auto& options : std::vector<std::vector<std::string>>{{"--resize", "0"},
                                                                   {"--resize", "big"},
                                                                   {"--resize", "500%"},
                                                                   {"--resize", "10x"},
                                                                   {"--resize", "-3"},
                                                                   {"--rotate", "45"},
                                                                   {"--crop", "square"}})
    EXPECT_EQ(enhance("a.dng", "x.png", options).status, 2) << options[1];
}

}  // namespace
}  // namespace hyperconv
