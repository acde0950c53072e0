// hyperconv train as a researcher runs it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "network/model.hpp"
#include "program.hpp"
#include "scenes.hpp"
#include "started.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class Train : public testing::Test {
 protected:
  void write_recipe(int steps, const std::string& more = {}) const {
    write_tiny_training(folder_.path(), 2, fmt::format("warmup = 1\nsteps = {}\n{}", steps, more));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

TEST_F(Train, MakesAModelThatEnhanceTakes) {
  write_recipe(3);
  const Outcome run =
      run_program({"train", path("r.toml"), "-o", path("run"), "--threads", "1", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["step"], 3);
  ASSERT_EQ(json["model"], path("run/tiny.safetensors"));
  ASSERT_EQ(run_program({"simulate", "--scene", "80x64", "-o", path("a.dng")}).status, 0);
  EXPECT_EQ(
      run_program({"enhance", path("a.dng"), "-o", path("a.png"), "--model", json["model"]}).status,
      0);
}

TEST_F(Train, CtrlCSavesAndTheSameCommandGoesOn) {
  write_recipe(1000000, "checkpoint_every = 50\n");
  Started interrupted(std::string(HYPERCONV_PROGRAM) + " train " + path("r.toml") +
                          " --threads 1 -o " + path("run"),
                      folder_.path(), "interrupted");
  ASSERT_TRUE(wait_for(folder_ / "run/checkpoint-000000050.safetensors")) << interrupted.errors();
  interrupted.signal(SIGINT);
  EXPECT_EQ(interrupted.wait(), 1);
  EXPECT_THAT(interrupted.errors(), HasSubstr("goes on from"));
  const Outcome run = run_program({"train", path("r.toml"), "-o", path("run"), "--threads", "1",
                                   "--stop-after", "2", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_GT(nlohmann::json::parse(run.output)["step"].get<int>(), 51);
}

TEST_F(Train, ASecondOneInTheSameFolderIsRefusedAndAKilledOneHoldsNothing) {
  write_recipe(1000000, "checkpoint_every = 1\n");
  const std::vector<std::string> second = {"train", path("r.toml"), "-o", path("run"), "--threads",
                                           "1",     "--stop-after", "1"};
  Started first(std::string(HYPERCONV_PROGRAM) + " train " + path("r.toml") + " --threads 1 -o " +
                    path("run"),
                folder_.path(), "first");
  ASSERT_TRUE(wait_for(folder_ / "run/checkpoint-000000001.safetensors")) << first.errors();
  for (const bool restarts : {false, true}) {
    std::vector<std::string> command = second;
    if (restarts) command.push_back("--restart");
    const Outcome refused = run_program(command);
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.errors, testing::StartsWith("hyperconv: " + path("run") + ": "));
    EXPECT_THAT(refused.errors, HasSubstr("another training (process "));
    EXPECT_EQ(std::count(refused.errors.begin(), refused.errors.end(), '\n'), 1) << refused.errors;
  }
  first.signal(SIGKILL);
  EXPECT_EQ(first.wait(), 128 + SIGKILL);
  const Outcome resumed = run_program(second);
  EXPECT_EQ(resumed.status, 0) << resumed.errors;
}

TEST_F(Train, AFinishedRunSaysThatNothingIsLeft) {
  write_recipe(2);
  const std::vector<std::string> command = {"train",     path("r.toml"), "-o",
                                            path("run"), "--threads",    "1"};
  ASSERT_EQ(run_program(command).status, 0);
  const Outcome again = run_program(command);
  EXPECT_EQ(again.status, 0) << again.errors;
  EXPECT_THAT(again.output, HasSubstr("step 2 of 2: nothing is left to do"));
}

TEST_F(Train, ABadRecipeGetsOneLine) {
  write_file(folder_ / "bad.toml", "[model]\nnetwrk = 1\n");
  const Outcome run = run_program({"train", path("bad.toml"), "-o", path("run")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("bad.toml"));
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

// For long series: scripts/check-kill --kills N.
TEST(TrainCommand, KilledAndResumedEndsWithTheSameBits) {
  const std::string script = std::string(HYPERCONV_SOURCE_DIR) + "/scripts/check-kill";
  const TemporaryFolder folder;
  const std::string log = (folder / "log").string();
  const int status = std::system(
      (script + " --kills 2 --program " + HYPERCONV_PROGRAM + " >" + log + " 2>&1").c_str());
  const auto said = read_file(log);
  EXPECT_EQ(status, 0) << std::string(said.begin(), said.end());
}

}  // namespace
}  // namespace hyperconv
