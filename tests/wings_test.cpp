// Product and laboratory: two programs on the disk, one to the user.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/image.hpp"
#include "program.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The shared libraries that a program loads when it starts, and theirs.
std::string libraries_of(const std::string& program) {
  const TemporaryFolder folder;
  const auto said = folder / "said";
  EXPECT_EQ(std::system(("ldd '" + program + "' >" + said.string()).c_str()), 0);
  return text_of(said);
}

/// The program alone in a folder, as where no laboratory is installed.
class Alone : public testing::Test {
 protected:
  Alone() { std::filesystem::copy_file(HYPERCONV_PROGRAM, program_); }

  Outcome run(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {.program = program_.string()});
  }

  /// Exit 1 and one line that says what to install.
  void expect_refusal(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, AllOf(StartsWith("hyperconv: "), HasSubstr("hyperconv-lab")));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
  }

  TemporaryFolder folder_;
  std::filesystem::path program_ = folder_ / "hyperconv";
};

TEST(Wings, TheProductLoadsNothingOfTheLaboratory) {
  const std::string libraries = libraries_of(HYPERCONV_PROGRAM);
  EXPECT_THAT(libraries, HasSubstr("libraw"));  // this is how they are listed
  for (const char* heavy :
       {"libtorch", "libc10", "libonnx", "libprotobuf", "blas", "libmatio", "libgloo"})
    EXPECT_THAT(libraries, Not(HasSubstr(heavy)));
}

TEST(Wings, HelpListsAllCommands) {
  const Outcome help = run_program({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"enhance", "convert", "compare", "info", "train", "evaluate",
                              "export", "profile", "bench", "study", "simulate"})
    EXPECT_THAT(help.output, HasSubstr("\n  " + std::string(command) + " "));
}

TEST(Wings, TheLaboratorysHelpIsTheSameProgramsHelp) {
  const Outcome help = run_program({"profile", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("hyperconv profile"), HasSubstr("--network")));
}

TEST(Wings, TheLaboratorysExitCodesAreHandedOn) {
  EXPECT_EQ(run_program({"profile", "--network", "develop-16"}).status, 0);
  EXPECT_EQ(run_program({"profile", "--network", "no-such"}).status, 1);
  EXPECT_EQ(run_program({"profile"}).status, 2);
}

// The place of the laboratory's program is taken by one that says how OpenMP is to wait.
TEST_F(Alone, ATrainingsThreadsDoNotSpinForLong) {
  const auto laboratory = folder_ / "hyperconv-lab";
  write_file(laboratory, std::string("#!/bin/sh\necho \"${GOMP_SPINCOUNT-as it is}\"\n"));
  std::filesystem::permissions(laboratory, std::filesystem::perms::owner_all);
  const auto said = [&](const std::string& command, const std::string& shell) {
    return run_program({command}, {.shell = shell, .program = program_.string()}).output;
  };
  EXPECT_EQ(said("train", "unset OMP_WAIT_POLICY GOMP_SPINCOUNT"), "5000\n");
  EXPECT_EQ(said("bench", "unset OMP_WAIT_POLICY GOMP_SPINCOUNT"), "as it is\n");
  EXPECT_EQ(said("train", "unset GOMP_SPINCOUNT; export OMP_WAIT_POLICY=active"), "as it is\n");
  EXPECT_EQ(said("train", "unset OMP_WAIT_POLICY; export GOMP_SPINCOUNT=7"), "7\n");
}

TEST_F(Alone, HelpIsTheSame) {
  const auto listed = [](const Outcome& help) {
    return help.output.substr(help.output.find("Subcommands:"));
  };
  EXPECT_EQ(listed(run({"--help"})), listed(run_program({"--help"})));
}

TEST_F(Alone, ALaboratoryCommandSaysWhatToInstall) {
  expect_refusal({"train", "r.toml"});
  expect_refusal({"simulate", "--help"});
  expect_refusal({"info", folder_.path().string()});
}

TEST_F(Alone, ComparesPictures) {
  const auto picture = folder_ / "a.png";
  write_image(picture, painted_scene(64, 64));
  EXPECT_EQ(run({"compare", picture.string(), picture.string()}).status, 0);
}

}  // namespace
}  // namespace hyperconv
