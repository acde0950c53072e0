#include "training/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "network/graph.hpp"
#include "network/grown.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

const std::string good = R"([model]
network = "develop-16"
name = "tiny"
data_licence = "own"
[data]
photos = "photos"
[training]
steps = 10
warmup = 2
)";

std::string message_for(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "r.toml", text);
  try {
    read_recipe(folder / "r.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "read";
}

TEST(Recipe, ReadsWhatItSays) {
  const TemporaryFolder folder;
  write_file(folder / "r.toml", good + "loss = \"charbonnier\"\n");
  const Recipe recipe = read_recipe(folder / "r.toml");
  EXPECT_EQ(recipe.training.steps, 10);
  EXPECT_EQ(recipe.training.losses.at(0).loss, Loss::charbonnier);
  EXPECT_THAT(std::get<SimulatedData>(recipe.data.source).photos,
              testing::ElementsAre(folder / "photos"));
  EXPECT_EQ(recipe.training.seed, 1u);
  const Recipe other = read_recipe(folder / "r.toml", 7);
  EXPECT_EQ(other.training.seed, 7u);
  EXPECT_NE(other.text, recipe.text);  // a checkpoint of one is not the other's
}

TEST(Recipe, ReadsWhichPatchesAndSensors) {
  const TemporaryFolder folder;
  std::string text = good;
  text.replace(text.find("photos = \"photos\""), 17, R"(photos = ["a", "b"]
validation = "held"
shrink = [1, 2]
shrink_share = [0.7, 0.3]
draw = "detail"
sensors = "all"
most_shot = 0.05)");
  write_file(folder / "r.toml", text);
  const auto data = std::get<SimulatedData>(read_recipe(folder / "r.toml").data.source);
  EXPECT_THAT(data.photos, testing::ElementsAre(folder / "a", folder / "b"));
  EXPECT_THAT(data.validation, testing::ElementsAre(folder / "held"));
  EXPECT_THAT(data.draw.shrink, testing::ElementsAre(1, 2));
  EXPECT_THAT(data.draw.shrink_share, testing::ElementsAre(0.7, 0.3));
  EXPECT_EQ(data.draw.places, PatchDraw::detail);
  EXPECT_EQ(data.normal_numbers, NormalNumbers::table);
  EXPECT_EQ(data.sensors.least_shot, 5e-6);
  EXPECT_EQ(data.sensors.most_shot, 0.05);
  EXPECT_GT(data.sensors.lens_share, 0);
}

// What recipes from before those keys say.
TEST(Recipe, WithoutTheKeysPatchesAreDrawnAsBefore) {
  const TemporaryFolder folder;
  write_file(folder / "r.toml", good);
  const auto data = std::get<SimulatedData>(read_recipe(folder / "r.toml").data.source);
  EXPECT_THAT(data.draw.shrink, testing::ElementsAre(2));
  EXPECT_EQ(data.draw.places, PatchDraw::even);
  EXPECT_EQ(data.normal_numbers, NormalNumbers::one_by_one);
  EXPECT_EQ(data.sensors.least_shot, 1e-4);
  EXPECT_EQ(data.sensors.lens_share, 0);
  EXPECT_TRUE(data.validation.empty());
}

TEST(Recipe, RefusesPatchesAndSensorsThatCannotBe) {
  const auto message = [](const std::string& keys) {
    std::string text = good;
    text.insert(text.find("[training]"), keys + "\n");
    return message_for(text);
  };
  EXPECT_THAT(message("shrink = [1, 2]\nshrink_share = [1]"), HasSubstr("one share belongs"));
  EXPECT_THAT(message("shrink = []"), HasSubstr("one share belongs"));
  EXPECT_THAT(message("shrink = [1, 0]"), HasSubstr("must be 1 to 16"));
  EXPECT_THAT(message("shrink = [1, \"2\"]"), HasSubstr("shrink has the wrong type"));
  EXPECT_THAT(message("draw = \"best\""), HasSubstr("known are even, detail"));
  EXPECT_THAT(message("sensors = \"none\""),
              HasSubstr("[data] sensors is 'none'; known are plain"));
}

TEST(Recipe, ReadsPairsSchedulesAndWeightedLosses) {
  const TemporaryFolder folder;
  write_file(folder / "r.toml", R"([model]
network = "hyper-iii"
name = "tiny"
data_licence = "own"
[data]
pairs = "zrr"
augment = false
patch = 448
[training]
steps = 1000
schedule = "steps"
decay_at = [400, 800]
decay = 0.1
precision = "bf16"
accumulate = 4
[training.loss]
l1 = 0.16
ms-ssim = 0.84
)");
  const Recipe recipe = read_recipe(folder / "r.toml");
  const auto& pairs = std::get<PairData>(recipe.data.source);
  EXPECT_EQ(pairs.pairs, folder / "zrr");
  EXPECT_FALSE(pairs.augment);
  EXPECT_EQ(recipe.training.precision, TrainingPrecision::bf16);
  EXPECT_EQ(recipe.training.accumulate, 4);
  EXPECT_EQ(to_string(recipe.training.losses), "0.16 l1 + 0.84 ms-ssim");
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.training, 399), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.training, 400), 1e-4);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.training, 999), 1e-5);
}

TEST(Recipe, LimitsASetOfPairs) {
  const TemporaryFolder folder;
  const std::string text =
      "[model]\nnetwork = \"study-plain\"\nname = \"tiny\"\ndata_licence = \"own\"\n[data]\n"
      "pairs = \"p\"\nlabel_noise = 0.1\n";
  write_file(folder / "r.toml", text + "augment = false\nlimit = 16\nfirst = 32\n");
  const Recipe recipe = read_recipe(folder / "r.toml");
  const auto& pairs = std::get<PairData>(recipe.data.source);
  EXPECT_EQ(pairs.limit, 16);
  EXPECT_EQ(pairs.first, 32);
  EXPECT_DOUBLE_EQ(pairs.label_noise, 0.1);
  EXPECT_THAT(message_for(text + "limit = 16\n"), testing::HasSubstr("augment = false"));
  EXPECT_THAT(message_for(text + "augment = false\n"), testing::HasSubstr("belong to limit"));
}

TEST(Recipe, ReadsVdnsTraining) {
  const TemporaryFolder folder;
  const std::string text =
      "[model]\nnetwork = \"vdn\"\nname = \"tiny\"\ndata_licence = \"own\"\n[data]\nphotos = "
      "\"p\"\n"
      "noise = \"niid-gaussian\"\nmost_sigma = 50.0\n[training]\nloss = \"variational\"\n";
  write_file(folder / "r.toml", text + "[training.variational]\neps2 = 5e-5\n");
  const Recipe recipe = read_recipe(folder / "r.toml");
  EXPECT_EQ(std::get<NoisyData>(recipe.data.source).most_sigma, 50);
  ASSERT_TRUE(recipe.training.variational);
  EXPECT_EQ(recipe.training.variational->eps2, 5e-5);
  EXPECT_EQ(recipe.training.variational->radius, 3);
  EXPECT_THAT(message_for(text + "[training.variational]\neps = 1\n"),
              HasSubstr("eps is not known"));
  EXPECT_THAT(message_for(good + "[training.variational]\neps2 = 1e-6\n"), HasSubstr("belongs to"));
}

TEST(Recipe, ReadsAMixture) {
  const TemporaryFolder folder;
  const std::string start =
      "[model]\nnetwork = \"denoise-16\"\nname = \"tiny\"\ndata_licence = \"own\"\n[data]\npatch = "
      "64\n";
  const std::string pairs = "[[data.mix]]\nshare = 3\npairs = \"p\"\n";
  const std::string camera =
      "[[data.mix]]\nphotos = \"q\"\nnoise = \"camera\"\njpeg_share = 0.25\n";
  const std::string clean = "[[data.mix]]\nphotos = \"q\"\nnoise = \"none\"\nshrink = 1\n";
  write_file(folder / "r.toml", start + pairs + camera + clean);
  const Recipe recipe = read_recipe(folder / "r.toml");
  const auto& parts = std::get<MixedData>(recipe.data.source).parts;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(recipe.data.patch, 64);
  EXPECT_EQ(parts[0].share, 3);
  EXPECT_EQ(std::get<PairData>(parts[0].source).pairs, folder / "p");
  EXPECT_EQ(std::get<CameraNoiseData>(parts[1].source).range.jpeg_share, 0.25);
  EXPECT_EQ(std::get<CleanData>(parts[2].source).draw.shrink, std::vector<int64_t>{1});
  EXPECT_THAT(message_for(start + pairs + "jpeg_share = 0.5\n"),
              HasSubstr("[data.mix] jpeg_share"));
  EXPECT_THAT(message_for(start + camera + "soft_share = 2.0\n"), HasSubstr("0 to 1"));
  EXPECT_THAT(message_for(start + clean + "pairs = \"p\"\n"), HasSubstr("either photos"));
  EXPECT_THAT(message_for(start + "photos = \"q\"\n" + clean), HasSubstr("photos is not known"));
  EXPECT_THAT(message_for(start + "mix = []\n"), HasSubstr("is empty"));
  EXPECT_THAT(message_for(start + "mix = 3\n"), HasSubstr("wrong type"));
}

// Every recipe that is shipped can be read.
TEST(Recipe, ShippedOnesAreGood) {
  size_t count = 0, started = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(HYPERCONV_SOURCE_DIR) + "/recipes")) {
    const Recipe recipe = read_recipe(entry.path());
    EXPECT_NO_THROW(network_use(recipe.network)) << entry.path();
    // One that goes on from shipped weights must find their network: nodes in their order, too.
    if (std::filesystem::exists(recipe.start)) {
      const Model start = Model::load(recipe.start);
      const Model wanted = untrained_network(recipe.network, recipe.options, {}, 1);
      if (recipe.grows)
        EXPECT_NO_THROW(grown(start, wanted)) << entry.path();
      else
        EXPECT_EQ(graph_to_json(start.graph()), graph_to_json(wanted.graph())) << entry.path();
      ++started;
    }
    ++count;
  }
  EXPECT_GT(count, 20u);
  EXPECT_GT(started, 0u);
}

TEST(Recipe, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(message_for(good), "read");
  EXPECT_THAT(message_for(good + "lerning_rate = 1\n"), HasSubstr("lerning_rate is not known"));
  EXPECT_THAT(message_for(good + "loss = \"l3\"\n"),
              HasSubstr("l1, charbonnier, mse, psnr, ssim, ms-ssim"));
  EXPECT_THAT(message_for(good + "seed = \"x\"\n"), HasSubstr("wrong type"));
  EXPECT_THAT(message_for(good + "learning_rate = -1.0\n"), HasSubstr("must be"));
  EXPECT_THAT(message_for(good + "[more]\n"), HasSubstr("[more]"));
  EXPECT_THAT(message_for("[model]\n"), HasSubstr("network is missing"));
  EXPECT_THAT(message_for("= nonsense"), HasSubstr("line 1"));
  EXPECT_THAT(message_for(good + "decay_at = [5]\n"), HasSubstr("schedule"));
  EXPECT_THAT(message_for(good + "schedule = \"steps\"\ndecay_at = [5, 2]\n"), HasSubstr("rising"));
  EXPECT_THAT(message_for(good + "schedule = \"steps\"\ndecay_at = [\"a\"]\n"),
              HasSubstr("whole number"));
  EXPECT_THAT(message_for(good + "[training.loss]\nl3 = 1\n"), HasSubstr("l3 is not known"));
  EXPECT_THAT(message_for(good + "[training.loss]\nl1 = 0.0\n"), HasSubstr("no loss"));
  EXPECT_THAT(message_for("[model]\nnetwork = \"a\"\nname = \"b\"\ndata_licence = \"c\"\n[data]\n"),
              HasSubstr("either photos"));
}

TEST(LearningRate, WarmsUpAndFallsToAHundredth) {
  TrainingRecipe recipe;
  recipe.steps = 1100;
  recipe.warmup = 100;
  recipe.learning_rate = 1;
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe, 0), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe, 99), 1);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe, 100), 1);
  EXPECT_NEAR(learning_rate_at(recipe, 600), 0.505, 1e-12);
  EXPECT_NEAR(learning_rate_at(recipe, 1099), 0.01, 1e-5);
}

TEST(LearningRate, OneCycleRisesToItsPeakAndFallsToNothing) {
  TrainingRecipe recipe;
  recipe.steps = 1000;
  recipe.learning_rate = 1;
  recipe.schedule = Schedule::one_cycle;
  EXPECT_NEAR(learning_rate_at(recipe, 0), 0.04, 1e-12);
  EXPECT_NEAR(learning_rate_at(recipe, 300), 1, 1e-12);
  EXPECT_LT(learning_rate_at(recipe, 999), 1.2e-4);
}

}  // namespace
}  // namespace hyperconv
