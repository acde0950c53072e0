// What of a sweep needs no training: tests/study_test.cpp has the rest.
#include "studies/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "studies/double_descent.hpp"

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

TEST_F(DoubleDescentRuns, FlopsAreConstantWithinHalfAPercent) {
  std::set<std::string> convolutions;
  double least = 1e300, most = 0;
  for (const StudyRun& run : DoubleDescent().runs(plan())) {
    const Facts cost = cost_facts(run.net);
    convolutions.insert(cost[1].second);
    const double total = std::stod(cost[2].second);
    least = std::min(least, total);
    most = std::max(most, total);
  }
  EXPECT_EQ(convolutions.size(), 1u);
  EXPECT_LT(most, 1.005 * least);
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
