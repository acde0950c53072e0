// hyperconv bench as scripts run it. The Python rivals are played by shell scripts that speak their
// protocol (bench/rivals/rival.py): no test needs Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/peak.hpp"
#include "network/cost.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "tools/process.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const std::vector<std::string> small = {"bench", "--network", "develop-16", "--size",
                                        "64x64", "--repeats", "1"};

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

nlohmann::json json_of(const std::vector<std::string>& arguments) {
  const Outcome run = run_program(with(arguments, {"--json"}));
  EXPECT_EQ(run.status, 0) << run.errors;
  return nlohmann::json::parse(run.output);
}

bool is_one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

void expect_refused(const std::vector<std::string>& arguments, const std::string& because) {
  const Outcome run = run_program(arguments);
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.output, "");
  EXPECT_TRUE(is_one_line(run.errors)) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr(because));
}

/// A folder as bench/rivals/setup makes it, whose Python is a shell script.
class Environment {
 public:
  /// `missing`: what --packages answers. `on_run`: what it does when it is told to run.
  Environment(const std::string& missing, const std::string& on_run) {
    fs::create_directories(folder_ / "bin");
    const fs::path python = folder_ / "bin" / "python";
    write_file(python,
               "#!/bin/sh\n"
               "[ \"$2\" = --packages ] && { echo '{\"missing\": [" +
                   missing +
                   "]}'; exit; }\n"
                   "echo '{\"version\": \"7\", \"settings\": \"\", \"load_seconds\": 0.5}'\n"
                   "while read -r command path; do case $command in\n"
                   "run) " +
                   on_run +
                   " ;;\n"
                   // develop-16 of 64x64 samples: three planes of them.
                   "write) head -c 49152 /dev/zero >\"$path\"; echo '{\"shape\": "
                   "[1,3,64,64]}' ;;\n"
                   "esac; done\n");
    fs::permissions(python, fs::perms::owner_all);
  }

  std::string path() const { return folder_.path().string(); }

 private:
  TemporaryFolder folder_;
};

constexpr const char* runs =
    R"(echo '{"seconds": 2.0, "page_faults": 7, "peak_rss_bytes": 1000000}')";

TEST(Bench, PrintsTheFieldsThatScriptsRelyOn) {
  const auto json = json_of(small);
  EXPECT_EQ(json["network"], "develop-16");
  EXPECT_EQ(json["size"], "64x64");
  EXPECT_EQ(json["input"], nlohmann::json({1, 4, 32, 32}));
  const int64_t flops = total_cost(make_network("develop-16"), {1, 4, 32, 32}).flops_total;
  EXPECT_EQ(json["flops_total"], flops);
  EXPECT_GT(json["peak"]["fp32_gflops"].get<double>(), 1);
  EXPECT_GT(json["peak"]["memory_gbps"].get<double>(), 0.1);
  EXPECT_EQ(json["peak"]["bf16_gflops"].is_null(), !has_bf16());
  const auto& ours = json["results"][0];
  EXPECT_EQ(ours["engine"], "hyperconv");
  EXPECT_EQ(ours["precision"], "fp32");
  EXPECT_EQ(ours["max_difference"], 0.0);
  for (const auto& result : json["results"]) {
    const double seconds = result["seconds"];
    EXPECT_GT(seconds, 0);
    EXPECT_NEAR(result["gflops"].get<double>(), double(flops) / seconds / 1e9,
                1e-6 * double(flops) / seconds / 1e9);
    if (result["precision"] == "fp32") {
      EXPECT_NEAR(result["peak_fraction"].get<double>(),
                  result["gflops"].get<double>() / json["peak"]["fp32_gflops"].get<double>(), 1e-9);
    }
    // Both bounds are far from what a process of 64x64 samples takes.
    EXPECT_GT(result["peak_rss_bytes"].get<int64_t>(), 1 << 20);
    EXPECT_LT(result["peak_rss_bytes"].get<int64_t>(), int64_t(4) << 30);
    EXPECT_GE(result["page_faults"].get<int64_t>(), 0);
    EXPECT_THAT(result["malloc"].get<std::string>(), testing::AnyOf("default", "tuned"));
  }
}

TEST(Bench, LibtorchAgrees) {
  const auto json = json_of(small);
  std::vector<std::string> seen;
  for (const auto& result : json["results"]) {
    if (result["engine"] != "libtorch" || result["precision"] != "fp32") continue;
    seen.push_back(result["malloc"]);
    // Sums in another order: some units in the last place.
    EXPECT_LT(result["max_difference"].get<double>(), 1e-4 * json["output_rms"].get<double>());
    EXPECT_GT(result["max_difference"].get<double>(), 0);
  }
  if (seen.empty()) {
    expect_refused(with(small, {"--rivals", "libtorch"}), "no libtorch");
    GTEST_SKIP() << "built without libtorch";
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"default", "tuned"}));
}

TEST(Bench, WritesTheSameTableAsMarkdownAndCsv) {
  const TemporaryFolder folder;
  const auto markdown = folder / "bench.md", csv = folder / "bench.csv";
  const Outcome run = run_program(
      with(small, {"--rivals", "none", "--markdown", markdown.string(), "--csv", csv.string()}));
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("develop-16 at 64x64 samples"));
  EXPECT_THAT(run.output, HasSubstr("hyperconv"));
  EXPECT_THAT(text_of(markdown), HasSubstr("| engine | precision | malloc |"));
  EXPECT_THAT(text_of(markdown), HasSubstr("| hyperconv "));
  const std::string table = text_of(csv);
  // A heading, and ours in fp32 and in bf16.
  EXPECT_EQ(std::ranges::count(table, '\n'), 3);
  const std::string heading = table.substr(0, table.find('\n'));
  EXPECT_EQ(std::ranges::count(heading, ',') * 3, std::ranges::count(table, ','));
}

TEST(Bench, RunsEveryRepeatInTurn) {
  const Environment rivals("", runs);
  const auto json =
      json_of({"bench", "--network", "develop-16", "--size", "64x64", "--repeats", "3", "--threads",
               "1", "--rivals", "onnxruntime,openvino", "--environment", rivals.path()});
  EXPECT_EQ(json["threads"], 1);
  for (const auto& result : json["results"]) EXPECT_EQ(result["runs"].get<int>() % 3, 0);
  // hyperconv in fp32 and bf16, and two rivals as they come and tuned.
  ASSERT_GE(json["results"].size(), 6u);
  for (size_t i = 2; i < json["results"].size(); ++i) {
    const auto& rival = json["results"][i];
    EXPECT_EQ(rival["seconds"], 2.0);
    EXPECT_EQ(rival["first_seconds"], 2.0);
    EXPECT_EQ(rival["page_faults"], 7);
    EXPECT_EQ(rival["peak_rss_bytes"], 1000000);
    // It said that everything is black.
    EXPECT_GT(rival["max_difference"].get<double>(), json["output_rms"].get<double>());
  }
}

TEST(Bench, ARivalThatFailsIsToldAndTheOthersGoOn) {
  const Environment rivals("", "echo 'I cannot convolve' >&2; exit 3");
  const auto json = json_of(with(small, {"--rivals", "openvino", "--environment", rivals.path()}));
  EXPECT_EQ(json["results"].size(), 2u);
  bool told = false;
  for (const auto& absent : json["not_run"])
    told = told || (absent["engine"] == "openvino" && absent["precision"] == "fp32" &&
                    absent["reason"].get<std::string>().find("exit code 3: I cannot convolve") !=
                        std::string::npos);
  EXPECT_TRUE(told) << json["not_run"];
}

TEST(Bench, OursInBf16IsNearAndNotTheSame) {
  const auto json = json_of(with(small, {"--rivals", "none"}));
  ASSERT_EQ(json["results"].size(), 2u);
  const auto& narrow = json["results"][1];
  EXPECT_EQ(narrow["engine"], "hyperconv");
  EXPECT_EQ(narrow["precision"], "bf16");
  // Nine bits between the layers, over the whole of a picture.
  EXPECT_LT(narrow["max_difference"].get<double>(), 0.1 * json["output_rms"].get<double>());
  EXPECT_GT(narrow["max_difference"].get<double>(), 0);
  EXPECT_TRUE(json["not_run"].empty());
}

TEST(Bench, SaysWhyOursIsNotRunInBf16) {
  const auto json = json_of(
      {"bench", "--network", "awnet", "--size", "64x64", "--repeats", "1", "--rivals", "none"});
  ASSERT_EQ(json["not_run"].size(), 1u);
  EXPECT_EQ(json["not_run"][0]["precision"], "bf16");
  EXPECT_THAT(json["not_run"][0]["reason"].get<std::string>(), HasSubstr("in fp32 only"));
}

TEST(Bench, RefusesWithOneLine) {
  expect_refused(with(small, {"--rivals", "caffe"}),
                 "no rival is called 'caffe'; there are libtorch");
  expect_refused(with(small, {"--rivals", "onnxruntime", "--environment", "/nowhere"}),
                 "bench/rivals/setup /nowhere");
  const Environment incomplete("\"openvino\"", runs);
  expect_refused(with(small, {"--rivals", "openvino", "--environment", incomplete.path()}),
                 "Python has no openvino there");
  expect_refused({"bench", "--network", "develop-16", "--size", "4x4"}, "multiples of 8");
  expect_refused({"bench", "--network", "hyper-iv"}, "hyper-iii");
  expect_refused({"bench", "--model", "/nowhere/m.safetensors"}, "/nowhere/m.safetensors");
  expect_refused(with(small, {"--csv", "/nowhere/bench.csv"}), "/nowhere");
  EXPECT_EQ(run_program({"bench"}).status, 2);
  EXPECT_EQ(run_program({"bench", "--network", "develop-16", "--size", "64"}).status, 2);
}

/// Processes whose arguments name a folder.
int processes_that_name(const std::string& folder) {
  int count = 0;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string arguments((std::istreambuf_iterator<char>(file)), {});
    count += arguments.find(folder) != std::string::npos;
  }
  return count;
}

template <class Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST(Bench, CtrlCLeavesNothingBehind) {
  const TemporaryFolder folder;
  const std::string temporary = folder / "temporary";
  fs::create_directories(temporary);
  const Environment rivals("", "sleep 600");  // never answers
  Process bench({.name = "bench",
                 .arguments = {HYPERCONV_PROGRAM, "bench", "--network", "develop-16", "--size",
                               "64x64", "--rivals", "openvino", "--environment", rivals.path()},
                 .environment = {"TMPDIR=" + temporary},
                 .messages = folder / "messages"});
  // Ours and the rival.
  ASSERT_TRUE(soon([&] { return processes_that_name(temporary) == 2; }));
  ::kill(bench.id(), SIGINT);
  EXPECT_TRUE(soon([&] { return last_line(folder / "messages") == "hyperconv: interrupted"; }));
  EXPECT_TRUE(soon([&] { return processes_that_name(temporary) == 0; }));
  EXPECT_TRUE(soon([&] { return fs::is_empty(temporary); }));
}

}  // namespace
}  // namespace hyperconv
