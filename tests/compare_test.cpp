// hyperconv compare, as scripts see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "program.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// A slope of grey with `offset` added, in so many channels; alpha, where there is one, varies too.
Image slope(int width, int height, int channels, int offset = 0) {
  Image image{width, height, channels, {}, {}};
  std::vector<uint8_t> samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        const bool alpha = channels % 2 == 0 && c == channels - 1;
        samples.push_back(uint8_t((alpha ? x : (x + 2 * y) % 200) + offset));
      }
  image.samples = std::move(samples);
  return image;
}

class Compare : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string put(const std::string& name, const Image& image) const {
    write_image(folder_ / name, image);
    return path(name);
  }
  static nlohmann::json json(const std::string& a, const std::string& b) {
    const Outcome run = run_program({"compare", a, b, "--json"});
    EXPECT_EQ(run.status, 0) << run.errors;
    EXPECT_EQ(run.errors, "");
    EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 1);
    return nlohmann::json::parse(run.output);
  }
  TemporaryFolder folder_;
};

TEST_F(Compare, TellsThreeFigures) {
  const auto a = put("a.png", slope(180, 190, 3)), b = put("b.png", slope(180, 190, 3, 51));
  const auto scores = json(a, b);
  EXPECT_NEAR(scores["psnr"].get<double>(), -20 * std::log10(0.2), 1e-5);
  EXPECT_LT(scores["ssim"].get<double>(), 1);
  EXPECT_LT(scores["ms_ssim"].get<double>(), 1);
  EXPECT_FALSE(scores["identical"].get<bool>());
  const Outcome text = run_program({"compare", a, b});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, HasSubstr("13.9794 dB"));
}

TEST_F(Compare, EqualPicturesHaveNoFinitePsnr) {
  const auto a = put("a.png", slope(20, 20, 3)), b = put("b.tif", to_u16(slope(20, 20, 3)));
  const auto scores = json(a, b);
  EXPECT_TRUE(scores["identical"].get<bool>());
  EXPECT_TRUE(scores["psnr"].is_null());
  EXPECT_NEAR(scores["ssim"].get<double>(), 1, 1e-12);
  EXPECT_THAT(run_program({"compare", a, b}).output, HasSubstr("identical"));
}

TEST_F(Compare, SmallPicturesLackSomeFigures) {
  const auto a = put("a.png", slope(175, 11, 1)), b = put("b.png", slope(175, 11, 1, 3));
  EXPECT_TRUE(json(a, b)["ms_ssim"].is_null());
  EXPECT_TRUE(json(a, b)["ssim"].is_number());
  const auto c = put("c.png", slope(10, 30, 1)), d = put("d.png", slope(10, 30, 1, 3));
  EXPECT_TRUE(json(c, d)["ssim"].is_null());
  const Outcome text = run_program({"compare", c, d});
  EXPECT_EQ(text.status, 0);
  EXPECT_EQ(text.errors, "");
  EXPECT_THAT(text.output, HasSubstr("SSIM     - (needs 11x11 pixels)"));
  EXPECT_THAT(text.output, HasSubstr("MS-SSIM  - (needs 176x176 pixels)"));
}

TEST_F(Compare, TurnsPicturesUprightDropsAlphaAndSpreadsGrey) {
  const auto reference = put("a.png", slope(20, 30, 1));
  for (int channels = 2; channels <= 4; ++channels)
    EXPECT_TRUE(json(reference, put("b.png", slope(20, 30, channels)))["identical"].get<bool>());
  // Turned by half is the same tag to and fro.
  Image turned = slope(20, 30, 3);
  turned.metadata.orientation = 3;
  turned = upright(turned);
  turned.metadata.orientation = 3;
  EXPECT_TRUE(json(put("b.tif", turned), reference)["identical"].get<bool>());
}

TEST_F(Compare, FailsWithOneLine) {
  const auto a = put("a.png", slope(20, 20, 3)), b = put("b.png", slope(20, 21, 3));
  const auto expect_failure = [&](const std::string& image, const std::string& reason) {
    const Outcome run = run_program({"compare", a, image, "--json"});
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1);
  };
  expect_failure(b, "20x21 pixels");
  expect_failure(path("none.png"), "none.png");
  expect_failure(folder_.path().string(), "folder");
  EXPECT_EQ(run_program({"compare", a}).status, 2);
  EXPECT_EQ(run_program({"compare", a, b, "--unknown"}).status, 2);
}

}  // namespace
}  // namespace hyperconv
