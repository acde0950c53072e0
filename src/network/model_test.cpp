#include "network/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "base/file.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class ModelFile : public testing::Test {
 protected:
  ModelFile() : model_(untrained(hyper_unet({.width = 2, .hidden = 3}), info(), 7)) {}

  static ModelInfo info() { return {Task::develop, "tiny", "not trained", "none"}; }

  /// Writes the model, lets `change` spoil the bytes, and gives the message of loading it.
  std::string after(const std::function<void(std::vector<uint8_t>&)>& change,
                    Precision precision = Precision::f16) {
    const auto path = folder_ / "m.safetensors";
    save_model(path, model_, precision);
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
  std::string after_replacing(const std::string& from, const std::string& to,
                              Precision precision = Precision::f16) {
    EXPECT_EQ(from.size(), to.size());
    return after(
        [&](std::vector<uint8_t>& bytes) {
          const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
          ASSERT_NE(at, bytes.end()) << from;
          std::copy(to.begin(), to.end(), at);
        },
        precision);
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

TEST_F(ModelFile, KeepsTheRangesOfItsSideInputs) {
  Graph graph;
  const NodeId x = graph.add("input", Input{2}, {});
  graph.add("sum", Add{}, {x, graph.add("told", SideInput{2}, {})});
  ModelInfo told = info();
  told.side_ranges = {{"told", {{-1.0f / 3, 0}, {0.1f, 0}}}};
  const Model model = untrained(graph, told, 1);
  const auto path = folder_ / "told.safetensors";
  save_model(path, model, Precision::f16);
  EXPECT_EQ(Model::load(path).info().side_ranges, told.side_ranges);
  told.side_ranges["untold"] = {{0}, {1}};
  EXPECT_THAT(error_of([&] { untrained(graph, told, 1); }), HasSubstr("'untold'"));
  // A stranger's: 0 to 0 becomes 9 to 0.
  auto bytes = read_file(path);
  const std::string from = ",0.0]", to = ",9.0]";
  const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
  ASSERT_NE(at, bytes.end());
  std::copy(to.begin(), to.end(), at);
  write_file(path, bytes);
  EXPECT_THAT(error_of([&] { Model::load(path); }), HasSubstr("9 to 0, must be finite and rise"));
}

TEST_F(ModelFile, I8IsWithinHalfAStepOfItsRow) {
  save_model(folder_ / "m.safetensors", model_, Precision::i8);
  const Model loaded = Model::load(folder_ / "m.safetensors");
  for (const Parameter& p : parameters(model_.graph())) {
    const auto a = model_.weight(p.name).to_float();
    const auto b = loaded.weight(p.name).to_float();
    const bool is_i8 = p.role == ParameterRole::hyper_out;
    EXPECT_EQ(loaded.weight(p.name).precision, is_i8 ? Precision::i8 : Precision::f16);
    const size_t columns = is_i8 ? size_t(p.dims[1]) : 1;
    for (size_t row = 0; row < a.size() && is_i8; row += columns) {
      const auto larger = [](float x, float y) { return std::fabs(x) < std::fabs(y); };
      const float largest = std::fabs(*std::max_element(&a[row], &a[row] + columns, larger));
      for (size_t i = row; i < row + columns; ++i)
        // Half of a 127th of the largest, and the product's rounding.
        ASSERT_NEAR(a[i], b[i], largest / 127 * 0.5 * (1 + 1e-5));
    }
  }
  // A part is the same as that part of the whole.
  const WeightView& matrix = loaded.weight("bottleneck.a2.weight");
  const auto whole = matrix.to_float(), part = matrix.to_float(5, 7);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 5));
  // Written again, nothing changes.
  save_model(folder_ / "n.safetensors", loaded, Precision::i8);
  EXPECT_EQ(Model::load(folder_ / "n.safetensors").weight("bottleneck.a2.weight").to_float(),
            whole);
}

TEST_F(ModelFile, I8WithoutItsFactorsIsRefused) {
  EXPECT_THAT(after_replacing("a2.weight.scale", "a2.weight.scald", Precision::i8),
              HasSubstr("has no 'down1.conv2.a2.weight.scale'"));
  EXPECT_THAT(after_replacing("\"I8\"", "\"I4\"", Precision::i8), HasSubstr("I8 are read"));
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
  save_model(folder_ / "i8.safetensors", model_, Precision::i8);
  const auto half = read_file(folder_ / "m.safetensors");
  const auto narrow = read_file(folder_ / "i8.safetensors");
  Random random(3);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto& whole = trial % 2 == 0 ? half : narrow;
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

/// Mean square and largest magnitude.
std::pair<double, double> sizes(const std::vector<float>& values) {
  double squares = 0, largest = 0;
  for (const float v : values) {
    squares += double(v) * v;
    largest = std::max(largest, std::fabs(double(v)));
  }
  return {squares / double(values.size()), largest};
}

/// Uniform within 1 / sqrt(fan-in), near enough to the bounds and with the variance that makes.
void expect_uniform(const std::vector<float>& values, double fan_in) {
  const auto [variance, largest] = sizes(values);
  EXPECT_LE(largest, 1 / std::sqrt(fan_in));
  EXPECT_GT(largest, 0.8 / std::sqrt(fan_in));
  // Five standard errors: the fourth moment of a uniform value is 9/5 of its variance's square.
  EXPECT_NEAR(variance * 3 * fan_in, 1, 5 * std::sqrt(0.8 / double(values.size())));
}

TEST(Untrained, ComparatorsBeginAsLibtorchsModulesDo) {
  const Model model = untrained_network("awnet", {}, {}, 1);
  expect_uniform(model.weight("level1.shortcut.conv1.weight").to_float(), 64 * 9);
  expect_uniform(model.weight("level1.shortcut.conv1.bias").to_float(), 64 * 9);
  expect_uniform(model.weight("level3.se.in.weight").to_float(), 256);
  // Norms and slopes as everywhere.
  EXPECT_EQ(sizes(model.weight("level1.down.conv1.norm.bias").to_float()).second, 0);
  EXPECT_EQ(model.weight("level1.down.conv1.norm.weight").to_float(), std::vector<float>(64, 1));
  EXPECT_EQ(model.weight("level1.down.conv1.prelu.weight").to_float(), std::vector<float>{0.25f});
}

TEST(Untrained, VdnBeginsWithKaimingAndLibtorchsTransposedConvolutions) {
  const Model model = untrained_network("vdn", {.width = 16}, {}, 1);
  const auto filter = model.weight("down2.conv2.weight").to_float();
  EXPECT_NEAR(sizes(filter).first * 32 * 9 / 2, 1, 5 * std::sqrt(2 / double(filter.size())));
  EXPECT_EQ(sizes(model.weight("down2.conv2.bias").to_float()).second, 0);
  // From 32 channels to 16, 2x2: libtorch takes the 16 for the inputs.
  expect_uniform(model.weight("up1.up.weight").to_float(), 16 * 4);
  EXPECT_GT(sizes(model.weight("up1.up.bias").to_float()).second, 0);
}

TEST(Untrained, PredictedPartsFollowTheFiltersSpread) {
  const Graph graph = hyper_unet({.width = 8, .hidden = 16});
  for (const auto start : {Initialisation::kaiming, Initialisation::libtorch}) {
    const Model model = untrained(graph, {}, 1, start);
    const auto a2 = model.weight("bottleneck.a2.weight").to_float();
    const double w0 = sizes(model.weight("bottleneck.weight").to_float()).first;
    // hidden * Var(A2) is a hundredth of Var(W0): what hyperfan-in allows, times the gain's square.
    EXPECT_NEAR(16 * sizes(a2).first / w0, 0.01, 0.001);
  }
}

}  // namespace
}  // namespace hyperconv
