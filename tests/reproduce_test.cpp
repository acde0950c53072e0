// docs/reproduce.md, command by command, on a tiny set in the layout of Zurich RAW-to-DSLR.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "data/data_testing.hpp"
#include "program.hpp"
#include "raw/scene.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// The indented lines that call the program, up to the section that needs other data.
std::vector<std::string> documented_commands() {
  std::istringstream text(text_of(fs::path(HYPERCONV_SOURCE_DIR) / "docs/reproduce.md"));
  std::vector<std::string> commands;
  for (std::string line; std::getline(text, line) && !line.starts_with("## Without ZRR");)
    if (line.starts_with("    hyperconv ")) commands.push_back(line.substr(4));
  return commands;
}

/// A recipe whose run takes a second: two steps, small batches, a narrow network.
std::string shortened(std::string recipe) {
  const auto set = [&](const std::string& key, const std::string& value) {
    recipe = std::regex_replace(recipe, std::regex("\n" + key + " = [^\n]*"),
                                "\n" + key + " = " + value);
  };
  set("steps", "2");
  set("warmup", "0");
  set("patch", "192");
  set("batch", "2");
  for (const char* key : {"checkpoint_every", "log_every", "validate_every"}) set(key, "1");
  set("validation_samples", "2");
  const bool is_hyper = recipe.find("network = \"hyper") != std::string::npos;
  return std::regex_replace(
      recipe, std::regex("\n\\[data\\]"),
      std::string("width = 8\n") + (is_hyper ? "hidden = 2\n" : "") + "\n[data]");
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

  /// As a reader would, from the folder of the data and the recipes.
  Outcome run(const std::string& command) const {
    const fs::path out = folder_ / "out", err = folder_ / "err";
    const std::string program = fs::path(HYPERCONV_PROGRAM).parent_path();
    const int status = std::system(("cd " + folder_.path().string() + " && PATH=" + program +
                                    ":$PATH OMP_NUM_THREADS=2 " + command + " </dev/null >" +
                                    out.string() + " 2>" + err.string())
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(out), text_of(err)};
  }

  TemporaryFolder folder_;
};

TEST_F(Reproduce, EveryCommandRuns) {
  const auto commands = documented_commands();
  ASSERT_THAT(commands, Contains(HasSubstr("train recipes/zrr-pynet.toml")));
  for (const std::string& command : commands) {
    const Outcome outcome = run(command);
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
