// docs/reproduce.md, command by command, on a tiny set in the layout of Zurich RAW-to-DSLR.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/data_testing.hpp"
#include "documented.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

/// A recipe whose run takes a second: two steps, small batches, a narrow network.
std::string shortened(const std::string& recipe) {
  const bool is_hyper = recipe.find("network = \"hyper") != std::string::npos;
  return with_model_lines(with_values(recipe, {{"steps", "2"},
                                               {"warmup", "0"},
                                               {"patch", "192"},
                                               {"batch", "2"},
                                               {"checkpoint_every", "1"},
                                               {"log_every", "1"},
                                               {"validate_every", "1"},
                                               {"validation_samples", "2"}}),
                          std::string("width = 8\n") + (is_hyper ? "hidden = 2\n" : ""));
}

class Reproduce : public testing::Test {
 protected:
  Reproduce() {
    fs::create_directories(folder_ / "recipes");
    for (const auto& entry : fs::directory_iterator(fs::path(HYPERCONV_SOURCE_DIR) / "recipes"))
      write_file(folder_ / "recipes" / entry.path().filename(), shortened(text_of(entry.path())));
    for (const char* part : {"train", "test"}) put_pairs(folder_ / "data/zrr" / part);
  }

  static void put_pairs(const fs::path& part) {
    for (int i = 0; i < 3; ++i) {
      const std::string name = std::to_string(i);
      put_picture(part / "huawei_raw" / (name + ".png"), random_mosaic(192, 192, i));
      put_picture(part / "canon" / (name + ".jpg"), to_u8(painted_scene(192, 192)));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Reproduce, EveryCommandRuns) {
  const auto commands = documented_commands("reproduce.md", "## Without ZRR");
  ASSERT_THAT(commands, Contains(HasSubstr("train recipes/zrr-pynet.toml")));
  for (const std::string& command : commands) {
    const Outcome outcome = run_documented(folder_.path(), command);
    EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.errors;
  }
  EXPECT_TRUE(fs::exists(folder_ / "runs/zrr-hyper-iii-seed-2/zrr-hyper-iii.safetensors"));
  // The shares have become the table, three rows like the one that was written at once.
  EXPECT_EQ(
      text_of(folder_ / "s.csv").substr(text_of(folder_ / "s.csv").find("\n0,")),
      text_of(folder_ / "hyper-iii.csv").substr(text_of(folder_ / "hyper-iii.csv").find("\n0,")));
}

}  // namespace
}  // namespace hyperconv
