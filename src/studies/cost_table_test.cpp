#include "studies/cost_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

const RowProgress silent = [](const std::string&, int64_t, int64_t) {};

TEST(CostTable, EveryFigureOfThePosterIsOurs) {
  const auto rows = cost_table({.run = false}, silent);
  ASSERT_EQ(rows.size(), 9u);
  for (const CostRow& row : rows) {
    // A figure printed as ".2" stands for .15 to .25.
    if (row.poster.tera_flops) {
      const double printed = *row.poster.tera_flops;
      const double rounding = printed < 1 ? 0.05 : 0.02 * printed;
      EXPECT_NEAR(double(row.cost.flops) / 1e12, printed, rounding + 1e-9) << row.network;
      EXPECT_NEAR(double(row.cost.conv_memory_bytes) / (1 << 30), *row.poster.gib_conv_memory,
                  0.051)
          << row.network;
    }
    if (row.definition.mega_parameters) {
      EXPECT_NEAR(double(row.cost.parameters) / 1e6, *row.definition.mega_parameters,
                  0.01 * *row.definition.mega_parameters)
          << row.network;
    }
    if (row.definition.tera_flops) {
      EXPECT_NEAR(double(row.cost.flops) / 1e12, *row.definition.tera_flops,
                  0.01 * *row.definition.tera_flops)
          << row.network;
      EXPECT_NEAR(double(row.cost.conv_memory_bytes) / (1 << 30), *row.definition.gib_conv_memory,
                  0.01 * *row.definition.gib_conv_memory)
          << row.network;
    }
    EXPECT_FALSE(row.run);
  }
}

TEST(CostTable, RunsANetworkWholeAndInTiles) {
  CostTableOptions options{.networks = {"develop-16"}, .size = PhotoSize{768, 1024}, .threads = 1};
  const CostRow whole = cost_table(options, silent).at(0);
  ASSERT_TRUE(whole.run);
  EXPECT_EQ(whole.run->tiles, 1);
  EXPECT_GT(whole.run->seconds, 0);
  EXPECT_GT(whole.run->peak_resident_bytes, whole.peak_memory_bytes);
  options.memory_bytes = whole.peak_memory_bytes / 4;
  const CostRow tiled = cost_table(options, silent).at(0);
  EXPECT_GE(tiled.run->tiles, 4);
  EXPECT_LT(tiled.run->peak_resident_bytes, whole.run->peak_resident_bytes);
}

TEST(CostTable, SaysWhichNetworkDoesNotFitAndWhichIsUnknown) {
  try {
    cost_table({.networks = {"develop-16"}, .memory_bytes = 1000}, silent);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("develop-16"));
    EXPECT_THAT(error.what(), HasSubstr("GiB"));
  }
  EXPECT_THROW(cost_table({.networks = {"hyper-iv"}, .run = false}, silent), Error);
}

}  // namespace
}  // namespace hyperconv
