#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

TEST(Simulate, WritesACameraFileThatKnowsItsSensor) {
  const TemporaryFolder folder;
  const std::string raw = folder / "raw.dng";
  const Outcome outcome = run_program({"simulate", "--scene", "96x64", "--iso", "3200", "--cfa",
                                       "gbrg", "--bits", "14", "--seed", "5", "-o", raw, "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "");
  const auto facts = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(facts.at("width"), 96);
  EXPECT_EQ(facts.at("height"), 64);
  EXPECT_EQ(facts.at("cfa"), "gbrg");
  // Half way, in logarithms, between the medians of ISO 1600 and 6400.
  const double shot = std::sqrt(2.5e-4 * 8.6e-4);
  EXPECT_NEAR(facts.at("shot").get<double>(), shot, 1e-9);

  const Mosaic mosaic = read_camera_file(raw);
  EXPECT_EQ(mosaic.width, 96);
  EXPECT_EQ(mosaic.height, 64);
  EXPECT_EQ(mosaic.cfa, Cfa::gbrg);
  EXPECT_EQ(mosaic.white, 16383);
  EXPECT_THAT(mosaic.black, testing::Each(256));
  ASSERT_TRUE(mosaic.noise);
  EXPECT_NEAR(mosaic.noise->shot, shot, 1e-9);
  EXPECT_EQ(mosaic.shot.iso, 3200);
  const SimulatedCamera camera = standard_camera();
  for (size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(mosaic.white_balance[c], camera.white_balance[c], 1e-5);
}

TEST(Simulate, WritesFramesWithoutFilters) {
  const TemporaryFolder folder;
  const std::string raw = folder / "raw.dng", clean = folder / "clean.png",
                    plain = folder / "plain.png";
  for (const auto& [cfa, channels] : {std::pair{"none", 3}, {"monochrome", 1}}) {
    const Outcome outcome =
        run_program({"simulate", "--scene", "96x64", "--iso", "6400", "--cfa", cfa, "-o", raw,
                     "--clean", clean, "--plain", plain, "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    const auto facts = nlohmann::json::parse(outcome.output);
    EXPECT_EQ(facts.at("cfa"), cfa);
    const auto frame = std::get<LinearFrame>(read_raw_frame(raw));
    EXPECT_EQ(frame.light.shape(), (Shape{1, channels, 64, 96}));
    ASSERT_TRUE(frame.facts.noise);
    EXPECT_NEAR(frame.facts.noise->shot, facts.at("shot").get<double>(), 1e-9);
    EXPECT_EQ(frame.facts.shot.iso, 6400);
    EXPECT_EQ(read_image(clean).channels, channels);
    EXPECT_NE(read_image(plain).samples, read_image(clean).samples);
  }
  const Outcome png = run_program(
      {"simulate", "--scene", "96x64", "--cfa", "none", "-o", (folder / "raw.png").string()});
  EXPECT_EQ(png.status, 1);
  EXPECT_THAT(png.errors, HasSubstr("--cfa none is written as a .dng"));
}

TEST(Simulate, AnIsoValueIsOfAKindOfSensor) {
  const TemporaryFolder folder;
  const auto shot_of = [&](const std::string& kind) {
    const Outcome run = run_program({"simulate", "--scene", "64x64", "--iso", "6400", "--sensor",
                                     kind, "-o", (folder / "raw.dng").string(), "--json"});
    EXPECT_EQ(run.status, 0) << run.errors;
    return nlohmann::json::parse(run.output).at("shot").get<double>();
  };
  EXPECT_NEAR(shot_of("full-frame"), 4.3e-4, 1e-9);
  EXPECT_NEAR(shot_of("aps-c"), 8.6e-4, 1e-9);
  EXPECT_NEAR(shot_of("phone"), 6.88e-3, 1e-9);
  EXPECT_EQ(run_program({"simulate", "--scene", "64x64", "--sensor", "film", "-o",
                         (folder / "no.dng").string()})
                .status,
            2);
  EXPECT_FALSE(std::filesystem::exists(folder / "no.dng"));
}

TEST(Simulate, InfoTellsTheNoiseAndWhoSaysSo) {
  const TemporaryFolder folder;
  const std::string raw = folder / "raw.dng", bare = folder / "bare.dng";
  ASSERT_EQ(
      run_program({"simulate", "--scene", "480x320", "--shot", "0.006", "--bits", "14", "-o", raw})
          .status,
      0);
  const auto noise_of = [](const std::string& file) {
    return nlohmann::json::parse(run_program({"info", file, "--json"}).output).at("noise");
  };
  const auto said = noise_of(raw);
  EXPECT_EQ(said.at("source"), "file");
  EXPECT_DOUBLE_EQ(said.at("shot").get<double>(), 0.006);

  Mosaic mosaic = read_camera_file(raw);
  mosaic.noise.reset();
  write_dng(bare, mosaic);
  const auto found = noise_of(bare);
  EXPECT_EQ(found.at("source"), "estimated");
  EXPECT_NEAR(found.at("shot").get<double>() / 0.006, 1, 0.2);
  EXPECT_LT(found.at("doubt").get<double>(), 0.2);
  EXPECT_GT(found.at("samples").get<int64_t>(), 10'000);
  EXPECT_THAT(run_program({"info", bare}).output, HasSubstr("estimated"));
}

TEST(Simulate, SameSeedSameFile) {
  const TemporaryFolder folder;
  const auto simulate = [&](const std::string& seed) {
    const auto raw = folder / ("raw" + seed + ".dng");
    EXPECT_EQ(run_program({"simulate", "--scene", "64x64", "--seed", seed, "-o", raw}).status, 0);
    return read_file(raw);
  };
  const auto first = simulate("1");
  EXPECT_EQ(first, simulate("1"));
  EXPECT_NE(first, simulate("2"));
}

TEST(Simulate, PhotographsAPhotoAndGivesBackTheTruth) {
  // Grey 128: half of it as exposure is 0.108 in linear light, 92.37 of 255 encoded.
  const TemporaryFolder folder;
  const auto photo = folder / "photo.png";
  write_image(photo, Image{40, 20, 3, std::vector<uint8_t>(40 * 20 * 3, 128), {}});
  const auto raw = folder / "raw.png", clean = folder / "clean.png", plain = folder / "plain.png";
  const Outcome outcome =
      run_program({"simulate", photo, "--shot", "0.001", "--read", "0.00001", "--exposure", "0.5",
                   "--shrink", "2", "-o", raw, "--clean", clean, "--plain", plain});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;

  const Image mosaic = read_image(raw);
  EXPECT_EQ(mosaic.channels, 1);
  EXPECT_EQ(mosaic.width, 20);
  EXPECT_EQ(mosaic.height, 10);
  for (const float value : to_float(read_image(clean))) EXPECT_NEAR(value * 255, 92.37, 0.01);

  const std::vector<float> noisy = to_float(read_image(plain));
  double mean = 0, variance = 0;
  for (const float value : noisy) mean += value * 255 / double(noisy.size());
  for (const float value : noisy)
    variance += (value * 255 - mean) * (value * 255 - mean) / double(noisy.size());
  EXPECT_NEAR(mean, 92.37, 2);
  EXPECT_GT(variance, 1);
}

TEST(Simulate, RefusesWrongUseWithTwo) {
  const TemporaryFolder folder;
  const std::string raw = folder / "raw.dng";
  const std::vector<std::vector<std::string>> wrong = {
      {"simulate", "-o", raw},
      {"simulate", "--scene", "64x64"},
      {"simulate", "photo.png", "--scene", "64x64", "-o", raw},
      {"simulate", "--scene", "64", "-o", raw},
      {"simulate", "--scene", "64x64", "--bits", "9", "-o", raw},
      {"simulate", "--scene", "64x64", "--cfa", "rgb", "-o", raw},
      {"simulate", "--scene", "64x64", "--iso", "100", "--shot", "0.1", "-o", raw},
      {"simulate", "--scene", "64x64", "--read", "0.1", "-o", raw}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(arguments);
    EXPECT_NE(outcome.errors, "");
    EXPECT_EQ(outcome.output, "");
  }
  EXPECT_FALSE(std::filesystem::exists(raw));
}

TEST(Simulate, FailsInOneLineAndLeavesNothing) {
  const TemporaryFolder folder;
  const auto expect_failure = [](const std::vector<std::string>& arguments,
                                 const std::string& what) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr(what));
    EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
  };
  expect_failure({"simulate", folder / "none.png", "-o", folder / "raw.dng"}, "none.png");
  expect_failure({"simulate", "--scene", "64x64", "-o", folder / "raw.jpg"}, "raw.jpg");
  expect_failure({"simulate", "--scene", "9x64", "-o", folder / "raw.dng"}, "9x64");
  expect_failure(
      {"simulate", "--scene", "64x64", "-o", folder / "raw.dng", "--clean", folder / "clean.gif"},
      "clean.gif");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace hyperconv
