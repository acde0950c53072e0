// What of a sweep needs no training: tests/study_test.cpp has the rest.
#include "studies/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "studies/double_descent.hpp"
#include "studies/poster.hpp"

namespace hyperconv {
namespace {

/// A set in Zurich RAW-to-DSLR's layout by its names alone: who lists runs reads no picture.
class DoubleDescentRuns : public testing::Test {
 protected:
  StudyPlan plan() const {
    for (const char* part : {"train", "test"})
      for (int i = 0; i < 4096; ++i) {
        if (i > 3 && std::string(part) == "test") break;
        put(part + ("/huawei_raw/" + std::to_string(i)) + ".png");
        put(part + ("/canon/" + std::to_string(i)) + ".jpg");
      }
    return {.pairs = folder_.path()};
  }

 private:
  void put(const std::string& name) const {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }

  TemporaryFolder folder_;
};

TEST_F(DoubleDescentRuns, DifferAndSeedsShareARecipe) {
  const auto runs = DoubleDescent().runs(plan());
  std::set<std::string> titles, recipes, texts;
  for (const StudyRun& run : runs) {
    titles.insert(run.key + std::to_string(run.seed));
    recipes.insert(run.recipe_id);
    texts.insert(run.recipe({"a", "b", "c"}));
    EXPECT_THAT(run.recipe({"where/pairs", "", ""}), testing::HasSubstr("where/pairs"));
  }
  EXPECT_EQ(titles.size(), runs.size());
  EXPECT_EQ(recipes.size() * 3, runs.size());
  EXPECT_EQ(texts.size(), runs.size());  // each seed has windows of its own
  EXPECT_EQ(runs.front().seed, 1u);
  EXPECT_EQ(runs.back().seed, 3u);
}

TEST_F(DoubleDescentRuns, FlopsAreConstant) {
  StudyPlan one_seed = plan();
  one_seed.seeds = 1;
  for (const auto training : {DescentTraining::short_steps, DescentTraining::to_interpolation}) {
    std::set<std::string> convolutions;
    std::map<int, double> totals;
    for (const StudyRun& run : DoubleDescent(training).runs(one_seed)) {
      const Facts cost = cost_facts(run.net);
      convolutions.insert(cost[1].second);
      totals[run.net.options.hidden.value_or(0)] = std::stod(cost[2].second);
    }
    EXPECT_EQ(convolutions.size(), 1u);
    const double widest = totals.rbegin()->second;
    EXPECT_LT(widest, 1.001 * totals.at(1));
    EXPECT_LT(widest, 1.005 * totals.at(0));
  }
}

// Recipes in docs/findings/double-descent.csv: with others its runs would be made again.
TEST_F(DoubleDescentRuns, AreTheCommittedOnes) {
  const auto runs = DoubleDescent().runs(plan());
  EXPECT_EQ(runs[0].recipe_id, "3b62777f5970094c");
  EXPECT_EQ(runs[1].recipe_id, "f27fa3d59f64308e");
}

TEST_F(DoubleDescentRuns, InterpolationIsTrainedTenTimesAsLongAndWatched) {
  const auto runs = DoubleDescent(DescentTraining::to_interpolation).runs(plan());
  EXPECT_EQ(runs.size(), 13u * 2 * 3 * 3);
  EXPECT_EQ(runs[0].steps, 40'000);
  EXPECT_THAT(runs[0].recipe({"a", "b", "c"}), testing::HasSubstr("validate_every = 1000"));
  EXPECT_EQ(runs.back().key, "hidden-2048-windows-64-noise-0.2");
}

TEST(PosterRuns, SeeTheSameSamplesAndLargeOnesOnce) {
  const auto runs = PosterStudy().runs({.pairs = "anywhere"});
  std::map<std::string, int> seeds;
  std::set<std::string> recipes, data;
  for (const StudyRun& run : runs) {
    ++seeds[run.key];
    recipes.insert(run.recipe_id);
    const std::string text = run.recipe({"a", "b", "c"});
    const size_t begin = text.find("[data]");
    data.insert(text.substr(begin, text.find("[training]") - begin));
    run.net.graph();
  }
  EXPECT_EQ(data.size(), 1u);
  EXPECT_EQ(recipes.size(), seeds.size());
  EXPECT_EQ(seeds.size(), 15u);
  EXPECT_EQ(seeds.at("poster-awnet"), 1);
  EXPECT_EQ(seeds.at("poster-hyper-iii-64"), 3);
  EXPECT_EQ(seeds.at("control-constant"), 3);
  // Twenty times the pixels of docs/reproduce.md's table: 6,000 steps of 8 patches of 128x128.
  EXPECT_EQ(runs.front().steps * runs.front().batch, 20 * 6000 * 8);
}

// FNV-1a's published value for "foobar": with another one no committed result could be resumed.
TEST(Fingerprint, IsTheCommittedResults) { EXPECT_EQ(fingerprint("foobar"), "85944171f73967e8"); }

TEST(DataFingerprint, ChangesWithTheData) {
  const TemporaryFolder folder;
  write_file(folder / "a", std::string("one"));
  const std::string one = data_fingerprint(folder.path());
  EXPECT_EQ(data_fingerprint(folder.path()), one);
  write_file(folder / "b", std::string("two"));
  const std::string two = data_fingerprint(folder.path());
  EXPECT_NE(one, two);
  write_file(folder / "simzrr.json", std::string("{}"));
  const std::string manifest = data_fingerprint(folder.path());
  write_file(folder / "c", std::string("three"));
  EXPECT_EQ(data_fingerprint(folder.path()), manifest);
  EXPECT_THROW(data_fingerprint(folder / "nothing"), Error);
}

}  // namespace
}  // namespace hyperconv
