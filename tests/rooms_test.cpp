// scripts/check-rooms on trees that hold one include each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "program.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// What check-rooms says of a tree with this line in this file.
std::string verdict(const std::string& file, const std::string& line) {
  const TemporaryFolder folder;
  for (const char* made : {"src/base", "include/hyperconv/torch"})
    std::filesystem::create_directories(folder / made);
  const auto path = folder / file;
  std::filesystem::create_directories(path.parent_path());
  write_file(path, line + "\n");
  const auto said = folder / "said";
  const std::string command = std::string(HYPERCONV_SOURCE_DIR) + "/scripts/check-rooms " +
                              (folder / "").string() + " >" + said.string() + " 2>&1";
  const int status = std::system(command.c_str());
  const auto bytes = read_file(said);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(WEXITSTATUS(status), text.empty() ? 0 : 1) << text;
  return text;
}

TEST(Rooms, IncludeOnlyRoomsAboveThem) {
  EXPECT_THAT(verdict("src/image/a.cpp", "#include \"base/fail.hpp\""), IsEmpty());
  EXPECT_THAT(verdict("src/base/a.cpp", "#include \"image/jpeg.hpp\""),
              HasSubstr("base must not know image"));
}

TEST(Rooms, TheProductKnowsNothingOfTheLaboratory) {
  EXPECT_THAT(verdict("src/pipeline/a.cpp", "#include \"scoring/evaluate.hpp\""),
              HasSubstr("pipeline must not know scoring"));
  EXPECT_THAT(verdict("src/cli/a.cpp", "#include \"lab_cli/commands.hpp\""),
              HasSubstr("cli must not know lab_cli"));
  EXPECT_THAT(verdict("src/lab_cli/a.cpp", "#include \"cli/info.hpp\""), IsEmpty());
}

TEST(Rooms, OnlyTestsOfTheProductMayIncludeTheSimulation) {
  const std::string scene = "#include \"simulation/scene.hpp\"";
  EXPECT_THAT(verdict("src/pipeline/a_test.cpp", scene), IsEmpty());
  EXPECT_THAT(verdict("src/pipeline/a.cpp", scene), HasSubstr("pipeline must not know simulation"));
  EXPECT_THAT(verdict("src/pipeline/a_test.cpp", "#include \"data/pairs.hpp\""),
              HasSubstr("pipeline must not know data"));
}

TEST(Rooms, LibtorchStaysInTraining) {
  const std::string torch = "#include <torch/types.h>",
                    ours = "#include \"hyperconv/torch/hyper_conv2d.hpp\"";
  EXPECT_THAT(verdict("src/training/a.cpp", torch), IsEmpty());
  EXPECT_THAT(verdict("src/training/a.cpp", ours), IsEmpty());
  EXPECT_THAT(verdict("src/network/a.cpp", torch), HasSubstr("libtorch stays"));
  EXPECT_THAT(verdict("src/network/a.cpp", ours), HasSubstr("libtorch stays"));
  EXPECT_THAT(verdict("include/hyperconv/a.hpp", torch), HasSubstr("libtorch stays"));
  EXPECT_THAT(verdict("include/hyperconv/a.hpp", ours), HasSubstr("libtorch stays"));
}

TEST(Rooms, HeadersForOtherLibtorchProgramsStandAlone) {
  const std::string header = "include/hyperconv/torch/a.hpp";
  EXPECT_THAT(verdict(header, "#include <torch/torch.h>"), IsEmpty());
  EXPECT_THAT(verdict(header, "#include <vector>"), IsEmpty());
  EXPECT_THAT(verdict(header, "#include \"network/graph.hpp\""), HasSubstr("nothing else"));
  EXPECT_THAT(verdict(header, "#include <network/graph.hpp>"), HasSubstr("nothing else"));
}

// What shows a promise is a file that is there; src/data/*_test.cpp is a folder that is.
TEST(Security, NamesFilesThatAreThere) {
  const std::filesystem::path source = HYPERCONV_SOURCE_DIR;
  const auto bytes = read_file(source / "SECURITY.md");
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  int found = 0;
  bool quoted = false;
  for (std::string part; std::getline(text, part, '`'); quoted = !quoted) {
    const std::string name = part.substr(0, part.find(' '));
    const bool is_path = name.starts_with("src/") || name.starts_with("tests/") ||
                         name.starts_with("scripts/") || name.ends_with("_test.cpp");
    if (!quoted || !is_path) continue;
    ++found;
    const bool many = name.find('*') != std::string::npos;
    const auto path = source / name;
    EXPECT_TRUE(std::filesystem::exists(many ? path.parent_path() : path)) << name;
  }
  EXPECT_GT(found, 20);
}

}  // namespace
}  // namespace hyperconv
