// hyperconv train where memory, disk, files or threads are short (as faults_test.cpp for enhance):
// it ends in one line, and the same command goes on to the same bits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "faults.hpp"
#include "program.hpp"
#include "scenes.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::StartsWith;

std::string text_of(const fs::path& file) {
  const auto bytes = read_file(file);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class TrainFaults : public testing::TestWithParam<const char*> {
 protected:
  TrainFaults() {
    write_tiny_training(folder_.path(), 2,
                        "warmup = 1\nsteps = 4\ncheckpoint_every = 1\nlog_every = 2\n");
    EXPECT_EQ(train("whole", HYPERCONV_LAB_PROGRAM, {}).status, 0);
    EXPECT_EQ(train("begun", HYPERCONV_LAB_PROGRAM, {"--stop-after", "2"}).status, 0);
  }

  /// The laboratory's program itself: `hyperconv` would take the first faults for itself.
  Outcome train(const std::string& run, const std::string& program,
                std::vector<std::string> more) const {
    std::vector<std::string> arguments = {
        "train", (folder_ / "r.toml").string(), "-o", (folder_ / run).string(), "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, {.shell = {}, .output = {}, .program = program});
  }

  /// A training that goes on from its second step meets a fault, and then one that meets none.
  /// False where it made fewer calls.
  bool is_met(const Fault& fault) const {
    const fs::path mark = folder_ / "failed";
    fs::remove(mark);
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "begun", folder_ / "run", fs::copy_options::recursive);
    const Outcome outcome =
        train("run", program_with_fault(HYPERCONV_LAB_PROGRAM, fault, mark), {});
    if (!fs::exists(mark)) return false;
    if (outcome.status == 0)
      expect_whole();
    else
      expect_one_line(outcome, fault);
    const Outcome again = train("run", HYPERCONV_LAB_PROGRAM, {});
    EXPECT_EQ(again.status, 0) << again.errors;
    expect_whole();
    return true;
  }

  void expect_one_line(const Outcome& outcome, const Fault& fault) const {
    EXPECT_EQ(outcome.status, 1) << outcome.errors;
    const auto lines = lines_of(outcome.errors);
    if (fault.kind == "write" && fault.and_all_after && lines.empty()) return;
    // A library that libtorch starts with says so itself where it finds no /proc.
    const auto ours = std::ranges::count_if(
        lines, [](const std::string& line) { return !line.starts_with("Error in cpuinfo: "); });
    EXPECT_EQ(ours, 1) << outcome.errors;
    EXPECT_THAT(lines.back(), testing::AnyOf(StartsWith("hyperconv: "), StartsWith("libgomp: ")));
    EXPECT_THAT(lines.back(), testing::Not(StartsWith("hyperconv: filesystem error")));
  }

  void expect_whole() const {
    for (const char* file : {"checkpoint-000000004.safetensors", "tiny.safetensors"})
      EXPECT_EQ(read_file(folder_ / "run" / file), read_file(folder_ / "whole" / file)) << file;
    // Its last column but one is a speed.
    std::vector<std::string> steps;
    for (const std::string& row : lines_of(text_of(folder_ / "run/log.csv")))
      steps.push_back(row.substr(0, row.find(',')));
    EXPECT_THAT(steps, ElementsAre("step", "2", "4"));
    for (const auto& entry : fs::directory_iterator(folder_ / "run"))
      EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }

  TemporaryFolder folder_;
};

// What a test tries of some hundred thousand calls; 30 s of a core in all.
constexpr double share = 2;

TEST_P(TrainFaults, OneEndsInOneLineAndTheRunGoesOn) {
  int tried = 0;
  for (int call = 1;; call = next_call(call, share)) {
    SCOPED_TRACE(fmt::format("call {}", call));
    if (!is_met({GetParam(), call, false})) break;
    ++tried;
  }
  EXPECT_GT(tried, 0) << "nothing has failed";
}

TEST_P(TrainFaults, AllFromOneOnEndInOneLineAndTheRunGoesOn) {
  for (int call = 1;; call = int(call * (1 + share))) {
    SCOPED_TRACE(fmt::format("from call {} on", call));
    if (!is_met({GetParam(), call, true})) break;
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& kind) { return kind.param; }

INSTANTIATE_TEST_SUITE_P(Kinds, TrainFaults,
                         testing::Values("memory", "open", "write", "sync", "rename", "map",
                                         "thread"),
                         name_of);

// libtorch's pool would wait for threads that never started.
TEST(TrainThreads, ThatCannotBeHadAreSaid) {
  const TemporaryFolder folder;
  write_tiny_training(folder.path(), 2, "warmup = 1\nsteps = 1\n");
  const std::string program =
      program_with_fault(HYPERCONV_LAB_PROGRAM, {"thread", 1, true}, folder / "m");
  const Outcome outcome = run_program(
      {"train", (folder / "r.toml").string(), "-o", (folder / "run").string(), "--threads", "3"},
      {.shell = {}, .output = {}, .program = program});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(lines_of(outcome.errors),
              ElementsAre(StartsWith("hyperconv: no thread can be started: ")));
}

}  // namespace
}  // namespace hyperconv
