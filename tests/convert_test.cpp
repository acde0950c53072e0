// hyperconv convert, as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class Convert : public testing::Test {
 protected:
  Convert() {
    save_model(at("m.safetensors"), untrained(hyper_unet({.width = 4, .hidden = 64}), {}, 1),
               Precision::f32);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

TEST_F(Convert, WritesEveryPrecisionAndSaysHowLargeItIs) {
  const auto size_of = [](const std::string& file) {
    return int64_t(std::filesystem::file_size(file));
  };
  std::map<std::string, int64_t> sizes;
  for (const std::string precision : {"bf16", "f16", "i8"}) {
    const std::string output = at(precision + ".safetensors");
    const Outcome run = run_program(
        {"convert", at("m.safetensors"), "-o", output, "--precision", precision, "--json"});
    ASSERT_EQ(run.status, 0) << run.errors;
    const auto json = nlohmann::json::parse(run.output);
    EXPECT_EQ(json["precision"], precision);
    EXPECT_EQ(json["bytes_before"], size_of(at("m.safetensors")));
    EXPECT_EQ(json["bytes"], size_of(output));
    sizes[precision] = size_of(output);
    EXPECT_EQ(to_string(Model::load(output).weight("bottleneck.a2.weight").precision), precision);
  }
  // Two bytes instead of four, and one where the matrices are, which are most of this model.
  EXPECT_LT(sizes["f16"] * 10, size_of(at("m.safetensors")) * 6);
  EXPECT_LT(sizes["i8"] * 10, sizes["f16"] * 7);
}

TEST(InfoOfKernels, TimesEachOnEveryInstructionSet) {
  const Outcome run = run_program({"info", "--kernels", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_GT(json["kernels"].size(), 15u);
  ASSERT_FALSE(json["targets"].empty());
  for (const auto& kernel : json["kernels"])
    for (const std::string target : json["targets"])
      EXPECT_GT(kernel[target].get<double>(), 0) << kernel["kernel"] << " " << target;
  EXPECT_THAT(run_program({"info", "--kernels"}).output, HasSubstr("conv2d_winograd"));
}

TEST_F(Convert, BadInputGetsOneLine) {
  const auto failure = [](std::vector<std::string> arguments, int status) {
    arguments.insert(arguments.begin(), "convert");
    const Outcome run = run_program(arguments);
    EXPECT_EQ(run.status, status);
    return run.errors;
  };
  const auto before = read_file(at("m.safetensors"));
  EXPECT_THAT(failure({at("m.safetensors"), "-o", at("./m.safetensors")}, 1),
              HasSubstr("overwritten"));
  EXPECT_EQ(read_file(at("m.safetensors")), before);
  write_file(folder_ / "bad.safetensors", "nothing");
  EXPECT_THAT(failure({at("bad.safetensors"), "-o", at("o.safetensors")}, 1),
              HasSubstr("bad.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(at("o.safetensors")));
  failure({at("m.safetensors"), "-o", at("o.safetensors"), "--precision", "i4"}, 2);
}

}  // namespace
}  // namespace hyperconv
