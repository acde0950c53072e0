// hyperconv study as scripts run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

TEST(CostTableCommand, PrintsThePapersTableBesideOurs) {
  const Outcome run = run_program({"study", "cost-table", "--no-run", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  ASSERT_EQ(json["rows"].size(), 9u);
  const auto& pynet = json["rows"][0];
  EXPECT_EQ(pynet["network"], "pynet");
  EXPECT_EQ(pynet["poster"]["tera_flops"], 43);
  EXPECT_EQ(pynet["definition"]["tera_flops"], 42.91);
  EXPECT_NEAR(pynet["flops"].get<double>(), 42.91e12, 0.01 * 42.91e12);
  EXPECT_TRUE(pynet["run"].is_null());
}

TEST(CostTableCommand, RunsANetworkAndSaysHow) {
  const std::vector<std::string> arguments{"study",      "cost-table", "--network",
                                           "develop-16", "--size",     "512x256"};
  auto with = [&](const std::vector<std::string>& more) {
    auto all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  };
  const auto json = nlohmann::json::parse(with({"--json"}).output);
  EXPECT_EQ(json["rows"][0]["run"]["tiles"], 1);
  EXPECT_GT(json["rows"][0]["run"]["seconds"], 0);
  EXPECT_GT(json["rows"][0]["run"]["peak_rss_bytes"], json["rows"][0]["peak_memory_bytes"]);
  EXPECT_THAT(with({"--markdown"}).output, HasSubstr("| develop-16 | 32 |"));
  EXPECT_THAT(with({}).output, HasSubstr("512x256"));
  const Outcome little = with({"--memory", "0.000001"});
  EXPECT_EQ(little.status, 1);
  EXPECT_THAT(little.errors, HasSubstr("develop-16"));
}

TEST(CostTableCommand, NamesWhatItDoesNotKnow) {
  const Outcome unknown = run_program({"study", "cost-table", "--network", "hyper-iv"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("hyper-iii"));
  const Outcome size =
      run_program({"study", "cost-table", "--network", "pynet", "--size", "100x96"});
  EXPECT_EQ(size.status, 1);
  EXPECT_THAT(size.errors, HasSubstr("multiples of 32"));
}

TEST(LargeImageCommand, ShowsThatHiddenIsFree) {
  const Outcome run = run_program({"study", "large-image", "--network", "hyper-i", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["tenfold"][0]["flops"], json["tenfold"][2]["flops"]);
  EXPECT_GT(json["points"].size(), 100u);
}

TEST(LargeImageCommand, RefusesWhatCannotBe) {
  EXPECT_EQ(run_program({"study", "large-image", "--network", "plain-0.6t"}).status, 1);
  const Outcome folder = run_program({"study", "large-image", "-o", "/no/such/folder"});
  EXPECT_EQ(folder.status, 1);
  EXPECT_THAT(folder.errors, HasSubstr("/no/such/folder"));
  EXPECT_EQ(run_program({"study"}).status, 2);
}

}  // namespace
}  // namespace hyperconv
