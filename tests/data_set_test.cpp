// Data sets: simulate --layout makes one, info says what a folder holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "image/image.hpp"
#include "program.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class DataSet : public testing::Test {
 protected:
  DataSet() {
    fs::create_directory(photos_);
    for (int i = 0; i < 3; ++i)
      write_image(photos_ / ("photo" + std::to_string(i) + ".png"),
                  to_u8(painted_scene(80 + 8 * i, 72)));
  }

  Outcome simulate(const fs::path& output, std::vector<std::string> more = {},
                   const std::string& layout = "zrr") const {
    std::vector<std::string> arguments = {
        "simulate",        "--layout", layout,           photos_, "-o",      output,
        "--train-patches", "6",        "--test-patches", "2",     "--patch", "64"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  /// The folder of photos, and nothing that was under way.
  void expect_only_photos() const {
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
  }

  TemporaryFolder folder_;
  fs::path photos_ = folder_ / "photos";
};

TEST_F(DataSet, IsMadeAndRecognised) {
  const Outcome made = simulate(folder_ / "set", {"--json"});
  ASSERT_EQ(made.status, 0) << made.errors;
  EXPECT_EQ(made.errors, "");
  const json facts = json::parse(made.output);
  EXPECT_EQ(facts.at("layout"), "simzrr");
  EXPECT_EQ(facts.at("note"), "simulated stand-in, not Zurich RAW-to-DSLR");
  EXPECT_EQ(facts.at("train").at("patches"), 6);
  EXPECT_EQ(facts.at("test").at("photos"), 1);

  const Outcome told = run_program({"info", folder_ / "set", "--check", "--json"});
  ASSERT_EQ(told.status, 0) << told.errors;
  const json info = json::parse(told.output);
  EXPECT_EQ(info.at("layout"), "simzrr");
  EXPECT_EQ(info.at("note"), facts.at("note"));
  ASSERT_EQ(info.at("parts").size(), 2u);
  EXPECT_EQ(info.at("parts")[0].at("part"), "train");
  EXPECT_EQ(info.at("parts")[0].at("pairs"), 6);
  EXPECT_EQ(info.at("parts")[0].at("size"), json::array({64, 64}));
  EXPECT_EQ(info.at("parts")[1].at("pairs"), 2);
  EXPECT_EQ(info.at("parts")[1].at("damaged"), 0);
}

TEST_F(DataSet, SameSeedSameBytesWhateverTheThreads) {
  ASSERT_EQ(simulate(folder_ / "a", {"--seed", "7", "--threads", "1", "--misalign", "2"}).status,
            0);
  ASSERT_EQ(simulate(folder_ / "b", {"--seed", "7", "--threads", "4", "--misalign", "2"}).status,
            0);
  ASSERT_EQ(simulate(folder_ / "c", {"--seed", "8", "--threads", "4", "--misalign", "2"}).status,
            0);
  EXPECT_EQ(files_in(folder_ / "a"), files_in(folder_ / "b"));
  EXPECT_NE(files_in(folder_ / "a"), files_in(folder_ / "c"));
}

TEST_F(DataSet, VersionTwoIsToldApartByItsFingerprint) {
  std::map<std::string, json> made;
  for (const char* layout : {"zrr", "zrr-2"}) {
    const Outcome outcome = simulate(folder_ / layout, {"--json", "--seed", "1"}, layout);
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    made[layout] = json::parse(outcome.output);
    // Of the whole set, whichever part is asked for.
    for (const fs::path& folder : {folder_ / layout, folder_ / layout / "train"}) {
      const Outcome told = run_program({"info", folder, "--json"});
      ASSERT_EQ(told.status, 0) << told.errors;
      EXPECT_EQ(json::parse(told.output).at("fingerprint"), made[layout].at("fingerprint"));
    }
  }
  EXPECT_EQ(made["zrr"].at("version"), 1);
  EXPECT_EQ(made["zrr-2"].at("version"), 2);
  EXPECT_NE(made["zrr"].at("fingerprint"), made["zrr-2"].at("fingerprint"));
  const Outcome again = simulate(folder_ / "again", {"--seed", "1", "--threads", "1"}, "zrr-2");
  EXPECT_THAT(
      again.output,
      AllOf(HasSubstr("version 2"),
            HasSubstr("fingerprint " + made["zrr-2"].at("fingerprint").get<std::string>() + "\n")));
  EXPECT_EQ(files_in(folder_ / "zrr-2"), files_in(folder_ / "again"));
  const Outcome told = run_program({"info", folder_ / "again"});
  EXPECT_THAT(told.output, HasSubstr(made["zrr-2"].at("fingerprint").get<std::string>()));
}

TEST_F(DataSet, InfoNamesDamage) {
  ASSERT_EQ(simulate(folder_ / "set").status, 0);
  fs::remove(folder_ / "set/train/canon/3.jpg");
  auto bytes = read_file(folder_ / "set/train/huawei_raw/5.png");
  bytes.resize(bytes.size() / 2);
  write_file(folder_ / "set/train/huawei_raw/5.png", bytes);
  const Outcome glance = run_program({"info", folder_ / "set"});
  EXPECT_EQ(glance.status, 0);
  EXPECT_THAT(glance.output, AllOf(HasSubstr("1 damaged"), HasSubstr("canon/3.jpg")));
  const Outcome check = run_program({"info", folder_ / "set", "--check"});
  EXPECT_EQ(check.status, 0);
  EXPECT_THAT(check.output,
              AllOf(HasSubstr("2 damaged"), HasSubstr("canon/3.jpg"), HasSubstr("raw/5.png")));
}

TEST_F(DataSet, FailsInOneLineAndLeavesNothing) {
  const auto expect_failure = [](const Outcome& outcome, const std::string& what) {
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr(what));
    EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
    EXPECT_EQ(outcome.output, "");
  };
  expect_failure(simulate(folder_ / "set", {"--test-photos", photos_}), "must not mix");
  expect_failure(simulate(folder_ / "set", {"--test-photos", folder_ / "none"}), "none");
  expect_failure(simulate(folder_ / "none/set"), "none");
  expect_failure(simulate(photos_), "is there already");
  expect_failure(
      run_program({"simulate", "--layout", "zrr", folder_ / "none", "-o", folder_ / "s"}), "none");
  expect_failure(run_program({"info", photos_}), "no pairs found");
  expect_failure(run_program({"info", folder_ / "none", "--check"}), "no folder");
  expect_only_photos();
}

TEST_F(DataSet, DiskFullLeavesNothing) {
  const Outcome outcome =
      run_program({"simulate", "--layout", "zrr", photos_, "-o", folder_ / "set", "--patch", "64"},
                  {.shell = "ulimit -f 1"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("cannot be written"));
  expect_only_photos();
}

TEST_F(DataSet, InterruptedLeavesNothing) {
  // In the foreground: else timeout sends the signal twice, and the second one ends the program.
  const std::string command = "timeout --foreground -s INT 0.6 " HYPERCONV_PROGRAM
                              " simulate --layout zrr '" +
                              photos_.string() + "' -o '" + (folder_ / "set").string() +
                              "' --patch 64 --train-patches 200000 2>/dev/null";
  EXPECT_NE(std::system(command.c_str()), 0);
  expect_only_photos();
}

TEST_F(DataSet, RefusesWrongUseWithTwo) {
  const std::string photo = photos_ / "photo0.png", set = folder_ / "set";
  const std::vector<std::vector<std::string>> wrong = {
      {"simulate", "--layout", "zrr", "-o", set},
      {"simulate", "--layout", "sidd", photo, "-o", set},
      {"simulate", "--layout", "zrr", photo, "-o", set, "--patch", "63"},
      {"simulate", "--layout", "zrr", photo, "-o", set, "--iso", "100"},
      {"simulate", "--layout", "zrr", photo, "-o", set, "--clean", set},
      {"simulate", "--layout", "zrr", "--scene", "64x64", "-o", set},
      {"simulate", photo, "-o", folder_ / "raw.dng", "--patch", "64"},
      {"simulate", photo, photo, "-o", folder_ / "raw.dng"},
      {"info", "--check"}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(arguments);
    EXPECT_NE(outcome.errors, "");
    EXPECT_EQ(outcome.output, "");
  }
  expect_only_photos();
}

}  // namespace
}  // namespace hyperconv
