// hyperconv export as a researcher runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/engine.hpp"
#include "network/safetensors.hpp"
#include "network/zoo.hpp"
#include "program.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Export : public testing::Test {
 protected:
  std::string at(const char* name) const { return folder_ / name; }

  /// What stands on stderr after a run that must fail with one line and leave nothing behind.
  std::string failure(const std::vector<std::string>& arguments, int status = 1) const {
    std::vector<std::string> all = {"export"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome run = run_program(all);
    EXPECT_EQ(run.status, status) << run.errors;
    EXPECT_EQ(run.output, "");
    if (status == 1) {
      EXPECT_EQ(std::ranges::count(run.errors, '\n'), 1) << run.errors;
    }
    EXPECT_FALSE(std::filesystem::exists(at("n.onnx")));
    EXPECT_FALSE(std::filesystem::exists(at("s.safetensors")));
    return run.errors;
  }

  TemporaryFolder folder_;
};

Tensor tensor_of(const WeightView& view) {
  Tensor tensor({view.dims.at(0), view.dims.at(1), view.dims.at(2), view.dims.at(3)});
  std::memcpy(tensor.data(), view.bytes.data(), view.bytes.size());
  return tensor;
}

TEST_F(Export, PrintsTheFacts) {
  const Outcome run = run_program({"export", "--network", "develop-16", "--width", "4", "--hidden",
                                   "3", "--onnx", at("n.onnx"), "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.errors, "");
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["output"], at("n.onnx"));
  EXPECT_EQ(json["model"], "develop-16");
  EXPECT_EQ(json["task"], "develop");
  EXPECT_EQ(json["opset"], 17);
  EXPECT_EQ(json["input"], nlohmann::json({1, 4, "height", "width"}));
  EXPECT_EQ(json["size_multiple"], 4);
  EXPECT_EQ(json["bytes"], std::filesystem::file_size(at("n.onnx")));
  int64_t count = 0;
  for (const Parameter& p : parameters(make_network("develop-16", {.width = 4, .hidden = 3})))
    count += p.count();
  EXPECT_EQ(json["parameters"], count);
  EXPECT_GT(json["operators"].get<int>(), 50);
}

TEST_F(Export, TheSeedDrawsTheWeights) {
  const auto file_of_seed = [&](const char* seed) {
    const Outcome run = run_program({"export", "--network", "plain-0.6t", "--width", "4", "--seed",
                                     seed, "--onnx", at("n.onnx")});
    EXPECT_EQ(run.status, 0) << run.errors;
    return read_file(at("n.onnx"));
  };
  const auto one = file_of_seed("1");
  EXPECT_EQ(file_of_seed("1"), one);
  EXPECT_NE(file_of_seed("2"), one);
}

TEST_F(Export, SampleHoldsWhatTheEngineMakesOfARandomInput) {
  const Graph graph = hyper_unet({.width = 4, .hidden = 3});
  save_model(at("m.safetensors"), untrained(graph, {Task::isp, "tiny", "", ""}, 5), Precision::f16);
  const Outcome run =
      run_program({"export", "--model", at("m.safetensors"), "--onnx", at("n.onnx"), "--sample",
                   at("s.safetensors"), "--size", "12x28", "--seed", "9", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["sample"]["input"], nlohmann::json({1, 4, 12, 28}));
  EXPECT_EQ(json["sample"]["output"], nlohmann::json({1, 3, 24, 56}));
  const Safetensors sample = read_safetensors(at("s.safetensors"));
  ASSERT_EQ(sample.tensors.size(), 2u);
  const Tensor input = tensor_of(sample.tensors.at("input"));
  EXPECT_EQ(input.shape(), (Shape{1, 4, 12, 28}));
  const auto [least, most] = std::minmax_element(input.data(), input.data() + input.size());
  EXPECT_GE(*least, 0);
  EXPECT_LE(*most, 1);
  EXPECT_GT(*most - *least, 0.9);
  Tensor want;
  Engine(std::make_shared<const Model>(Model::load(at("m.safetensors")))).run(input, want);
  const Tensor got = tensor_of(sample.tensors.at("output"));
  ASSERT_EQ(got.shape(), want.shape());
  EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0);
}

TEST_F(Export, SampleWithoutASizeIsAsSmallAsTheNetworkTakes) {
  const Outcome run = run_program({"export", "--network", "pynet", "--width", "2", "--onnx",
                                   at("n.onnx"), "--sample", at("s.safetensors"), "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["sample"]["input"], nlohmann::json({1, 4, 48, 80}));
  EXPECT_EQ(json["smallest_height"], 32);
}

TEST_F(Export, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(failure({"--network", "hyper-iv", "--onnx", at("n.onnx")}),
              AllOf(HasSubstr("hyper-iv"), HasSubstr("hyper-ii, hyper-iii")));
  EXPECT_THAT(failure({"--model", at("none.safetensors"), "--onnx", at("n.onnx")}),
              HasSubstr("none.safetensors: cannot be read"));
  EXPECT_THAT(failure({"--network", "plain-0.6t", "--onnx", at("none/n.onnx")}),
              HasSubstr("none/n.onnx: cannot be written"));
  EXPECT_THAT(failure({"--network", "pynet", "--hidden", "3", "--onnx", at("n.onnx")}),
              HasSubstr("no hidden width"));
}

TEST_F(Export, SaysWhatSizesItTakes) {
  const std::vector<std::string> pynet = {
      "--network",  "pynet",    "--width",           "2",     "--onnx",
      at("n.onnx"), "--sample", at("s.safetensors"), "--size"};
  for (const char* size : {"48x50", "16x48"}) {
    auto arguments = pynet;
    arguments.push_back(size);
    EXPECT_THAT(failure(arguments),
                AllOf(HasSubstr(size), HasSubstr("multiples of 16, in ONNX from 32x32 on")));
  }
}

TEST_F(Export, RefusesWhatIsLargerThanItsFormatBeforeDrawingWeights) {
  // Drawn, these weights would be 100 GB.
  EXPECT_THAT(failure({"--network", "hyper-i", "--hidden", "100000", "--onnx", at("n.onnx")}),
              AllOf(HasSubstr("at most 2 GiB"), HasSubstr("M parameters")));
}

TEST_F(Export, WantsOneSourceAndWhatGoesWithIt) {
  EXPECT_THAT(failure({"--onnx", at("n.onnx")}, 2), HasSubstr("--model or --network"));
  failure({"--network", "vdn", "--model", "m.safetensors", "--onnx", at("n.onnx")}, 2);
  failure({"--model", "m.safetensors", "--width", "4", "--onnx", at("n.onnx")}, 2);
  failure({"--network", "vdn", "--size", "8x8", "--onnx", at("n.onnx")}, 2);
  failure({"--network", "vdn"}, 2);
}

TEST_F(Export, NoFileTakesAnothersPlace) {
  const std::string model = at("m.safetensors");
  save_model(model, untrained(hyper_unet({.width = 4, .hidden = 3}), {}, 1), Precision::f16);
  const auto before = read_file(model);
  for (const auto& arguments : {std::vector<std::string>{"--onnx", at("./m.safetensors")},
                                {"--onnx", at("n.onnx"), "--sample", model},
                                {"--onnx", at("n.onnx"), "--sample", at("n.onnx")}}) {
    std::vector<std::string> all = {"--model", model};
    all.insert(all.end(), arguments.begin(), arguments.end());
    EXPECT_THAT(failure(all), HasSubstr("name another"));
    EXPECT_EQ(read_file(model), before);
  }
}

TEST_F(Export, ASampleThatCannotBeWrittenIsAnError) {
  const Outcome run = run_program({"export", "--network", "vdn-s", "--width", "4", "--onnx",
                                   at("n.onnx"), "--sample", at("none/s.safetensors")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("none/s.safetensors: cannot be written"));
}

}  // namespace
}  // namespace hyperconv
