#include "hyperconv/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "base/file.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "hyperconv/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class ModelFile : public testing::Test {
 protected:
  ModelFile() : model_(untrained(hyper_unet({.width = 2, .hidden = 3}), info(), 7)) {}

  static ModelInfo info() { return {Task::develop, "tiny", "not trained", "none"}; }

  /// Writes the model, lets `change` spoil the bytes, and gives the message of loading it.
  std::string after(const std::function<void(std::vector<uint8_t>&)>& change) {
    const auto path = folder_ / "m.safetensors";
    save_model(path, model_, Precision::f16);
    auto bytes = read_file(path);
    change(bytes);
    write_file(path, bytes);
    try {
      Model::load(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "loaded";
  }

  /// The same for the JSON header: text replaced by text of equal length.
  std::string after_replacing(const std::string& from, const std::string& to) {
    EXPECT_EQ(from.size(), to.size());
    return after([&](std::vector<uint8_t>& bytes) {
      const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
      ASSERT_NE(at, bytes.end()) << from;
      std::copy(to.begin(), to.end(), at);
    });
  }

  TemporaryFolder folder_;
  Model model_;
};

TEST_F(ModelFile, RoundTripInEveryPrecision) {
  for (const auto& [precision, relative] :
       {std::pair{Precision::f32, 0.0}, std::pair{Precision::f16, 0x1.0p-11},
        std::pair{Precision::bf16, 0x1.0p-8}}) {
    save_model(folder_ / "m.safetensors", model_, precision);
    const Model loaded = Model::load(folder_ / "m.safetensors");
    EXPECT_EQ(graph_to_json(loaded.graph()), graph_to_json(model_.graph()));
    EXPECT_EQ(loaded.info().name, "tiny");
    for (const Parameter& p : parameters(model_.graph())) {
      const auto a = model_.weight(p.name).to_float();
      const auto b = loaded.weight(p.name).to_float();
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i)
        // Half a unit in the last place; f16 denormals have an absolute step of 2^-24.
        ASSERT_NEAR(a[i], b[i], relative * std::fabs(a[i]) + (relative > 0 ? 0x1.0p-25 : 0));
    }
  }
}

TEST_F(ModelFile, NamesWhatIsWrong) {
  EXPECT_EQ(after([](auto&) {}), "loaded");
  EXPECT_THAT(after_replacing("hyperconv-1", "hyperconv-9"), HasSubstr("format"));
  EXPECT_THAT(after_replacing("\"develop\"", "\"sleeper\""), HasSubstr("task"));
  EXPECT_THAT(after_replacing("\"F16\"", "\"I16\""), HasSubstr("type"));
  EXPECT_THAT(after_replacing("last.bias", "lost.bias"), HasSubstr("last.bias"));
  EXPECT_THAT(after_replacing("\"shape\":[12]", "\"shape\":[13]"), HasSubstr("bytes"));
  EXPECT_THAT(after_replacing("\"data_offsets\":[0,", "\"data_offsets\":[1,"), HasSubstr("bytes"));
  EXPECT_THAT(after([](auto& bytes) { bytes.resize(bytes.size() - 2); }), HasSubstr("beyond"));
  EXPECT_THAT(after([](auto& bytes) { bytes.push_back(0); }), HasSubstr("gaps"));
  EXPECT_THAT(after([](auto& bytes) { bytes[7] = 0x7f; }), HasSubstr("header"));
  EXPECT_THAT(after([](auto& bytes) { bytes.clear(); }), HasSubstr("too few"));
}

TEST_F(ModelFile, EveryTruncationIsAnError) {
  save_model(folder_ / "m.safetensors", model_, Precision::f16);
  const auto whole = read_file(folder_ / "m.safetensors");
  for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 300) {
    write_file(folder_ / "cut.safetensors", std::span(whole).first(length));
    EXPECT_THROW(Model::load(folder_ / "cut.safetensors"), Error) << length;
  }
}

TEST_F(ModelFile, FlippedBytesNeverCrash) {
  save_model(folder_ / "m.safetensors", model_, Precision::f16);
  const auto whole = read_file(folder_ / "m.safetensors");
  Random random(3);
  for (int trial = 0; trial < 500; ++trial) {
    auto bytes = whole;
    // Most flips go into the header, where they matter.
    const int64_t range = trial % 4 == 0 ? int64_t(bytes.size()) : 4096;
    for (int flips = 0; flips < 3; ++flips)
      bytes[size_t(random.below(range))] = uint8_t(random.bits());
    write_file(folder_ / "bad.safetensors", bytes);
    try {
      Model::load(folder_ / "bad.safetensors");
    } catch (const Error&) {
    }
  }
}

TEST_F(ModelFile, RefusesWeightsThatAreNotFinite) {
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(model_.graph()))
    weights[p.name].assign(size_t(p.count()), std::nanf(""));
  const Model broken(model_.graph(), info(), weights);
  EXPECT_THROW(save_model(folder_ / "n.safetensors", broken, Precision::f16), Error);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "n.safetensors"));
}

TEST(Untrained, FiltersHaveTheVarianceTheyShould) {
  const Graph graph = hyper_unet({.width = 16, .hidden = 32});
  const Model model = untrained(graph, {}, 1);
  const auto w = model.weight("bottleneck.weight").to_float();
  double squares = 0;
  for (const float v : w) squares += double(v) * v;
  const double expected = 2.0 / (32 * 9);
  // Five standard errors of a variance.
  EXPECT_NEAR(squares / double(w.size()), expected,
              5 * expected * std::sqrt(2.0 / double(w.size())));
}

}  // namespace
}  // namespace hyperconv
