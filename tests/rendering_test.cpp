// hyperconv enhance: the picture that one wants of a camera file.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <exiv2/exiv2.hpp>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.hpp"
#include "image/icc.hpp"
#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/colour.hpp"
#include "raw/mosaic.hpp"
#include "raw/white_balance.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int width = 80, height = 64;

/// A folder with a tiny untrained model, a mosaic with clipped highlights and a dim one, a frame
/// that is demosaiced already, a monochrome one and a photo.
class RenderingOptions : public testing::Test {
 protected:
  RenderingOptions() {
    ModelInfo info;
    info.task = Task::develop;
    info.name = "tiny";
    save_model(folder_ / "m.safetensors", untrained(hyper_unet({.width = 4, .hidden = 4}), info, 1),
               Precision::f16);
    const SimulatedCamera camera = standard_camera();
    const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(width, height)), camera);
    const auto exposed = [&](double exposure) {
      Random random(1);
      SensorSettings sensor;
      sensor.exposure = exposure;
      return expose(scene, camera, sensor, random);
    };
    mosaic_ = exposed(1.5);
    write_dng(folder_ / "a.dng", mosaic_);
    write_dng(folder_ / "dim.dng", exposed(0.25));
    Mosaic facts = mosaic_;
    facts.width = width;
    facts.height = height;
    write_linear_dng(folder_ / "linear.dng", scene, facts);
    Tensor grey({1, 1, height, width});
    std::fill_n(grey.data(), grey.size(), 0.5f);
    write_linear_dng(folder_ / "grey.dng", grey, Mosaic{});
    write_image(folder_ / "photo.jpg", to_u8(painted_scene(width, height)));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& input, const std::string& output,
                  std::vector<std::string> more) const {
    more.insert(more.begin(),
                {"enhance", path(input), "-o", path(output), "--json", "--overwrite"});
    if (input != "photo.jpg") more.insert(more.end(), {"--model", path("m.safetensors")});
    return run_program(more);
  }

  nlohmann::json facts_of(const std::string& input, const std::vector<std::string>& more) const {
    const Outcome run = enhance(input, "o.png", more);
    EXPECT_EQ(run.status, 0) << run.errors;
    return nlohmann::json::parse(run.output, nullptr, false);
  }

  Image picture_of(const std::string& input, const std::vector<std::string>& more) const {
    facts_of(input, more);
    return read_image(path("o.png"));
  }

  static std::vector<uint16_t> samples_of(const Image& picture) {
    return std::get<std::vector<uint16_t>>(picture.samples);
  }

  /// Exit 1 and one line; nothing is written.
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
  Mosaic mosaic_;
};

TEST_F(RenderingOptions, DefaultsAreThePictureWithoutOptions) {
  const Image plain = picture_of("a.dng", {});
  const Image named = picture_of("a.dng", {"--exposure", "0", "--white-balance", "as-shot",
                                           "--highlights", "clip", "--colour-space", "srgb"});
  EXPECT_EQ(named.samples, plain.samples);
  EXPECT_EQ(named.metadata.icc, plain.metadata.icc);
  EXPECT_EQ(profile_name(plain.metadata.icc), profile_name(srgb_profile(3)));
}

TEST_F(RenderingOptions, AStopIsTwiceTheLight) {
  const auto plain = samples_of(picture_of("linear.dng", {}));
  for (const int stops : {-2, 1}) {
    const auto brighter =
        samples_of(picture_of("linear.dng", {"--exposure", std::to_string(stops)}));
    int compared = 0;
    for (size_t i = 0; i < plain.size(); ++i) {
      const double light = std::exp2(stops) * decode_srgb(plain[i] / 65535.0);
      if (plain[i] == 0 || plain[i] == 65535 || light > 0.99) continue;
      ASSERT_NEAR(brighter[i] / 65535.0, encode_srgb(light), 2e-4);
      ++compared;
    }
    EXPECT_GT(compared, width * height);
  }
}

TEST_F(RenderingOptions, SpacesHoldTheSameColoursWithTheirProfiles) {
  const Image srgb = picture_of("linear.dng", {});
  for (const auto space : {OutputSpace::display_p3, OutputSpace::adobe_rgb, OutputSpace::prophoto,
                           OutputSpace::rec2020}) {
    for (const std::string ending : {"jpg", "png", "tif"}) {
      const Outcome run =
          enhance("linear.dng", "s." + ending, {"--colour-space", to_string(space)});
      ASSERT_EQ(run.status, 0) << run.errors;
      const ImageMetadata metadata = read_image(path("s." + ending)).metadata;
      EXPECT_EQ(metadata.icc, profile_of(space, 3));
      Exiv2::ExifData exif;
      Exiv2::ExifParser::decode(exif, metadata.exif.data(), uint32_t(metadata.exif.size()));
      EXPECT_EQ(exif["Exif.Photo.ColorSpace"].toString(), "65535") << ending;
      const auto index = exif.findKey(Exiv2::ExifKey("Exif.Iop.InteroperabilityIndex"));
      EXPECT_EQ(index != exif.end() && index->toString() == "R03", space == OutputSpace::adobe_rgb)
          << ending;
    }
    const auto wide = samples_of(read_image(path("s.tif"))), narrow = samples_of(srgb);
    const Matrix3 matrix = from_srgb(space);
    const Curve curve = colours_of(space).curve;
    for (size_t i = 0; i < narrow.size(); i += 3) {
      std::array<double, 3> light{};
      for (size_t c = 0; c < 3; ++c) light[c] = decode_srgb(narrow[i + c] / 65535.0);
      // What sRGB had to cut is not the same.
      if (std::ranges::min(light) <= 0 || std::ranges::max(light) >= 1) continue;
      const auto expected = transform(matrix, light);
      for (size_t c = 0; c < 3; ++c)
        ASSERT_NEAR(wide[i + c] / 65535.0, encode(curve, expected[c]), 2e-4) << to_string(space);
    }
  }
}

TEST_F(RenderingOptions, WhiteBalanceIsWhatWasWanted) {
  const auto balance = [&](const std::string& wanted) {
    return facts_of("a.dng", {"--white-balance", wanted})["white_balance"]
        .get<std::vector<double>>();
  };
  const auto as_shot = balance("as-shot");
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(as_shot[c], mosaic_.white_balance[c], 1e-4);
  const auto light = balance_of_white(chromaticity({3200, 10}), *mosaic_.xyz_to_camera).value();
  const auto lamp = balance("3200,10");
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(lamp[c], light[c], 2e-3);
  EXPECT_LT(balance("3200")[0], balance("7000")[0]);
  EXPECT_NE(balance("auto"), as_shot);
  const auto of_place = [&](const std::string& place) {
    return facts_of("dim.dng", {"--white-balance", "grey:" + place})["white_balance"];
  };
  EXPECT_NE(of_place("20,20"), of_place("60,50"));
  // A raw converter starts with it, too.
  const Outcome run = enhance("a.dng", "o.dng", {"--white-balance", "3200,10"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto frame = std::get<LinearFrame>(read_raw_frame(folder_ / "o.dng"));
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(frame.facts.white_balance[c], light[c], 2e-3);
}

/// With the model that ships: an untrained one makes nothing of highlights.
TEST_F(RenderingOptions, HighlightsShowMoreAndTheRestIsDarker) {
  const fs::path shipped = fs::path(HYPERCONV_SOURCE_DIR) / "models/develop.safetensors";
  fs::copy_file(shipped, folder_ / "m.safetensors", fs::copy_options::overwrite_existing);
  const auto clip = samples_of(picture_of("a.dng", {}));
  const auto whites = [](const std::vector<uint16_t>& samples) {
    return std::ranges::count_if(samples, [](uint16_t sample) { return sample > 65000; });
  };
  const auto sum = [](const std::vector<uint16_t>& samples) {
    return std::accumulate(samples.begin(), samples.end(), int64_t(0));
  };
  ASSERT_GT(whites(clip), 100);
  for (const std::string mode : {"blend", "rebuild"}) {
    const auto facts = facts_of("a.dng", {"--highlights", mode});
    EXPECT_EQ(facts["rendering"]["highlights"], mode);
    const auto samples = samples_of(read_image(path("o.png")));
    EXPECT_LT(sum(samples), sum(clip)) << mode;
    EXPECT_LT(whites(samples), whites(clip)) << mode;
    // Exposed as before, what was not clipped is as before.
    const double stops =
        std::log2(mode == "blend" ? white_of(HighlightMode::blend, mosaic_.white_balance)
                                  : white_of(HighlightMode::rebuild, mosaic_.white_balance));
    const auto exposed = samples_of(
        picture_of("a.dng", {"--highlights", mode, "--exposure", fmt::format("{}", stops)}));
    size_t same = 0;
    for (size_t i = 0; i < clip.size(); ++i)
      same += std::abs(int(exposed[i]) - int(clip[i])) < 200 ? 1 : 0;
    EXPECT_GT(same, clip.size() / 2) << mode;
  }
}

TEST_F(RenderingOptions, WhatWouldHaveNoEffectIsRefused) {
  for (const auto& option : std::vector<std::vector<std::string>>{
           {"--exposure", "1"}, {"--highlights", "blend"}, {"--colour-space", "prophoto"}}) {
    expect_refusal("a.dng", "x.dng", option, option[0] + " would have no effect");
    expect_refusal("photo.jpg", "x.png", option, option[0] + " would have no effect");
  }
  expect_refusal("photo.jpg", "x.png", {"--white-balance", "auto"}, "is a photo");
  expect_refusal("linear.dng", "x.png", {"--white-balance", "auto"}, "demosaiced already");
  expect_refusal("linear.dng", "x.png", {"--highlights", "blend"}, "demosaiced already");
  expect_refusal("grey.dng", "x.png", {"--colour-space", "adobe-rgb"}, "is monochrome");
}

TEST_F(RenderingOptions, WhatCannotBeIsOneLine) {
  expect_refusal("a.dng", "x.png", {"--white-balance", "grey:80,10"}, "80x64 pixels");
  Mosaic dark = mosaic_;
  dark.samples.assign(dark.samples.size(), uint16_t(dark.black[0]));
  write_dng(folder_ / "dark.dng", dark);
  expect_refusal("dark.dng", "x.png", {"--white-balance", "grey:40,40"}, "black");
  for (const auto& option : std::vector<std::vector<std::string>>{{"--exposure", "11"},
                                                                  {"--exposure", "bright"},
                                                                  {"--white-balance", "warm"},
                                                                  {"--white-balance", "1000"},
                                                                  {"--white-balance", "5000,200"},
                                                                  {"--white-balance", "grey:1"},
                                                                  {"--white-balance", "grey:-1,2"},
                                                                  {"--highlights", "unclip"},
                                                                  {"--colour-space", "cmyk"}})
    EXPECT_EQ(enhance("a.dng", "x.png", option).status, 2) << option[1];
}

}  // namespace
}  // namespace hyperconv
