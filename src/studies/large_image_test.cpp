#include "studies/large_image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

TEST(LargeImage, APixelsCostFallsToTheConvolutionsAlone) {
  const auto points = large_image("hyper-iii");
  double smallest_patch = 0, largest_photo = 0, narrow = 0;
  for (const auto& p : points) {
    if (p.hidden == 4096 && p.size.rows == 64) smallest_patch = p.flops_per_pixel();
    if (p.hidden == 4096 && p.size.rows == 10'000) largest_photo = p.flops_per_pixel();
    if (p.hidden == 1 && p.size.rows == 10'000) narrow = p.flops_per_pixel();
  }
  EXPECT_GT(smallest_patch, 10 * largest_photo);
  EXPECT_NEAR(largest_photo, narrow, 0.005 * narrow);
  EXPECT_GT(largest_photo, narrow);
}

TEST(LargeImage, TenfoldHiddenIsTenfoldParametersAtTheSameFlops) {
  for (const char* network : {"hyper-i", "hyper-ii", "hyper-iii"}) {
    const auto points = tenfold_hidden(network);
    ASSERT_EQ(points.size(), 3u);
    for (size_t i = 1; i < 3; ++i) {
      EXPECT_EQ(points[i].cost.flops, points[i - 1].cost.flops);
      EXPECT_NEAR(double(points[i].cost.parameters) / double(points[i - 1].cost.parameters), 10,
                  0.3);
    }
    EXPECT_LT(double(points[1].cost.flops_total), 1.005 * double(points[0].cost.flops_total));
  }
}

TEST(LargeImage, RefusesANetworkWithoutHiddenLayer) {
  EXPECT_THROW(large_image("plain-0.6t"), Error);
  EXPECT_THROW(tenfold_hidden("nonsense"), Error);
}

TEST(LargeImage, WritesTableAndFigure) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  const auto points = large_image("hyper-iii");
  write_large_image(folder.path(), "hyper-iii", points);
  const auto bytes = read_file(folder / "large-image.csv");
  EXPECT_EQ(size_t(std::ranges::count(bytes, '\n')), points.size() + 1);
  EXPECT_GT(read_file(folder / "large-image.png").size(), 10'000u);
  EXPECT_GT(read_file(folder / "large-image.svg").size(), 10'000u);
}

}  // namespace
}  // namespace hyperconv
