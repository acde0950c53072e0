#include "training/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

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
  EXPECT_EQ(recipe.training.loss, Loss::charbonnier);
  EXPECT_EQ(recipe.patches.photos, folder / "photos");
}

TEST(Recipe, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(message_for(good), "read");
  EXPECT_THAT(message_for(good + "lerning_rate = 1\n"), HasSubstr("lerning_rate is not known"));
  EXPECT_THAT(message_for(good + "loss = \"l3\"\n"), HasSubstr("l1, charbonnier, psnr"));
  EXPECT_THAT(message_for(good + "seed = \"x\"\n"), HasSubstr("wrong type"));
  EXPECT_THAT(message_for(good + "learning_rate = -1.0\n"), HasSubstr("must be"));
  EXPECT_THAT(message_for(good + "[more]\n"), HasSubstr("[more]"));
  EXPECT_THAT(message_for("[model]\n"), HasSubstr("network is missing"));
  EXPECT_THAT(message_for("= nonsense"), HasSubstr("line 1"));
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

}  // namespace
}  // namespace hyperconv
