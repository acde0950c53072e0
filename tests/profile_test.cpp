// hyperconv profile, evaluate and info as scripts run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

nlohmann::json json_of(const std::vector<std::string>& arguments) {
  const Outcome run = run_program(arguments);
  EXPECT_EQ(run.status, 0) << run.errors;
  return nlohmann::json::parse(run.output);
}

TEST(Profile, PrintsThePostersFigures) {
  const auto json = json_of({"profile", "--network", "hyper-iii", "--json"});
  EXPECT_EQ(json["network"], "hyper-iii");
  EXPECT_EQ(json["size"], "3072x4096");
  EXPECT_EQ(json["memory_size"], "2976x3968");
  EXPECT_NEAR(json["conv_memory_bytes"].get<double>() / (1 << 30), 1.76, 0.01);
  EXPECT_NEAR(json["flops"].get<double>() / 1e12, 0.180, 0.001);
  EXPECT_NEAR(json["parameters"].get<double>() / 1e6, 90, 0.1);
  EXPECT_GT(json["hidden"].get<int>(), 1000);
  EXPECT_GT(json["flops_total"].get<double>(), json["flops"].get<double>());
  EXPECT_GT(json["conv_memory_bytes"].get<int64_t>(), json["peak_memory_bytes"].get<int64_t>());
  EXPECT_EQ(json["receptive_field"], 2 * receptive_field(make_network("hyper-iii")));
}

TEST(Profile, OverridesAndLayers) {
  const auto json = json_of({"profile", "--network", "develop-16", "--width", "8", "--hidden", "5",
                             "--size", "64x128", "--layers", "--json"});
  EXPECT_EQ(json["hidden"], 5);
  int64_t flops = 0;
  for (const auto& layer : json["layers"]) flops += layer["flops"].get<int64_t>();
  EXPECT_EQ(flops, json["flops"].get<int64_t>());
}

TEST(Profile, KnowsWhatAPhotoIsToEachNetwork) {
  const auto mosaic =
      json_of({"profile", "--network", "pynet", "--width", "4", "--size", "64x96", "--json"});
  EXPECT_EQ(mosaic["task"], "isp");
  EXPECT_EQ(mosaic["input"], nlohmann::json({1, 4, 32, 48}));
  const auto rgb = json_of({"profile", "--network", "vdn", "--size", "256x256", "--json"});
  EXPECT_EQ(rgb["task"], "denoise");
  EXPECT_EQ(rgb["input"], nlohmann::json({1, 3, 256, 256}));
  EXPECT_NEAR(rgb["flops"].get<double>() / 2e9, 37, 0.37);
  EXPECT_EQ(rgb["receptive_field"], receptive_field(make_network("vdn")));
}

TEST(Profile, NamesWhatItDoesNotKnow) {
  const Outcome unknown = run_program({"profile", "--network", "hyper-iv"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("hyper-iii"));
  const Outcome size = run_program({"profile", "--network", "hyper-iii", "--size", "100x100"});
  EXPECT_EQ(size.status, 1);
  EXPECT_THAT(size.errors, HasSubstr("multiples of 8"));
  const Outcome pyramid = run_program({"profile", "--network", "pynet", "--size", "3000x4000"});
  EXPECT_EQ(pyramid.status, 1);
  EXPECT_THAT(pyramid.errors, HasSubstr("multiples of 32"));
}

TEST(EvaluateCommand, PrintsTheFieldsThatScriptsRelyOn) {
  const TemporaryFolder folder;
  ModelInfo info;
  info.name = "tiny";
  save_model(folder / "m.safetensors", untrained(hyper_unet({.width = 4}), info, 1),
             Precision::f16);
  std::filesystem::create_directories(folder / "photos");
  write_image(folder / "photos/a.png", painted_scene(96, 64));
  const auto json = json_of({"evaluate", "--model", (folder / "m.safetensors").string(), "--data",
                             (folder / "photos").string(), "--json"});
  EXPECT_EQ(json["images"], 1);
  ASSERT_EQ(json["levels"].size(), 4u);
  double psnr = 0;
  for (const auto& level : json["levels"]) {
    psnr += level["psnr"].get<double>() / 4;
    for (const char* baseline : {"ahd", "dht"}) {
      EXPECT_GT(level["baselines"][baseline]["psnr"].get<double>(), 10);
      EXPECT_GT(level["baselines"][baseline]["ssim"].get<double>(), 0);
    }
  }
  EXPECT_NEAR(json["psnr"].get<double>(), psnr, 1e-9);
  EXPECT_TRUE(json["ms_ssim"].is_null());
}

TEST(Info, TellsOfBuildAndModel) {
  const auto build = json_of({"info", "--json"});
  EXPECT_GE(build["cores"].get<int>(), 1);
  const TemporaryFolder folder;
  ModelInfo info;
  info.name = "tiny";
  save_model(folder / "m.safetensors", untrained(hyper_unet({.width = 4}), info, 1),
             Precision::bf16);
  const auto model = json_of({"info", (folder / "m.safetensors").string(), "--json"});
  EXPECT_EQ(model["model"], "tiny");
  EXPECT_EQ(model["task"], "develop");
  EXPECT_EQ(run_program({"info", (folder / "none").string()}).status, 1);
}

}  // namespace
}  // namespace hyperconv
