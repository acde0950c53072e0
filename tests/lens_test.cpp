// hyperconv enhance --lens: what a lens did is taken back, by a DNG's opcodes or by Lensfun.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <exiv2/exiv2.hpp>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/colour.hpp"
#include "raw/lens_testing.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int width = 240, height = 160;

// What the database says of the lens, in Lensfun's words.
constexpr double bend = -0.02, red = 1.004, blue = 0.996, dark = -0.3;

/// Lensfun's formulas (poly3, linear, pa), with lengths in halves of the frame's shorter side, and
/// of its diagonal for vignetting.
std::array<double, 2> seen_at(int channel, double x, double y) {
  const double cx = (width - 1) / 2.0, cy = (height - 1) / 2.0, unit = (height - 1) / 2.0;
  const double dx = (x - cx) / unit, dy = (y - cy) / unit;
  double f = 1 - bend + bend * (dx * dx + dy * dy);
  if (channel == 0) f *= red;
  if (channel == 2) f *= blue;
  return {cx + unit * f * dx, cy + unit * f * dy};
}

double light_left(int u, int v) {
  const double dx = u - (width - 1) / 2.0, dy = v - (height - 1) / 2.0;
  return 1 + dark * (dx * dx + dy * dy) / (std::pow(width / 2.0, 2) + std::pow(height / 2.0, 2));
}

/// A folder with a grid that was photographed through the lens "Hyper Wide 50mm f/2", which a
/// database of its own knows, one through a lens that no one knows, mosaics, a photo and a model.
class Lens : public testing::Test {
 protected:
  Lens() {
    ModelInfo info;
    info.task = Task::develop;
    info.name = "tiny";
    save_model(folder_ / "m.safetensors", untrained(hyper_unet({.width = 4, .hidden = 4}), info, 1),
               Precision::f16);
    Tensor light = photographed_grid(width, height, seen_at);
    for (int64_t c = 0; c < 3; ++c)
      for (int v = 0; v < height; ++v)
        for (int u = 0; u < width; ++u) light.row(0, c, v)[u] *= float(light_left(u, v));
    Mosaic facts;
    facts.width = width;
    facts.height = height;
    facts.shot = {"Hyper", "Conv One", "Hyper Wide 50mm f/2", "2024:02:29 23:59:58", 100, 0.01,
                  2,       50};
    write_linear_dng(folder_ / "grid.dng", light, facts);
    facts.samples = noise_samples(size_t(width) * height, 2000, 60000);
    write_dng(folder_ / "a.dng", facts);
    facts.shot.lens = "Nobody's 12mm f/9";
    write_linear_dng(folder_ / "unknown.dng", light, facts);
    facts.shot.lens.clear();
    write_linear_dng(folder_ / "none.dng", light, facts);
    write_image(folder_ / "photo.png", Image{8, 8, 3, std::vector<uint8_t>(192, 90), {}});
    fs::create_directories(folder_ / "share/lensfun");
    write_file(
        folder_ / "share/lensfun/hyper.xml",
        fmt::format(
            "<lensdatabase version=\"1\"><mount><name>Hyper</name></mount>"
            "<camera><maker>Hyper</maker><model>Conv One</model><mount>Hyper</mount>"
            "<cropfactor>1</cropfactor></camera>"
            "<lens><maker>Hyper</maker><model>Hyper Wide 50mm f/2</model><mount>Hyper</mount>"
            "<cropfactor>1</cropfactor><calibration>"
            "<distortion model=\"poly3\" focal=\"50\" k1=\"{}\"/>"
            "<tca model=\"linear\" focal=\"50\" kr=\"{}\" kb=\"{}\"/>"
            "<vignetting model=\"pa\" focal=\"50\" aperture=\"2\" distance=\"1000\" k1=\"{}\" "
            "k2=\"0\" k3=\"0\"/></calibration></lens></lensdatabase>",
            bend, red, blue, dark));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome enhance(const std::string& input, const std::string& output,
                  std::vector<std::string> more) const {
    more.insert(more.begin(),
                {"enhance", path(input), "-o", path(output), "--json", "--overwrite"});
    if (input.ends_with(".dng")) more.insert(more.end(), {"--model", path("m.safetensors")});
    return run_program(more, {.shell = "export XDG_DATA_HOME=" + path("share")});
  }

  Image picture_of(const std::string& input, const std::vector<std::string>& more) {
    const Outcome run = enhance(input, "o.png", more);
    EXPECT_EQ(run.status, 0) << run.errors;
    facts_ = nlohmann::json::parse(run.output, nullptr, false);
    errors_ = run.errors;
    return read_image(path("o.png"));
  }

  static Tensor light_of(const Image& picture) {
    Tensor light({1, 3, picture.height, picture.width});
    const std::vector<float> samples = to_float(picture);
    for (size_t i = 0; i < samples.size(); ++i)
      light.row(0, int64_t(i % 3), int64_t(i / 3) / picture.width)[i / 3 % picture.width] =
          float(decode_srgb(double(samples[i])));
    return light;
  }

  void expect_refusal(const std::string& input, const std::string& output,
                      const std::vector<std::string>& more, const std::string& reason) const {
    const auto before = files_in(folder_.path());
    const Outcome run = enhance(input, output, more);
    EXPECT_EQ(run.status, 1) << reason;
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(files_in(folder_.path()), before);
  }

  /// The brightest of a picture's lines in the middle of a corner's square, over the middle's.
  static double corner_light(const Tensor& light) {
    const auto brightest = [&](int top, int left) {
      float most = 0;
      for (int y = top; y < top + 30; ++y)
        for (int x = left; x < left + 30; ++x) most = std::max(most, light.row(0, 1, y)[x]);
      return double(most);
    };
    return brightest(2, 2) / brightest(height / 2 - 15, width / 2 - 15);
  }

  TemporaryFolder folder_;
  nlohmann::json facts_;
  std::string errors_;
};

TEST_F(Lens, WithoutTheOptionNothingChanges) {
  const Image plain = picture_of("grid.dng", {});
  EXPECT_FALSE(facts_.contains("lens"));
  EXPECT_EQ(picture_of("grid.dng", {"--lens", "none"}).samples, plain.samples);
  EXPECT_GT(bend_of_lines(light_of(plain), 1, 14), 1);
}

TEST_F(Lens, LensfunStraightensAlignsAndEvensOut) {
  if (!HYPERCONV_HAS_LENSFUN) GTEST_SKIP() << "built without Lensfun";
  const Tensor before = light_of(picture_of("grid.dng", {}));
  for (const std::string wanted : {"auto", "hyper wide 50MM f/2"}) {
    const Image picture = picture_of("grid.dng", {"--lens", wanted});
    EXPECT_EQ(facts_["lens"]["source"], "Lensfun");
    EXPECT_EQ(facts_["lens"]["name"], "Hyper Wide 50mm f/2");
    for (const char* what : {"distortion", "vignetting", "lateral_colour"})
      EXPECT_TRUE(facts_["lens"][what]) << what;
    const Tensor after = light_of(picture);
    double apart = 0, apart_before = 0;
    for (int64_t c = 0; c < 3; ++c) {
      EXPECT_GT(bend_of_lines(before, c, 14), 1);
      EXPECT_LT(bend_of_lines(after, c, 14), 0.1) << c;
    }
    // Red, green and blue lie over one another.
    for (int y = 10; y < height - 10; ++y)
      for (int x = 10; x < width - 10; ++x)
        for (const int64_t c : {0, 2}) {
          const auto off = [&](const Tensor& t) {
            return double(std::abs(t.row(0, c, y)[x] - t.row(0, 1, y)[x]));
          };
          apart = std::max(apart, off(after));
          apart_before = std::max(apart_before, off(before));
        }
    EXPECT_GT(apart_before, 0.1);
    EXPECT_LT(apart, 0.04);
    EXPECT_LT(corner_light(before), 0.9);
    EXPECT_NEAR(corner_light(after), 1, 0.03);
    // The file says so, too.
    Exiv2::XmpData xmp;
    const auto& packet = picture.metadata.xmp;
    ASSERT_EQ(Exiv2::XmpParser::decode(xmp, std::string(packet.begin(), packet.end())), 0);
    EXPECT_EQ(xmp["Xmp.crs.LensProfileName"].toString(), "Hyper Wide 50mm f/2");
    EXPECT_EQ(xmp["Xmp.crs.AlreadyApplied"].toString(), "True");
  }
}

TEST_F(Lens, APreviewOfAMosaicIsAsTheWholePictureIsThere) {
  if (!HYPERCONV_HAS_LENSFUN) GTEST_SKIP() << "built without Lensfun";
  const std::vector<std::string> wanted = {"--lens", "auto", "--highlights", "blend"};
  const Image whole = picture_of("a.dng", wanted);
  std::vector<std::string> part = wanted;
  part.insert(part.end(), {"--preview", "150,20,60,50"});
  EXPECT_EQ(picture_of("a.dng", part).samples, part_of(whole, {20, 150, 50, 60}).samples);
  EXPECT_NE(picture_of("a.dng", {"--highlights", "blend"}).samples, whole.samples);
}

TEST_F(Lens, ADngsOwnOpcodesComeFirst) {
  CraftedDng dng;
  dng.photometric = 34892;
  dng.bits = {16, 16, 16};
  dng.filters.clear();
  dng.samples = std::vector<uint16_t>(size_t(3) * 40 * 30, 2000);
  OpcodeList list;
  list.opcode(1, true).u32(1).f64(0.9).f64(0).f64(0).f64(0).f64(0).f64(0).f64(0.5).f64(0.5);
  list.opcode(3, true).f64(1).f64(0).f64(0).f64(0).f64(0).f64(0.5).f64(0.5);
  dng.opcodes3 = list.bytes();
  write_file(folder_ / "opcodes.dng", dng.encode());
  const Image plain = picture_of("opcodes.dng", {});
  EXPECT_THAT(errors_, HasSubstr("--lens auto"));
  const Image made = picture_of("opcodes.dng", {"--lens", "auto"});
  EXPECT_EQ(facts_["lens"]["source"], "DNG");
  EXPECT_EQ(facts_["lens"]["name"], "WarpRectilinear, FixVignetteRadial");
  EXPECT_THAT(errors_, testing::Not(HasSubstr("--lens")));
  const auto corner = [](const Image& image) { return decode_srgb(double(to_float(image)[1])); };
  EXPECT_GT(corner(made), 1.5 * corner(plain));
}

TEST_F(Lens, AnUnknownLensIsSaidAndLeftAlone) {
  if (!HYPERCONV_HAS_LENSFUN) GTEST_SKIP() << "built without Lensfun";
  for (const std::string input : {"unknown.dng", "none.dng"}) {
    const Image plain = picture_of(input, {});
    EXPECT_EQ(picture_of(input, {"--lens", "auto"}).samples, plain.samples);
    EXPECT_FALSE(facts_.contains("lens"));
    EXPECT_THAT(errors_, HasSubstr(input == "none.dng" ? "says of no lens" : "Nobody's 12mm f/9"));
  }
  // Told which it is, it is corrected.
  picture_of("none.dng", {"--lens", "Hyper Wide 50mm f/2"});
  EXPECT_EQ(facts_["lens"]["name"], "Hyper Wide 50mm f/2");
}

TEST_F(Lens, WhatCannotBeIsOneLine) {
  expect_refusal("a.dng", "x.dng", {"--lens", "auto"}, "--lens would have no effect");
  expect_refusal("photo.png", "x.png", {"--lens", "auto"}, "is a photo");
  if (HYPERCONV_HAS_LENSFUN)
    expect_refusal("grid.dng", "x.png", {"--lens", "Hyper Wide 60mm"}, "Hyper Wide 50mm f/2");
  else
    expect_refusal("grid.dng", "x.png", {"--lens", "auto"}, "liblensfun-dev");
}

}  // namespace
}  // namespace hyperconv
