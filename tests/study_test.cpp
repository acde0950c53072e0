// hyperconv study as scripts run it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "page.hpp"
#include "program.hpp"
#include "scenes.hpp"
#include "simulation/scene.hpp"
#include "studies/learning_curve.hpp"
#include "studies/results.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

TEST(CostTableCommand, PrintsThePapersTableBesideOurs) {
  const Outcome run = run_program({"study", "cost-table", "--no-run", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  ASSERT_EQ(json["rows"].size(), 9u);
  const auto& pynet = json["rows"][0];
  EXPECT_EQ(pynet["network"], "pynet");
  EXPECT_EQ(pynet["poster"]["tera_flops"], 43);
  EXPECT_EQ(pynet["definition"]["tera_flops"], 42.91);
  EXPECT_NEAR(pynet["flops"].get<double>(), 42.91e12, 0.01 * 42.91e12);
  EXPECT_TRUE(pynet["run"].is_null());
}

TEST(CostTableCommand, RunsANetworkAndSaysHow) {
  const std::vector<std::string> arguments{"study",      "cost-table", "--network",
                                           "develop-16", "--size",     "512x256"};
  auto with = [&](const std::vector<std::string>& more) {
    auto all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  };
  const auto json = nlohmann::json::parse(with({"--json"}).output);
  EXPECT_EQ(json["rows"][0]["run"]["tiles"], 1);
  EXPECT_GT(json["rows"][0]["run"]["seconds"], 0);
  EXPECT_GT(json["rows"][0]["run"]["peak_rss_bytes"], json["rows"][0]["peak_memory_bytes"]);
  EXPECT_THAT(with({"--markdown"}).output, HasSubstr("| develop-16 | 32 |"));
  EXPECT_THAT(with({}).output, HasSubstr("512x256"));
  const Outcome little = with({"--memory", "0.000001"});
  EXPECT_EQ(little.status, 1);
  EXPECT_THAT(little.errors, HasSubstr("develop-16"));
}

TEST(CostTableCommand, NamesWhatItDoesNotKnow) {
  const Outcome unknown = run_program({"study", "cost-table", "--network", "hyper-iv"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("hyper-iii"));
  const Outcome size =
      run_program({"study", "cost-table", "--network", "pynet", "--size", "100x96"});
  EXPECT_EQ(size.status, 1);
  EXPECT_THAT(size.errors, HasSubstr("multiples of 32"));
}

TEST(LargeImageCommand, ShowsThatHiddenIsFree) {
  const Outcome run = run_program({"study", "large-image", "--network", "hyper-i", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["tenfold"][0]["flops"], json["tenfold"][2]["flops"]);
  EXPECT_GT(json["points"].size(), 100u);
}

TEST(LargeImageCommand, RefusesWhatCannotBe) {
  EXPECT_EQ(run_program({"study", "large-image", "--network", "plain-0.6t"}).status, 1);
  const Outcome folder = run_program({"study", "large-image", "-o", "/no/such/folder"});
  EXPECT_EQ(folder.status, 1);
  EXPECT_THAT(folder.errors, HasSubstr("/no/such/folder"));
  EXPECT_EQ(run_program({"study"}).status, 2);
}

/// A small stand-in for Zurich RAW-to-DSLR, made by the program itself.
class SweepCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!HYPERCONV_HAS_TRAINING) GTEST_SKIP() << "built without training";
    if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "gnuplot is not installed";
    std::filesystem::create_directory(folder_ / "photos");
    for (int i = 0; i < 3; ++i)
      write_image(folder_ / ("photos/" + std::to_string(i) + ".png"),
                  painted_scene(256 + 16 * i, 224), {});
    const Outcome made =
        run_program({"simulate", "--layout", "zrr", path("photos"), "-o", path("pairs"), "--patch",
                     "192", "--train-patches", "6", "--test-patches", "2", "--seed", "1"});
    ASSERT_EQ(made.status, 0) << made.errors;
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Outcome study(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> all{"study",
                                 name,
                                 "--smoke",
                                 "--data",
                                 path("pairs"),
                                 "-o",
                                 path("runs/" + name),
                                 "--results",
                                 path(name + ".csv")};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  }
  size_t lines(const std::string& name) const {
    const auto bytes = read_file(folder_ / name);
    return size_t(std::count(bytes.begin(), bytes.end(), '\n'));
  }

  TemporaryFolder folder_;
};

TEST_F(SweepCommand, SharesMakeOneTableAndNothingTwice) {
  ASSERT_EQ(study("double-descent", {"--shard", "2/2"}).status, 0);
  EXPECT_EQ(lines("double-descent.csv"), 2u);  // the columns, and one of two runs
  const Outcome rest = study("double-descent", {"--jobs", "2", "--json"});
  ASSERT_EQ(rest.status, 0) << rest.errors;
  EXPECT_EQ(nlohmann::json::parse(rest.output)["done"], 2);
  EXPECT_EQ(lines("double-descent.csv"), 3u);
  const auto before = read_file(folder_ / "double-descent.csv");
  ASSERT_EQ(study("double-descent", {}).status, 0);
  EXPECT_EQ(read_file(folder_ / "double-descent.csv"), before);
  // Runs under way are gone with their end.
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "runs/double-descent"));
}

TEST_F(SweepCommand, FiguresComeFromTheTableAlone) {
  ASSERT_EQ(study("conditioning", {"--only", "hyper-layer"}).status, 0);
  std::filesystem::create_directory(folder_ / "elsewhere");
  std::filesystem::copy_file(folder_ / "conditioning.csv", folder_ / "elsewhere/mine.csv");
  const Outcome drawn =
      run_program({"study", "conditioning", "--redraw", path("elsewhere/mine.csv")});
  ASSERT_EQ(drawn.status, 0) << drawn.errors;
  EXPECT_THAT(drawn.output, HasSubstr("| hyper-layer | 1 |"));
  EXPECT_GT(read_file(folder_ / "elsewhere/mine-by-statistics.png").size(), 5000u);
}

TEST_F(SweepCommand, ThePostersRowsAreTrainedBesideTheirControls) {
  ASSERT_EQ(study("poster", {"--only", "plain"}).status, 0);  // the backbone, and two rows
  const Outcome run = study("poster", {"--only", "hidden-1"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("| plain-0.6t | 0.580 | 0.19 | 4 | 1 |"));
  EXPECT_THAT(run.output, HasSubstr("| 19.82 | 0.7185 | 0.8446 |"));
  EXPECT_THAT(run.output, HasSubstr("| `hyper-iii`: hidden-1 | 0.180 |"));
  const Results results = read_results(folder_ / "poster.csv");
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results.number(0, "samples"), 4 * 8);
  EXPECT_GE(results.number(0, "psnr_affine"), results.number(0, "psnr"));
  EXPECT_EQ(curve_from_string(results.text(0, "curve")).size(), 4u);  // each step of four
  for (const char* axis : {"samples", "flops"})
    EXPECT_GT(read_file(folder_ / fmt::format("poster-over-{}.png", axis)).size(), 5000u);
  // Of a larger network a step costs more, and shows as many patches.
  const Results curves = read_results(folder_ / "poster-over-flops.csv");
  std::map<std::string, std::pair<double, double>> last;
  for (size_t row = 0; row < curves.size(); ++row)
    last[curves.text(row, "network")] = {curves.number(row, "samples"),
                                         curves.number(row, "training_pflop")};
  EXPECT_EQ(last.at("plain-1.3t").first, last.at("plain-0.6t").first);
  EXPECT_NEAR(last.at("plain-1.3t").second / last.at("plain-0.6t").second, 1.283 / 0.58, 0.05);
}

TEST_F(SweepCommand, InterpolationKeepsErrorsOverTheSteps) {
  const Outcome run = study("interpolation", {});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("loss fell in the last tenth by"));
  const Results results = read_results(folder_ / "interpolation.csv");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(curve_from_string(results.text(1, "curve")).size(), 4u);
  for (const char* figure : {"labels-noise-0.1", "steps-labels-noise-0.1"})
    EXPECT_GT(read_file(folder_ / fmt::format("interpolation-{}.png", figure)).size(), 5000u);
}

TEST_F(SweepCommand, BothTasksOfFixedFlopsAreMeasured) {
  ASSERT_EQ(study("fixed-flops",
                  {"--only", "film", "--photos", path("photos"), "--test-photos", path("photos")})
                .status,
            0);
  const Outcome drawn = run_program({"study", "fixed-flops", "--redraw", path("fixed-flops.csv")});
  EXPECT_THAT(drawn.output, HasSubstr("| pairs | film |"));
  EXPECT_THAT(drawn.output, HasSubstr("| develop | film |"));
}

TEST_F(SweepCommand, DesignsAreTrainedTimedAndMeasured) {
  const auto designs = [&](const std::string& only) {
    return run_program({"study", "designs", "--smoke", "--photos", path("photos"), "--test-photos",
                        path("photos"), "-o", path("runs"), "--results", path("designs.csv"),
                        "--only", only});
  };
  ASSERT_EQ(designs("film").status, 0);
  const Outcome run = designs("linear-light");
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("| film | FiLM"));
  EXPECT_THAT(run.output, HasSubstr("| linear-light | `develop` in"));
  EXPECT_GT(read_file(folder_ / "designs-by-design.png").size(), 5000u);
  const Results results = read_results(folder_ / "designs.csv");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_GT(results.number(0, "seconds_12mp"), 0);
  for (const char* level : {"none", "1.2e-2"})
    EXPECT_GT(results.number(1, std::string("psnr_") + level), 0);
}

// Whole pictures of the set's test part, and crops of another set.
TEST_F(SweepCommand, VdnIsMeasuredBesideACheaperPair) {
  const auto put_pair = [&](const std::string& set, int width, int height) {
    for (const char* side : {"noisy", "clean"})
      std::filesystem::create_directories(folder_ / set / side);
    write_image(folder_ / set / "noisy/1.png", noisy_scene(width, height, 3), {});
    write_image(folder_ / set / "clean/1.png", painted_scene(width, height), {});
  };
  put_pair("noise/train", 96, 80);
  put_pair("noise/val", 96, 80);
  put_pair("large", 1030, 520);
  put_pair("more", 90, 80);
  const auto only = [&](const char* network) {
    return run_program({"study", "vdn", "--smoke", "--data", path("noise"), "--more", path("more"),
                        "--crops", path("large"), "-o", path("runs/vdn"), "--results",
                        path("vdn.csv"), "--only", network});
  };
  ASSERT_EQ(only("hyper-20").status, 0);
  const Outcome twin = only("plain-20");
  ASSERT_EQ(twin.status, 0) << twin.errors;
  // Of each, one that has learned from one set and one that has learned from both.
  EXPECT_EQ(lines("vdn.csv"), 5u);
  const auto bytes = read_file(folder_ / "vdn.csv");
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_THAT(text, HasSubstr("crop_pictures"));
  // A deviation of 12 of 255, less where it is cut at black and white.
  const Results results = read_results(folder_ / "vdn.csv");
  for (const char* column : {"input_psnr_8bit", "crop_input_psnr_8bit"})
    EXPECT_NEAR(results.number(0, column), 20 * std::log10(255.0 / 12), 1.5) << column;
  EXPECT_EQ(results.number(0, "pictures"), 1);
  EXPECT_EQ(results.number(0, "crop_pictures"), 2);
  EXPECT_THAT(twin.output, HasSubstr("| vdn-hyper-20 |"));
  for (const char* group : {"one-pictures", "one-crops", "both-pictures", "both-crops"})
    EXPECT_GT(read_file(folder_ / fmt::format("vdn-{}.png", group)).size(), 5000u);
  const auto learned_from = [&](size_t row) { return results.text(row, "learned_from"); };
  EXPECT_EQ(learned_from(0), "one");
  EXPECT_EQ(learned_from(1), "both");
  EXPECT_NE(results.number(0, "psnr_8bit"), results.number(1, "psnr_8bit"));
}

TEST_F(SweepCommand, OtherDataAndWrongWordsAreRefused) {
  ASSERT_EQ(study("double-descent", {"--only", "hidden-0"}).status, 0);
  // The same names, but another set.
  std::ofstream(folder_ / "pairs/simzrr.json", std::ios::app) << " ";
  const Outcome other = study("double-descent", {});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.errors, HasSubstr("other data"));
  const Outcome none = study("double-descent", {"--only", "nonsense"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.errors, HasSubstr("hidden-0"));
  EXPECT_EQ(study("double-descent", {"--shard", "3/2"}).status, 1);
  EXPECT_EQ(run_program({"study", "fixed-flops", "--redraw", "/no/such.csv"}).status, 1);
}

TEST_F(SweepCommand, ARunThatCannotBeIsNamed) {
  // Six pairs are not the sixty-four windows of the quick form.
  const Outcome run =
      run_program({"study", "double-descent", "--quick", "--steps", "2", "--only",
                   "hidden-1-windows-64", "--data", path("pairs"), "-o", path("runs/quick")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("hidden-1-windows-64-noise-0.1-seed-1"));
  EXPECT_THAT(run.errors, HasSubstr("holds 6 pairs"));
}

TEST(InfoFilters, AreDrawnForAModelsPhotos) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  std::vector<std::string> arguments{"info", HYPERCONV_SOURCE_DIR "/models/develop-16.safetensors",
                                     "--filters"};
  for (const char* iso : {"100", "1600", "25600"}) {
    arguments.push_back((folder / (std::string(iso) + ".dng")).string());
    ASSERT_EQ(run_program({"simulate", "--scene", "192x128", "--iso", iso, "-o", arguments.back()})
                  .status,
              0);
  }
  const std::vector<std::string> photos = arguments;
  const std::string figure = (folder / "f.png").string();
  for (const std::string& more : {std::string("-o"), figure, std::string("--layer"),
                                  std::string("bottleneck"), std::string("--json")})
    arguments.push_back(more);
  const Outcome run = run_program(arguments);
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["layer"], "bottleneck");
  EXPECT_LT(json["photos"][0]["noise"], json["photos"][2]["noise"]);
  EXPECT_GT(read_file(folder / "f.png").size(), 5000u);
  EXPECT_GT(read_file(folder / "f-photos.png").size(), 5000u);
  EXPECT_EQ(run_program(photos).status, 2);  // without -o
}

class RivalsCommand : public testing::Test {
 protected:
  RivalsCommand() {
    std::filesystem::create_directories(folder_ / "photos");
    std::filesystem::create_directories(folder_ / "crops");
    for (const int width : {200, 232})
      write_image(folder_ / fmt::format("photos/{}.png", width), painted_scene(width, 192));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Outcome study(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"study",        "rivals", "--data",
                                 path("photos"), "--csv",  path("s.csv")};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  }

  /// A Python that is none: its one demosaicker gives back the mosaic as three planes.
  void put_python() const {
    std::filesystem::create_directories(folder_ / "env/bin");
    const std::string python = path("env/bin/python");
    write_file(python, std::string(R"sh(#!/bin/bash
if [ "$2" = --packages ]; then echo '{"missing": []}'; exit; fi
echo '{"versions": {"menon": "grey 1"}, "flops": {"menon": 3}}'
value() { sed 's/.*"'$1'":"\([^"]*\)".*/\1/' <<< "$line"; }
while read -r line; do
  mosaic=$(value mosaic)
  cat "$mosaic" "$mosaic" "$mosaic" > "$(value output)"
  echo '{"seconds": 1}'
done
)sh"));
    std::filesystem::permissions(python, std::filesystem::perms::owner_all);
  }

  TemporaryFolder folder_;
};

TEST_F(RivalsCommand, ScoresAsEvaluateDoesAndNothingTwice) {
  const Outcome first = study({"--rivals", "none", "--json"});
  ASSERT_EQ(first.status, 0) << first.errors;
  const auto table = nlohmann::json::parse(first.output)["tables"][0];
  EXPECT_EQ(table["photos"], 2);
  const Outcome evaluated =
      run_program({"evaluate", "--data", path("photos"), "--shrink", "1", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.errors;
  const auto levels = nlohmann::json::parse(evaluated.output)["levels"];
  const size_t same[] = {0, 4, 6, 7};  // of the eight levels, those of evaluate
  for (size_t i = 0; i < 4; ++i) {
    const auto psnr = [&](size_t who) {
      return table["rows"][who]["levels"][same[i]]["psnr"].get<double>();
    };
    EXPECT_NEAR(psnr(0), levels[i]["psnr"].get<double>(), 1e-3);
    EXPECT_NEAR(psnr(1), levels[i]["baselines"]["ahd"]["psnr"].get<double>(), 1e-3);
    EXPECT_NEAR(psnr(2), levels[i]["baselines"]["dht"]["psnr"].get<double>(), 1e-3);
  }
  const auto scores = read_file(folder_ / "s.csv");
  EXPECT_EQ(std::count(scores.begin(), scores.end(), '\n'), 1 + 2 * 8 * 3);
  const Outcome again = study({"--rivals", "none"});
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_EQ(read_file(folder_ / "s.csv"), scores);
  EXPECT_THAT(again.output, HasSubstr("| LibRaw AHD | - |"));
}

TEST_F(RivalsCommand, AsksPythonAndDrawsSideBySide) {
  put_python();
  const Outcome run = study({"--environment", path("env"), "--crop", "64", "--limit", "1",
                             "--crops", path("crops"), "--markdown", path("t.md")});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("| menon | 0.0 |"));
  const auto text = read_file(folder_ / "t.md");
  EXPECT_EQ(std::string(text.begin(), text.end()), run.output);
  const Image sheet = read_image(folder_ / "crops/200-0.004.png");
  // The truth, develop-16, two of LibRaw and the rival, 64 wide with gaps of 4.
  EXPECT_EQ(sheet.width, 5 * 68 - 4);
  const Results scores = read_results(folder_ / "s.csv");
  EXPECT_THAT(scores.distinct("method"), testing::Contains("menon"));
}

/// Of three levels of noise, each with what there was, who took part and the truth.
TEST_F(RivalsCommand, ShowsThemOnAPage) {
  put_python();
  const std::vector<std::string> asked{"--environment", path("env"), "--crop", "64",
                                       "--limit",       "1"};
  ASSERT_EQ(study(asked).status, 0);
  auto shown = asked;
  shown.insert(shown.end(), {"--report", path("page")});
  // What is scored already is made again to be seen, and keeps its score.
  const auto scores = read_file(folder_ / "s.csv");
  const Outcome run = study(shown);
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(read_file(folder_ / "s.csv"), scores);
  const auto page = data_of_page(folder_ / "page");
  ASSERT_FALSE(page.is_discarded());
  EXPECT_THAT(page["summary"].get<std::string>(), HasSubstr("simulated"));
  ASSERT_EQ(page["photos"].size(), 3u);
  std::vector<std::string> notes;
  for (const auto& photo : page["photos"]) {
    EXPECT_EQ(photo["name"], "200.png");
    EXPECT_EQ(photo["width"], 64);
    notes.push_back(photo["note"]);
    std::vector<std::string> names;
    for (const auto& picture : photo["pictures"]) {
      names.push_back(picture["name"]);
      EXPECT_EQ(read_image(folder_ / "page" / std::string(photo["id"]) / picture["file"]).width,
                64);
    }
    EXPECT_THAT(names, testing::ElementsAre("input, bilinear", "develop", "LibRaw AHD",
                                            "LibRaw DHT", "menon", "clean"));
  }
  EXPECT_THAT(notes, testing::ElementsAre("none", "variance 0.00025 x + 7e-07",
                                          "variance 0.004 x + 2e-05"));
  // The figures are the table's.
  const Results table = read_results(folder_ / "s.csv");
  for (size_t row = 0; row < table.size(); ++row)
    if (table.text(row, "method") == "develop" && table.text(row, "shot") == "0.004") {
      EXPECT_NEAR(std::stod(page["photos"][2]["pictures"][1]["scores"][0].get<std::string>()),
                  table.number(row, "psnr"), 0.006);
    }
  const Outcome again = study(shown);
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.errors, HasSubstr("holds something already"));
  shown.push_back("--overwrite");
  EXPECT_EQ(study(shown).status, 0);
}

/// A network for frames of three colours takes a mosaic that was interpolated.
TEST_F(RivalsCommand, OfXTransAlsoBehindAPlainInterpolation) {
  const auto shipped = [](const char* name) {
    return std::string(HYPERCONV_SOURCE_DIR) + "/models/" + name + ".safetensors";
  };
  const Outcome run =
      study({"--cfa", "x-trans", "--crop", "96", "--limit", "1", "--rivals", "none", "--json",
             "--model", shipped("develop-xtrans"), "--model", shipped("develop-rgb")});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto rows = nlohmann::json::parse(run.output)["tables"][0]["rows"];
  std::map<std::string, double> noisy;  // PSNR at the most noise
  for (const auto& row : rows) noisy[row["method"]] = row["levels"].back()["psnr"];
  ASSERT_EQ(noisy.size(), 6u);
  for (const char* before : {"bilinear", "LibRaw Markesteijn 1", "LibRaw Markesteijn 3"})
    EXPECT_GT(noisy[std::string("develop-rgb behind ") + before], noisy["LibRaw Markesteijn 3"] + 3)
        << before;
  EXPECT_EQ(noisy.count("develop-xtrans"), 1u);
  // The others' sensors have another pattern.
  const Outcome bayer =
      study({"--cfa", "x-trans", "--rivals", "none", "--model", shipped("develop")});
  EXPECT_EQ(bayer.status, 1);
  EXPECT_THAT(bayer.errors, HasSubstr("develops frames of bayer"));
}

TEST_F(RivalsCommand, SaysWhatIsMissing) {
  const Outcome none = study({"--environment", path("nowhere")});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.errors, HasSubstr("bench/rivals/setup --pictures"));
  put_python();
  const Outcome unknown = study({"--environment", path("env"), "--rivals", "pmrid+menon"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("--pmrid"));
  EXPECT_EQ(run_program({"study", "rivals"}).status, 2);
}

class DenoisersCommand : public testing::Test {
 protected:
  DenoisersCommand() {
    std::filesystem::create_directories(folder_ / "photos");
    std::filesystem::create_directories(folder_ / "pairs");
    for (const int width : {64, 96})
      write_image(folder_ / fmt::format("photos/{}.png", width), to_u8(painted_scene(width, 64)));
    write_image(folder_ / "pairs/a_mean.png", to_u8(painted_scene(64, 64)));
    write_image(folder_ / "pairs/a_real.png", to_u8(painted_scene(64, 64)));
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

TEST_F(DenoisersCommand, ScoresAsEvaluateDoes) {
  const Outcome run =
      run_program({"study", "denoisers", "--data", path("photos"), "--noise", "25,phone", "--pairs",
                   path("pairs"), "--rivals", "none", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto rows = nlohmann::json::parse(run.output)["rows"];
  EXPECT_EQ(rows[0]["scores"][0]["noise"], "real");
  EXPECT_EQ(rows[0]["scores"][0]["psnr_8bit"], 99);  // the pair's two are equal
  for (const size_t column : {1, 2}) {
    const std::string noise = column == 1 ? "25" : "phone";
    const Outcome evaluated = run_program(
        {"evaluate", "--model", std::string(HYPERCONV_SOURCE_DIR) + "/models/denoise.safetensors",
         "--data", path("photos"), "--noise", noise, "--json"});
    ASSERT_EQ(evaluated.status, 0) << evaluated.errors;
    const auto scores = nlohmann::json::parse(evaluated.output);
    EXPECT_NEAR(rows[0]["scores"][column]["psnr_8bit"].get<double>(),
                scores["input_psnr_8bit"].get<double>(), 0.01);
    EXPECT_NEAR(rows[1]["scores"][column]["psnr_8bit"].get<double>(),
                scores["psnr_8bit"].get<double>(), 0.01);
  }
}

TEST_F(DenoisersCommand, ShowsThemOnAPage) {
  const Outcome run =
      run_program({"study", "denoisers", "--data", path("photos"), "--noise", "25", "--pairs",
                   path("pairs"), "--rivals", "none", "--report", path("page")});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto photos = data_of_page(folder_ / "page")["photos"];
  ASSERT_EQ(photos.size(), 3u);
  EXPECT_EQ(photos[0]["note"], "real");
  EXPECT_EQ(photos[1]["note"], "25");
  const auto& pictures = photos[1]["pictures"];
  EXPECT_EQ(pictures.front()["name"], "the photo as it is");
  EXPECT_EQ(pictures.back()["name"], "clean");
  EXPECT_EQ(pictures.size(), 5u);  // ours three times
  const auto file = [&](const auto& picture) {
    return folder_ / "page" / std::string(photos[1]["id"]) / picture["file"];
  };
  // A clean photo that got noise, and the photo.
  EXPECT_EQ(read_image(file(pictures.back())).samples, read_image(path("photos/64.png")).samples);
  EXPECT_NE(read_image(file(pictures.front())).samples, read_image(path("photos/64.png")).samples);
}

TEST_F(DenoisersCommand, SaysWhatIsMissing) {
  EXPECT_THAT(run_program({"study", "denoisers"}).errors, HasSubstr("--pairs, --data"));
  EXPECT_THAT(run_program({"study", "denoisers", "--data", path("photos"), "--environment",
                           path("nowhere")})
                  .errors,
              HasSubstr("bench/rivals/setup --pictures"));
}

TEST(NoiseCommand, EstimatesThePaintedScenesNoiseAtAllIso) {
  const Outcome run = run_program({"study", "noise", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto table = nlohmann::json::parse(run.output)["tables"][0];
  ASSERT_EQ(table["levels"].size(), 9u);
  for (const auto& level : table["levels"])
    EXPECT_EQ(level["at_mid_tone"]["within_15_percent"], 1) << level.dump();
  EXPECT_THAT(run_program({"study", "noise", "--data", "/nowhere"}).errors, HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace hyperconv
