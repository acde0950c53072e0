// hyperconv evaluate on pairs, whole and in shares, as scripts run it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "data/data_testing.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "page.hpp"
#include "program.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class EvaluatePairsCommand : public testing::Test {
 protected:
  EvaluatePairsCommand() {
    for (int i = 0; i < 5; ++i) {
      put_picture(folder_ / fmt::format("set/test/huawei_raw/{}.png", i), random_mosaic(48, 32, i));
      put_picture(folder_ / fmt::format("set/test/canon/{}.jpg", i), random_photo(48, 32, 50 + i));
    }
    const ModelInfo info{.task = Task::isp, .name = "tiny"};
    save_model(folder_ / "m.safetensors", untrained(plain_unet({4}), info, 1), Precision::f32);
  }

  std::vector<std::string> with(const std::vector<std::string>& more) {
    std::vector<std::string> all{"evaluate",
                                 "--model",
                                 (folder_ / "m.safetensors").string(),
                                 "--data",
                                 (folder_ / "set").string(),
                                 "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  nlohmann::json run(const std::vector<std::string>& more) {
    const Outcome outcome = run_program(with(more));
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return nlohmann::json::parse(outcome.output);
  }

  std::string text(const std::string& name) {
    const auto bytes = read_file(folder_ / name);
    return {bytes.begin(), bytes.end()};
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluatePairsCommand, PrintsMeansAndWritesARowAPair) {
  const auto json = run({"--csv", (folder_ / "s.csv").string()});
  EXPECT_EQ(json["images"], 5);
  EXPECT_EQ(json["layout"], "zrr");
  EXPECT_GT(json["psnr"].get<double>(), 1);
  EXPECT_GT(json["psnr_interval"].get<double>(), 0);
  EXPECT_TRUE(json["ms_ssim"].is_null());
  EXPECT_EQ(std::ranges::count(text("s.csv"), '\n'), 7);  // what was scored, names, five rows
}

TEST_F(EvaluatePairsCommand, SharesMeetInTheTable) {
  const auto whole = run({"--csv", (folder_ / "whole.csv").string()});
  const auto csv = (folder_ / "s.csv").string();
  const auto first = run({"--csv", csv, "--shard", "1/2"});
  EXPECT_EQ(first["images"], 3);
  EXPECT_EQ(first["share"], "1/2");
  EXPECT_FALSE(std::filesystem::exists(csv));
  const Outcome early = run_program({"evaluate", "--merge", csv});
  EXPECT_EQ(early.status, 1);
  EXPECT_THAT(early.errors, HasSubstr("part-2-of-2"));
  // As Slurm would start the other one.
  const Outcome second = run_program(
      with({"--csv", csv}),
      {.shell = "export SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_COUNT=2"});
  ASSERT_EQ(second.status, 0) << second.errors;
  const auto json = nlohmann::json::parse(second.output);
  EXPECT_EQ(json["images"], 5);
  EXPECT_EQ(json["psnr"], whole["psnr"]);
  EXPECT_EQ(text("s.csv"), text("whole.csv"));
}

TEST_F(EvaluatePairsCommand, ShowsTheFirstPairsOnAPage) {
  // A mosaic is no picture: the model's and the target alone.
  const auto json = run({"--report", (folder_ / "page").string()});
  const auto page = data_of_page(folder_ / "page");
  ASSERT_EQ(page["photos"].size(), 5u);
  for (const auto& photo : page["photos"]) {
    ASSERT_EQ(photo["pictures"].size(), 2u);
    EXPECT_EQ(photo["pictures"][0]["name"], "tiny");
    EXPECT_EQ(photo["pictures"][1]["name"], "clean");
  }
  const Outcome share = run_program(with({"--csv", (folder_ / "s.csv").string(), "--shard", "1/2",
                                          "--report", (folder_ / "other").string()}));
  EXPECT_EQ(share.status, 1);
  EXPECT_THAT(share.errors, HasSubstr("not of share 1/2"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other"));
  EXPECT_EQ(run_program({"evaluate", "--merge", "x.csv", "--report", "r"}).status, 1);
}

TEST(EvaluateDevelop, ShowsPhotosBesideRivalsOnAPage) {
  const TemporaryFolder folder;
  put_picture(folder / "photos/a.png", to_u8(painted_scene(96, 64)));
  put_picture(folder / "photos/b.png", to_u8(painted_scene(64, 96)));
  write_file(folder / "photos/c.png", std::string("no picture"));
  const ModelInfo info{.name = "tiny"};
  save_model(folder / "m.safetensors", untrained(hyper_unet({.width = 4}), info, 1),
             Precision::f16);
  const auto evaluate = [&](const std::string& data) {
    return run_program({"evaluate", "--model", (folder / "m.safetensors").string(), "--data", data,
                        "--shrink", "1", "--json", "--report", (folder / "page").string()});
  };
  // Nothing to show leaves nothing.
  EXPECT_EQ(evaluate((folder / "nowhere").string()).status, 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "page"));
  const Outcome outcome = evaluate((folder / "photos").string());
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const auto page = data_of_page(folder / "page");
  EXPECT_THAT(page["summary"].get<std::string>(), HasSubstr("2 photos"));
  ASSERT_EQ(page["photos"].size(), 8u);  // two, at four levels
  ASSERT_EQ(page["failures"].size(), 1u);
  const auto psnr = [&](size_t photo, size_t picture) {
    return std::stod(page["photos"][photo]["pictures"][picture]["scores"][0].get<std::string>());
  };
  for (size_t photo = 0; photo < 8; ++photo) {
    const auto& pictures = page["photos"][photo]["pictures"];
    ASSERT_EQ(pictures.size(), 5u);
    EXPECT_EQ(pictures[0]["name"], "input, bilinear");
    EXPECT_EQ(pictures[1]["name"], "tiny");
    EXPECT_EQ(pictures[2]["name"], "LibRaw AHD");
    EXPECT_EQ(pictures[4]["name"], "clean");
    if (photo % 4 > 0) {
      EXPECT_LT(psnr(photo, 0), psnr(photo - 1, 0));  // more noise
    }
  }
  // The means are those of the table.
  const auto levels = nlohmann::json::parse(outcome.output)["levels"];
  EXPECT_NEAR(levels[3]["psnr"].get<double>(), (psnr(3, 1) + psnr(7, 1)) / 2, 0.01);
  EXPECT_NEAR(levels[3]["baselines"]["ahd"]["psnr"].get<double>(), (psnr(3, 2) + psnr(7, 2)) / 2,
              0.01);
}

TEST_F(EvaluatePairsCommand, SaysWhatDoesNotFit) {
  const auto fails = [&](const std::vector<std::string>& more, const char* line) {
    const Outcome outcome = run_program(with(more));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr(line));
  };
  fails({"--shard", "1/2"}, "--csv");
  fails({"--shard", "3/2", "--csv", "x.csv"}, "3/2");
  fails({"--save", "/no/such/folder"}, "/no/such/folder");
  fails({"--patch", "9"}, "multiples of");
  EXPECT_EQ(run_program({"evaluate"}).status, 2);
}

TEST(EvaluateDenoiser, OnPhotosWithNoiseAndOnPairs) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png"}) {
    put_picture(folder / "photos" / name, to_u8(painted_scene(96, 64)));
    put_picture(folder / "pairs/clean" / name, to_u8(painted_scene(96, 64)));
    put_picture(folder / "pairs/noisy" / name, random_photo(96, 64, 3));
  }
  std::filesystem::create_directories(folder / "models");
  const ModelInfo info{.task = Task::denoise, .name = "tiny"};
  save_model(folder / "models/denoise.safetensors",
             untrained(small_denoiser({.width = 4, .hidden = 2}), info, 1), Precision::f16);
  // The model that is shipped for what the data are.
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "evaluate");
    arguments.emplace_back("--json");
    const Outcome outcome = run_program(
        arguments,
        {.shell = "export HYPERCONV_MODELS=" + (folder / "models").string(), .output = ""});
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return nlohmann::json::parse(outcome.output);
  };
  const auto photos = run({"--data", (folder / "photos").string(), "--noise", "25"});
  EXPECT_EQ(photos["noise"], "25");
  EXPECT_EQ(photos["images"], 2);
  EXPECT_GT(photos["flops"].get<int64_t>(), 0);
  EXPECT_NEAR(photos["input_psnr"].get<double>(), 20.2, 1);
  EXPECT_GT(photos["input_psnr_interval"].get<double>(), 0);
  const auto again = run({"--data", (folder / "photos").string(), "--noise", "25", "--seed", "2"});
  EXPECT_NE(again["input_psnr"], photos["input_psnr"]);
  const auto pairs =
      run({"--data", (folder / "pairs").string(), "--report", (folder / "page").string()});
  const auto shown = data_of_page(folder / "page")["photos"];
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0]["pictures"][0]["name"], "input");
  EXPECT_EQ(shown[0]["pictures"][1]["name"], "tiny");
  EXPECT_EQ(pairs["layout"], "folders");
  EXPECT_LT(pairs["input_psnr"].get<double>(), 15);
  const Outcome wrong =
      run_program({"evaluate", "--data", (folder / "photos").string(), "--model",
                   (folder / "models/denoise.safetensors").string(), "--noise", "case9"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.errors, HasSubstr("case1, case2, case3"));
}

TEST(EnhanceCommand, SharesABatch) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "raws");
  std::filesystem::create_directories(folder / "out");
  write_image(folder / "photo.png", painted_scene(80, 64));
  for (const char* name : {"a", "b", "c"}) {
    const auto raw = (folder / "raws").string() + "/" + name + ".dng";
    ASSERT_EQ(run_program({"simulate", (folder / "photo.png").string(), "-o", raw}).status, 0);
  }
  const ModelInfo info{.name = "tiny"};
  save_model(folder / "m.safetensors", untrained(hyper_unet({.width = 4}), info, 1),
             Precision::f16);
  const std::vector<std::string> arguments{"enhance", (folder / "raws").string(),
                                           "-o",      (folder / "out").string(),
                                           "--model", (folder / "m.safetensors").string()};
  const auto made = [&] {
    return std::distance(std::filesystem::directory_iterator(folder / "out"), {});
  };
  auto first = arguments;
  first.insert(first.end(), {"--shard", "2/2"});
  EXPECT_EQ(run_program(first).status, 0);
  EXPECT_EQ(made(), 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "out/b.jpg"));
  const Outcome second = run_program(arguments, {.shell = "export RANK=0 WORLD_SIZE=2"});
  EXPECT_EQ(second.status, 0);
  EXPECT_THAT(second.errors, HasSubstr("share 1/2: 2 of 3"));
  EXPECT_EQ(made(), 3);
}

}  // namespace
}  // namespace hyperconv
