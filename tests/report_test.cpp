// hyperconv enhance --report: a page with photos before and after. What it does in a browser,
// scripts/check-report tries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/random.hpp"
#include "image/image.hpp"
#include "page.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A folder with a noisy mosaic, a noisy photo that lies on its side and has a name to trip over,
/// and one that is no photo.
class ReportPage : public testing::Test {
 protected:
  ReportPage() {
    fs::create_directories(folder_ / "in");
    fs::create_directories(folder_ / "out");
    const SimulatedCamera camera = standard_camera();
    Random random(1);
    SensorSettings sensor;
    sensor.noise = NoiseProfile{4e-3, 2e-5};
    write_dng(folder_ / "in/a.dng",
              expose(scene_in_camera_colours(linear_srgb(painted_scene(96, 64)), camera), camera,
                     sensor, random));
    Image photo = to_u8(painted_scene(96, 72));
    for (uint8_t& sample : std::get<std::vector<uint8_t>>(photo.samples))
      sample = uint8_t(std::clamp(double(sample) + 12 * double(random.normal()), 0.0, 255.0));
    photo.metadata.orientation = 6;
    write_image(folder_ / "in" / trap_, photo);
    write_file(folder_ / "in/broken.jpg", std::string("no photo"));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Outcome report_of(const std::string& input, const std::string& output,
                    std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"enhance", path(input), "-o", path(output), "--report",
                               path("report"), "--overwrite"});
    return run_program(more);
  }

  std::string page() const { return text_of_page(folder_ / "report"); }
  nlohmann::json data() const { return data_of_page(folder_ / "report"); }

  static std::string row(const nlohmann::json& photo, const std::string& label) {
    for (const auto& row : photo["rows"])
      if (row[0] == label) return row[1];
    return {};
  }

  TemporaryFolder folder_;
  std::string trap_ = "b <!--<script><b>&amp;.jpg";
};

TEST_F(ReportPage, HoldsAFoldersPhotosBeforeAndAfterAndWhatFailed) {
  EXPECT_EQ(report_of("in", "out").status, 1);  // one of them is broken
  const nlohmann::json found = data();
  ASSERT_FALSE(found.is_discarded());
  ASSERT_EQ(found["photos"].size(), 2u);
  EXPECT_EQ(found["photos"][0]["name"], "a.dng");
  EXPECT_EQ(found["photos"][1]["name"], trap_);
  ASSERT_EQ(found["failures"].size(), 1u);
  EXPECT_THAT(found["failures"][0].get<std::string>(), HasSubstr("broken.jpg"));
  for (const auto& photo : found["photos"]) {
    const fs::path folder = folder_ / "report" / photo["id"].get<std::string>();
    const Image before = read_image(folder / "before.jpg");
    const Image after = read_image(folder / "after.jpg");
    EXPECT_EQ(after.width, photo["width"]);
    EXPECT_EQ(after.height, photo["height"]);
    EXPECT_EQ(before.width, after.width);
    EXPECT_NE(before.samples, after.samples);
    EXPECT_EQ(after.metadata.orientation, 1);
    EXPECT_TRUE(fs::exists(folder / "thumbnail.jpg"));
    EXPECT_THAT(row(photo, "Times"), HasSubstr("s in all"));
    EXPECT_THAT(row(photo, "Removed"), Not(HasSubstr("0.00 of 255")));
  }
  EXPECT_THAT(row(found["photos"][0], "Noise found"), HasSubstr("times its deviation"));
  EXPECT_EQ(found["photos"][1]["width"], 72);  // as it is seen
  // The pictures after are those that were written.
  const std::vector<float> made = to_float(read_image(folder_ / "out/a.jpg"));
  const std::vector<float> shown = to_float(read_image(folder_ / "report/0001/after.jpg"));
  double apart = 0;
  for (size_t i = 0; i < made.size(); ++i) apart += std::abs(double(made[i] - shown[i]));
  EXPECT_LT(apart / double(made.size()), 0.02);
}

TEST_F(ReportPage, NeedsNothingFromElsewhere) {
  ASSERT_EQ(report_of("in/a.dng", "o.jpg").status, 0);
  const std::string text = page();
  EXPECT_THAT(text, Not(HasSubstr("http:")));
  EXPECT_THAT(text, Not(HasSubstr("https:")));
  EXPECT_THAT(text, HasSubstr("default-src 'none'"));
}

TEST_F(ReportPage, SaysWhatWasDoneAndShowsItFramed) {
  ASSERT_EQ(report_of("in/a.dng", "o.png",
                      {"--resize", "48", "--rotate", "90", "--strength", "0.5", "--exposure", "1"})
                .status,
            0);
  const nlohmann::json photo = data()["photos"][0];
  EXPECT_EQ(photo["width"], 32);
  EXPECT_EQ(photo["height"], 48);
  EXPECT_EQ(row(photo, "Resized"), "48");
  EXPECT_THAT(row(photo, "Noise removal"), HasSubstr("50 %"));
  EXPECT_THAT(row(photo, "Colours"), HasSubstr("+1 stops"));
  EXPECT_EQ(read_image(folder_ / "report/0001/before.jpg").width, 32);
}

TEST_F(ReportPage, PictureAndTimesAreAsWithoutIt) {
  ASSERT_EQ(run_program({"enhance", path("in/a.dng"), "-o", path("plain.png")}).status, 0);
  const Outcome run = report_of("in/a.dng", "o.png", {"--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(read_file(folder_ / "o.png"), read_file(folder_ / "plain.png"));
}

TEST_F(ReportPage, WhatCannotBeIsOneLine) {
  const auto refused = [&](const std::vector<std::string>& more, const std::string& reason) {
    std::vector<std::string> command = {"enhance", path("in/a.dng")};
    command.insert(command.end(), more.begin(), more.end());
    const Outcome run = run_program(command);
    EXPECT_EQ(run.status, 1) << reason;
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_FALSE(fs::exists(folder_ / "x.png"));
  };
  refused({"-o", path("x.png"), "--report", path("in")}, "holds something already");
  refused({"-o", path("x.png"), "--report", path("in/broken.jpg")}, "cannot be made");
  refused({"-o", path("x.dng"), "--report", path("r")}, "--report is of pictures");
  EXPECT_FALSE(fs::exists(path("r")));
}

}  // namespace
}  // namespace hyperconv
